//! What holds around every request: its id, the log line, the one form of failures, headers that keep browsers safe.
//!
//! What needs to know the operation or the caller is the gate's ([`super::gate`]).

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::FutureExt as _;
use poem::http::header::{self, HeaderName};
use poem::http::{HeaderMap, HeaderValue, StatusCode, Version};
use poem::{Endpoint, IntoResponse, Middleware, PathPattern, Request, Response};
use poem_openapi::OperationId;
use tracing::Instrument as _;

use super::ApiConfig;
use super::caller::CallerName;
use super::cors::{self, Cors};
use super::failure;
use super::host::HostCheck;
use super::limits::{self, Lost};
use super::operations::Methods;
use super::problem::ApiError;
use super::request_id::RequestId;
use crate::service::Services;
use crate::telemetry::{Role, Telemetry, TraceContext, within};

/// Carries a request's id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the frame around an endpoint.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What counts and traces requests.
    pub telemetry: Telemetry,
    /// What the operator chose.
    pub config: ApiConfig,
    /// What counts requests that reach no operation.
    pub services: Option<Services>,
    /// Which hosts the server answers for.
    pub hosts: HostCheck,
    /// What each path can be asked.
    pub methods: Arc<Methods>,
}

impl<E: Endpoint> Middleware<E> for Frame {
    type Output = Framed<E>;

    fn transform(&self, inner: E) -> Self::Output {
        Framed { inner, frame: self.clone() }
    }
}

/// Headers that are to be on the answer, whatever that is.
#[derive(Debug, Clone, Default)]
pub struct ExtraHeaders(Arc<Mutex<HeaderMap>>);

impl ExtraHeaders {
    /// Adds a header.
    pub fn insert(&self, name: HeaderName, value: HeaderValue) {
        self.lock().insert(name, value);
    }

    /// Adds headers.
    pub fn extend(&self, headers: HeaderMap) {
        self.lock().extend(headers);
    }

    /// Returns the headers so far.
    pub fn take(&self) -> HeaderMap {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HeaderMap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An endpoint in its frame.
pub struct Framed<E> {
    inner: E,
    frame: Frame,
}

/// What an endpoint came to, with what the log says of it.
struct Outcome {
    response: Response,
    operation: String,
}

impl<E: Endpoint> Endpoint for Framed<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let id = RequestId::of(&request);
        let (method, version) = (request.method().clone(), request.version());
        let caller = CallerName::default();
        request.set_data(caller.clone());
        request.set_data(id.clone());
        let extra = ExtraHeaders::default();
        request.set_data(extra.clone());
        let cors = Cors::of(&request, &self.frame.config);
        let mut trace = self.frame.telemetry.tracer.begin("request", Role::Server, caller_trace(&request));
        let span = tracing::info_span!("request", request_id = id.as_str(), trace_id = tracing::field::Empty);
        if let Some(context) = trace.context() {
            span.record("trace_id", context.trace_id());
        }
        let answering = within(trace.context(), self.answer(request, &id).instrument(span.clone()));
        let Outcome { mut response, operation } = answering.await;
        response.headers_mut().extend(extra.take());
        cors.apply(&mut response);
        let is_stopping = self.frame.services.as_ref().is_some_and(|services| services.health.is_stopping());
        if is_stopping && version <= Version::HTTP_11 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        protect(&mut response, caller.is_known(), self.frame.config.secure_cookies);
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let status = response.status();
        self.frame.telemetry.metrics.requested(&operation, status.as_u16(), started.elapsed());
        trace.rename(&operation);
        trace.set("http.request.method", method.as_str());
        trace.set("http.response.status_code", i64::from(status.as_u16()));
        trace.set("miaobu.request_id", id.as_str());
        if status.is_server_error() {
            trace.fail("server_error");
        }
        span.in_scope(|| {
            tracing::info!(
                method = method.as_str(),
                operation,
                status = response.status().as_u16(),
                duration_ms = started.elapsed().as_micros() as f64 / 1000.0,
                caller = caller.get(),
                "answered"
            );
        });
        Ok(response)
    }
}

impl<E: Endpoint> Framed<E> {
    async fn answer(&self, request: Request, id: &RequestId) -> Outcome {
        let path = request.uri().path().to_owned();
        let lost = Lost::note(&request, &self.frame.config);
        if let (Ok(()), Some(response)) =
            (self.frame.hosts.check(&request), cors::preflight(&request, &self.frame.config))
        {
            return Outcome { response, operation: "preflight".to_owned() };
        }
        let host = self.frame.hosts.check(&request);
        let result = match host {
            Ok(()) => AssertUnwindSafe(self.inner.call(request)).catch_unwind().await,
            Err(error) => Ok(Err(error.into())),
        };
        match result {
            Ok(Ok(output)) => {
                let response = output.into_response();
                let operation = operation(response.data::<OperationId>(), response.data::<PathPattern>());
                Outcome { response, operation }
            }
            Ok(Err(error)) => {
                let operation = operation(error.data::<OperationId>(), error.data::<PathPattern>());
                let allow = error.data::<PathPattern>().and_then(|pattern| self.frame.methods.allowed(&pattern.0));
                let reached = error.data::<OperationId>().is_some();
                let mut error = failure::of(error);
                let mut headers = HeaderMap::new();
                if let Some(services) = &self.frame.services
                    && !reached
                    && path.starts_with("/api")
                {
                    match limits::count_lost(&lost, services, &self.frame.config).await {
                        Ok(counted) => headers = counted,
                        Err(refused) => error = refused,
                    }
                }
                let mut response = render(error, &path, id);
                response.headers_mut().extend(headers);
                if let Some(allow) = allow.filter(|_| response.status() == StatusCode::METHOD_NOT_ALLOWED) {
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                Outcome { response, operation }
            }
            Err(panic) => {
                let error = ApiError::internal(format!("a handler panicked: {}", panic_message(&*panic)));
                Outcome { response: render(error, &path, id), operation: "-".to_owned() }
            }
        }
    }
}

/// The trace that the caller says the request is part of.
fn caller_trace(request: &Request) -> Option<TraceContext> {
    request.header("traceparent").and_then(TraceContext::parse)
}

fn operation(id: Option<&OperationId>, pattern: Option<&PathPattern>) -> String {
    match (id, pattern) {
        (Some(id), _) => id.0.to_owned(),
        (None, Some(pattern)) => pattern.0.to_string(),
        (None, None) => "-".to_owned(),
    }
}

/// Logs what the caller must not read, once, and renders what it may.
fn render(error: ApiError, path: &str, id: &RequestId) -> Response {
    if let Some(cause) = error.cause() {
        let mut causes = cause.to_string();
        let mut next = cause.source();
        while let Some(cause) = next {
            causes = format!("{causes}: {cause}");
            next = cause.source();
        }
        tracing::error!(code = error.code(), causes, "the request failed");
    }
    error.render(path, id.as_str())
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Answers of the API are data: nothing may run, frame, sniff or (once the caller is known) keep them. Pages that need
/// more bring their own policy.
fn protect(response: &mut Response, is_private: bool, is_https: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(header::REFERRER_POLICY, "no-referrer");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if is_https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    if is_private {
        default(header::CACHE_CONTROL, "no-store");
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make;

    use super::*;

    fn frame() -> Frame {
        let (config, hosts) = (ApiConfig::default(), HostCheck::new(&[]));
        let telemetry = Telemetry::default();
        Frame { telemetry, config, services: None, hosts, methods: Arc::new(Methods::default()) }
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_internals() {
        let endpoint = frame().transform(make(|_| async { panic!("the key is hunter2") as poem::Result<Response> }));
        let response = endpoint.call(Request::default()).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.content_type(), Some("application/problem+json"));
        let id = response.header(REQUEST_ID).expect("an id").to_owned();
        let text = response.into_body().into_string().await.expect("text");
        assert!(text.contains(&id) && text.contains("internal_error") && !text.contains("hunter2"), "{text}");
    }

    #[tokio::test]
    async fn a_cause_stays_in_the_log() {
        let fail = |_| async { Err::<Response, poem::Error>(ApiError::internal("disk /dev/sda1 is gone").into()) };
        let response = frame().transform(make(fail)).call(Request::default()).await.expect("an answer");
        let text = response.into_body().into_string().await.expect("text");
        assert!(text.contains("internal_error") && !text.contains("sda1"), "{text}");
    }
}
