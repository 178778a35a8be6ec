//! Every answer that reports a failure: `application/problem+json` (RFC 9457).
//!
//! Invariant: a 5xx never carries internals. What the log may hold (the source) and what the caller may read are
//! separate fields of [`ApiError`].

use std::borrow::Cow;
use std::fmt;

use poem::error::ResponseError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Body, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;

use crate::{provider, service, store};

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What went wrong, for programs and for people (RFC 9457).
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "Problem")]
pub struct ProblemView {
    /// Names the kind of problem; relative to this server.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: i32,
    /// What happened this time.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// A stable code in snake_case, to decide by.
    pub code: String,
    /// Stands in the server's log beside this request.
    pub request_id: String,
    /// Every field that was refused.
    pub errors: Vec<FieldProblem>,
    /// What to do next.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One refused field of a request.
#[derive(Debug, Clone, PartialEq, Object, Serialize)]
pub struct FieldProblem {
    /// A JSON pointer into the body (RFC 6901); for a query parameter, `/` and its name.
    pub pointer: String,
    /// A stable code in snake_case.
    pub code: String,
    /// What is wrong with the value.
    pub detail: String,
}

impl FieldProblem {
    /// Returns a problem of the field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// A failure on its way to becoming an answer.
#[derive(Debug)]
pub struct ApiError(Box<Failure>);

/// What there is to say; boxed, because every handler's result has room for it.
#[derive(Debug)]
struct Failure {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    hint: Option<String>,
    errors: Vec<FieldProblem>,
    retry_after_seconds: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// Returns a failure with a stable code and a sentence for the caller.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            status,
            code: code.into(),
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            retry_after_seconds: None,
            source: None,
        }))
    }

    /// The answer for a missing object and for someone else's: the same, byte for byte.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such object, or it is not yours")
    }

    /// 422 with every refused field.
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            all => format!("{} fields of the request were refused", all.len()),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail).with_errors(errors)
    }

    /// The failure of an operation that takes bytes. They have no fields, so what is wrong with them is the answer's code.
    pub fn of_bytes(error: service::Error) -> Self {
        let mut error = Self::from(error);
        let failure = &mut *error.0;
        if let (StatusCode::UNPROCESSABLE_ENTITY, Some(first)) = (failure.status, failure.errors.first()) {
            failure.code = Cow::Owned(first.code.clone());
            failure.detail.clone_from(&first.detail);
        }
        error
    }

    /// 401; `code` says which kind of proof was missing or wrong.
    pub fn unauthenticated(code: &'static str) -> Self {
        let (detail, hint) = match code {
            "invalid_code" => (
                "the login code is wrong, was used before, or has expired",
                "the server prints a fresh code when it starts and after each use; `miaobu-control login-code` makes one",
            ),
            "invalid_ticket" => ("the ticket was used, is too old, or is none", "make another with `createLogTicket`"),
            "invalid_password" => {
                ("the login or the password is wrong", "`miaobu-control login-code` lets the operator in")
            }
            "authentication_required" => (
                "this operation needs a token or a session",
                "send `Authorization: Bearer TOKEN`; `miaobu login` makes a token",
            ),
            _ => ("the token or session is unknown, revoked, or has expired", "run `miaobu login` again"),
        };
        Self::new(StatusCode::UNAUTHORIZED, code, detail).with_hint(hint)
    }

    /// 500 whose cause goes to the log only; 503 when what it comes from passes.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        let mut error = match passes(&*source) {
            true => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "a part that the server needs does not answer at the moment; what was asked for may have been done",
            )
            .retry_after(PASSES_AFTER_SECONDS),
            false => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "the server failed to answer; the failure is in its log under this request id",
            ),
        };
        error.0.source = Some(source);
        error
    }

    /// 503 with every part that is down.
    pub fn unhealthy(errors: Vec<FieldProblem>) -> Self {
        let detail = "a part that the server needs is down";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unhealthy", detail).with_errors(errors)
    }

    /// Adds what to do next.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.0.errors = errors;
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.0.source.as_deref()
    }

    /// Renders the answer for the request `request_id` to `instance`.
    pub fn render(self, instance: &str, request_id: &str) -> Response {
        let Failure { status, retry_after_seconds, .. } = *self.0;
        let body = Body::from_vec(self.into_body(instance, request_id));
        let mut response = Response::builder().status(status).content_type(CONTENT_TYPE).body(body);
        if let Some(seconds) = retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    /// The body of that answer.
    pub fn into_body(self, instance: &str, request_id: &str) -> Vec<u8> {
        let Failure { status, code, detail, hint, errors, retry_after_seconds: _, source: _ } = *self.0;
        let title = status.canonical_reason().unwrap_or("Error");
        let view = ProblemView {
            kind: format!("/problems/{}", code),
            title: title.to_owned(),
            status: i32::from(status.as_u16()),
            detail,
            instance: instance.to_owned(),
            code: code.into_owned(),
            request_id: request_id.to_owned(),
            errors,
            hint,
        };
        serde_json::to_vec(&view).unwrap_or_default()
    }
}

/// When to ask again that met a failure which passes.
const PASSES_AFTER_SECONDS: u64 = 2;

/// Whether a failure comes from a database or a provider that cannot be reached.
fn passes(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        cause.downcast_ref::<store::Error>().is_some_and(store::Error::is_unavailable)
            || cause.downcast_ref::<provider::Error>().is_some_and(provider::Error::passes)
    })
}

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        use service::Error;
        match error {
            Error::NotFound => Self::not_found(),
            Error::Conflict { code, message, hint } => {
                let mut error = Self::new(StatusCode::CONFLICT, code, message);
                error.0.hint = hint;
                error
            }
            Error::Changed => {
                let detail = "the object has changed since it was read";
                Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
                    .with_hint("read it again, and send the change with its new ETag")
            }
            Error::Invalid { problems } => Self::invalid(problems.into_iter().map(FieldProblem::from).collect()),
            Error::Forbidden { code, message } => Self::new(StatusCode::FORBIDDEN, code, message),
            Error::Unauthenticated { code } => Self::unauthenticated(code),
            Error::Limited { retry_after_seconds } => {
                let detail = "too many requests; wait and try again";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).retry_after(retry_after_seconds)
            }
            Error::Unavailable { code, message, retry_after_seconds } => {
                // Trying again helps only once somebody has made room.
                let status = match code {
                    "storage_full" => StatusCode::INSUFFICIENT_STORAGE,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                Self::new(status, code, message).retry_after(retry_after_seconds)
            }
            Error::Internal(source) => Self::internal(source),
        }
    }
}

impl From<service::Problem> for FieldProblem {
    fn from(problem: service::Problem) -> Self {
        Self::new(problem.pointer, problem.code, problem.detail)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        let answer = |range: &str, description| MetaResponse {
            description,
            status: None,
            status_range: Some(range.to_owned()),
            content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: ProblemView::schema_ref() }],
            headers: vec![],
        };
        MetaResponses {
            responses: vec![
                answer("4XX", "The request was refused; `code` says why."),
                answer("5XX", "The server could not answer; try again later."),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        ProblemView::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ErrorKind;
    use crate::service::Error;

    #[test]
    fn every_failure_of_a_service_has_its_status() {
        let cases = [
            (Error::NotFound, 404, "not_found", None),
            (Error::conflict("slug_taken", "taken"), 409, "slug_taken", None),
            (Error::invalid("/slug", "invalid_slug", "wrong"), 422, "invalid_request", None),
            (Error::Forbidden { code: "session_required", message: String::new() }, 403, "session_required", None),
            (Error::Unauthenticated { code: "invalid_token" }, 401, "invalid_token", None),
            (Error::Limited { retry_after_seconds: 7 }, 429, "rate_limited", Some("7")),
            (Error::storage_full(), 507, "storage_full", Some("60")),
            (Error::internal("secret"), 500, "internal_error", None),
            (Error::from(store::Error::from(sqlx::Error::PoolTimedOut)), 503, "unavailable", Some("2")),
            (Error::from(store::Error::from(sqlx::Error::RowNotFound)), 500, "internal_error", None),
            (Error::from(provider::Error::new("oss", "get", ErrorKind::Throttled)), 503, "unavailable", Some("2")),
            (Error::from(provider::Error::new("oss", "get", ErrorKind::Rejected)), 500, "internal_error", None),
        ];
        for (error, status, code, retry_after) in cases {
            let error = ApiError::from(error);
            assert_eq!((error.0.status.as_u16(), error.code()), (status, code));
            assert!(!error.0.detail.contains("secret"));
            let response = error.render("/path", "r-1");
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.header(header::RETRY_AFTER), retry_after, "{code}");
        }
    }
}
