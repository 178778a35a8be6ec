//! Sending again what may succeed by then, always under one idempotency key.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use bytes::Bytes;
use progenitor_client::{ClientHooks, ClientInfo as _, OperationInfo};
use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Response, StatusCode};

use crate::Client;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A server that asks for more patience than this is not waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How often a request is tried before its failure is reported.
#[derive(Debug, Clone, Copy)]
pub struct Retries(u32);

impl Retries {
    /// Tries a request `attempts` times in all; once at least.
    pub const fn attempts(attempts: u32) -> Self {
        Self(attempts)
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self(5)
    }
}

impl ClientHooks<Retries> for Client {
    async fn exec(&self, mut request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        if request.method() == Method::POST && !request.headers().contains_key(IDEMPOTENCY_KEY) {
            request.headers_mut().insert(IDEMPOTENCY_KEY, new_key());
        }
        let mut backoff = Backoff::new(*self.inner());
        loop {
            // A body that is streamed cannot be sent twice.
            let again = request.try_clone();
            let (result, may_pass) = judge(self.client().execute(request).await).await;
            let asked = result.as_ref().ok().and_then(retry_after);
            match again {
                Some(again) if may_pass && backoff.wait(asked).await => request = again,
                _ => return result,
            }
        }
    }
}

/// Whether the same request may succeed later: a connection that broke, a limit that was met, a server that restarts.
async fn judge(result: reqwest::Result<Response>) -> (reqwest::Result<Response>, bool) {
    let response = match result {
        Ok(response) => response,
        Err(error) => {
            let may_pass = !error.is_builder() && !error.is_redirect();
            return (Err(error), may_pass);
        }
    };
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => (Ok(response), true),
        StatusCode::CONFLICT => look_into(response).await,
        _ => (Ok(response), false),
    }
}

/// The first try may still be running; that stands in the body.
async fn look_into(response: Response) -> (reqwest::Result<Response>, bool) {
    let (status, headers) = (response.status(), response.headers().clone());
    let body: Bytes = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return (Err(error), true),
    };
    let problem: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let may_pass = problem.is_some_and(|problem| problem["code"] == "idempotency_key_in_use");
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    (Ok(response.into()), may_pass)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Counts tries, and waits longer after each.
#[derive(Debug)]
pub(crate) struct Backoff {
    retries: Retries,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(retries: Retries) -> Self {
        Self { retries, failures: 0 }
    }

    /// Forgets earlier failures, because something went well.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits until another try makes sense; false, at once, when none does.
    pub(crate) async fn wait(&mut self, asked: Option<Duration>) -> bool {
        self.failures += 1;
        if self.failures >= self.retries.0 || asked.is_some_and(|asked| asked > LONGEST_RETRY_AFTER) {
            return false;
        }
        let full = FIRST_WAIT.saturating_mul(1 << (self.failures - 1).min(16)).min(LONGEST_WAIT);
        // Between half of it and all, so that many clients do not come back at once.
        let spread = full / 2 + Duration::from_nanos(random() % (full.as_nanos() as u64 / 2 + 1));
        tokio::time::sleep(asked.unwrap_or(spread)).await;
        true
    }
}

fn new_key() -> HeaderValue {
    let key = format!("{:016x}{:016x}", random(), random());
    HeaderValue::try_from(key).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// The standard library seeds each hasher anew, which is all the randomness that telling requests apart needs.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}
