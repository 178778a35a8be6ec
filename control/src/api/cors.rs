//! Which other origins' pages may use the API: those that the operator names, and no others.

use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{IntoResponse as _, Request, Response};

use super::ApiConfig;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "authorization, content-type, idempotency-key, if-match, last-event-id, x-request-id";
const EXPOSED: &str = "deprecation, etag, idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, \
    sunset, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id";
/// How long a browser may remember the answer to a preflight, in seconds.
const MAX_AGE: &str = "600";

/// What an answer tells the browser about the page that asked.
#[derive(Debug)]
pub struct Cors {
    origin: Option<HeaderValue>,
    varies: bool,
}

impl Cors {
    /// Returns what to tell about the page that sent `request`.
    pub fn of(request: &Request, config: &ApiConfig) -> Self {
        Self { origin: allowed(request, config).cloned(), varies: !config.allowed_origins.is_empty() }
    }

    /// Adds the headers.
    pub fn apply(self, response: &mut Response) {
        let headers = response.headers_mut();
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

fn allowed<'r>(request: &'r Request, config: &ApiConfig) -> Option<&'r HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    config.allows_origin(origin.to_str().ok()?).then_some(origin)
}

/// Answers a browser that asks whether it may send a request for a page of an allowed origin.
pub fn preflight(request: &Request, config: &ApiConfig) -> Option<Response> {
    if request.method() != Method::OPTIONS || !request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    allowed(request, config)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let pairs: [(HeaderName, &'static str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    for (name, value) in pairs {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}
