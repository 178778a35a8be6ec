//! `Idempotency-Key`: a request that is sent again is answered again, and carried out once.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, Endpoint as _, Request, Response};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use tracing::Instrument as _;

use super::gate::name_of;
use super::problem::ApiError;
use crate::domain::{Actor, Sha256};
use crate::service::{Attempt, Begun, Services};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST_KEY: usize = 255;
/// The headers of an answer that belong to it; the others belong to the request.
const KEPT: [HeaderName; 5] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG, header::LINK, header::SET_COOKIE];

/// The head of a kept answer; its body follows in the same bytes.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

/// Whether the answer was kept from an earlier request.
pub fn is_replayed(response: &Response) -> bool {
    response.headers().contains_key(REPLAYED)
}

/// Operations that may be carried out again: what they lead to is the same each time, and says all that there is to say.
const REPEATABLE: [&str; 3] = ["finishDeployment", "promoteDeployment", "verifyDomain"];

/// Calls `endpoint`, or answers as it did before when the request has a key that it had then.
///
/// An answer is kept for 24 hours when it is a success; what was refused frees its key. The change notes in its own
/// transaction that it was made ([`Subject::claim_as`](crate::domain::Subject::claim_as)), so that it is made once even when
/// the server dies before the answer is kept.
pub async fn once(
    services: &Services,
    actor: Option<&Actor>,
    operation: &str,
    mut request: Request,
    endpoint: &Arc<BoxEndpoint<'static>>,
) -> poem::Result<Response> {
    let Some(key) = key(&request)? else { return endpoint.call(request).await };
    let caller = actor.map_or_else(|| "-".to_owned(), name_of);
    let route = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let scope = Sha256::of(format!("{caller}\n{route}\n{key}").as_bytes());
    let is_repeatable = REPEATABLE.contains(&operation);
    match services.gate.begin(scope, is_repeatable).await.map_err(ApiError::from)? {
        Begun::Again { body_hash, answer } => {
            if let Some(former) = body_hash
                && former != drain(request.take_body()).await?
            {
                let detail = "this idempotency key was used for a request with another body";
                return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
                    .with_hint("make a new key for each new request")
                    .into());
            }
            Ok(thaw(&answer)?)
        }
        Begun::First(attempt) => {
            if let Some(actor) = actor {
                actor.subject.claim_as(attempt.claim().clone());
            }
            let work = carry_out(services.clone(), attempt, request, Arc::clone(endpoint));
            let work = work.instrument(tracing::Span::current());
            // In a task of its own, which a caller who goes away does not end: the answer is there when it asks again.
            #[expect(clippy::disallowed_methods, reason = "a request's work ends, and so does this task")]
            let work = tokio::spawn(work);
            work.await.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(ApiError::internal(error.to_string()).into()),
            })
        }
    }
}

/// Carries a request out for the first time and keeps its answer.
async fn carry_out(
    services: Services,
    attempt: Attempt,
    mut request: Request,
    endpoint: Arc<BoxEndpoint<'static>>,
) -> poem::Result<Response> {
    let hash = Arc::new(Mutex::new(Hashing::default()));
    let body = request.take_body();
    request.set_body(hashed(body, Arc::clone(&hash)));
    let response = match endpoint.call(request).await {
        Ok(response) if response.status().is_success() => response,
        refused => {
            let status = refused.as_ref().map_or_else(poem::Error::status, Response::status);
            let unknown = status == StatusCode::SERVICE_UNAVAILABLE;
            services.gate.forget(attempt, unknown).await.map_err(ApiError::from)?;
            return refused;
        }
    };
    let hash = hash.lock().unwrap_or_else(PoisonError::into_inner).finish();
    let (response, answer) = freeze(response).await?;
    crate::failpoint!("answer.unkept");
    if let Err(error) = services.gate.keep(attempt, hash, &answer).await {
        // The work is done and must be answered; sent again, the request is told that its answer is lost.
        tracing::error!(error = &error as &dyn std::error::Error, "an answer could not be kept");
    }
    Ok(response)
}

fn key(request: &Request) -> Result<Option<String>, ApiError> {
    let Some(value) = request.headers().get(KEY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(text.to_owned()));
    }
    let detail = format!("an idempotency key has 1 to {LONGEST_KEY} visible ASCII characters");
    Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail))
}

/// The digest of a body, as far as it was read.
#[derive(Default)]
struct Hashing {
    hasher: sha2::Sha256,
    ended: bool,
}

impl Hashing {
    /// The digest, when the whole body was read. An operation without a body reads none.
    fn finish(&self) -> Option<Sha256> {
        self.ended.then(|| Sha256(self.hasher.clone().finalize().into()))
    }
}

fn hashed(body: Body, hash: Arc<Mutex<Hashing>>) -> Body {
    let end = Arc::clone(&hash);
    let chunks = body.into_bytes_stream().inspect(move |chunk| {
        if let Ok(bytes) = chunk {
            hash.lock().unwrap_or_else(PoisonError::into_inner).hasher.update(bytes);
        }
    });
    let mark = futures_util::stream::poll_fn(move |_| {
        end.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        std::task::Poll::Ready(None::<Result<Bytes, io::Error>>)
    });
    Body::from_bytes_stream(chunks.chain(mark))
}

async fn drain(body: Body) -> Result<Sha256, ApiError> {
    let mut hasher = sha2::Sha256::new();
    let mut chunks = body.into_bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let broken = |_| ApiError::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body broke off before its end");
        hasher.update(chunk.map_err(broken)?);
    }
    Ok(Sha256(hasher.finalize().into()))
}

/// Returns the response as it was, and as bytes to be kept.
async fn freeze(response: Response) -> Result<(Response, Vec<u8>), ApiError> {
    let (parts, body) = response.into_parts();
    let body = body.into_bytes().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers =
        KEPT.iter().flat_map(|name| parts.headers.get_all(name).iter().map(|value| (name.to_string(), text(value))));
    let head = Head { status: parts.status.as_u16(), headers: headers.collect() };
    let mut kept = serde_json::to_vec(&head).map_err(ApiError::internal)?;
    kept.push(b'\n');
    kept.extend_from_slice(&body);
    Ok((Response::from_parts(parts, Body::from_bytes(body)), kept))
}

/// Returns the answer that [`freeze`] wrote.
fn thaw(kept: &[u8]) -> Result<Response, ApiError> {
    let cut = || ApiError::internal("a kept answer is cut off");
    let end = kept.iter().position(|&byte| byte == b'\n').ok_or_else(cut)?;
    let (head, body) = kept.split_at(end);
    let head: Head = serde_json::from_slice(head).map_err(ApiError::internal)?;
    let status = StatusCode::from_u16(head.status).map_err(ApiError::internal)?;
    let mut response = Response::builder().status(status);
    for (name, value) in head.headers {
        response = response.header(name, value);
    }
    let body = body.get(1..).unwrap_or_default().to_vec();
    Ok(response.header(REPLAYED, HeaderValue::from_static("true")).body(if body.is_empty() {
        Body::empty()
    } else {
        Body::from_vec(body)
    }))
}
