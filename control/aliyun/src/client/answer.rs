//! What comes back, whole or not at all.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::Refusal;
use crate::error::classify;
use crate::{Error, ErrorKind};

/// No answer that is read into memory is larger than this: the largest are lists of a thousand names.
const LARGEST: usize = 64 * 1024 * 1024;
/// As much of an answer that nobody can read as helps to see what it was.
const EXCERPT: usize = 200;

/// An answer that has begun.
#[derive(Debug)]
pub(crate) struct Answer {
    service: &'static str,
    operation: &'static str,
    silence: Duration,
    response: reqwest::Response,
}

impl Answer {
    pub(super) fn new(
        service: &'static str,
        operation: &'static str,
        response: reqwest::Response,
        silence: Duration,
    ) -> Self {
        Self { service, operation, silence, response }
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn is_success(&self) -> bool {
        self.response.status().is_success()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Returns the body as it comes; it ends with an error where it was cut short or the peer fell silent.
    pub(crate) fn into_stream(self) -> impl futures_core::Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let Self { service, operation, silence, response } = self;
        let chunks = Box::pin(response.bytes_stream());
        futures_util::stream::unfold(Some(chunks), move |chunks| async move {
            let mut chunks = chunks?;
            match tokio::time::timeout(silence, chunks.next()).await {
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
                Ok(Some(Err(error))) => Some((Err(unanswered(service, operation, error)), None)),
                Ok(None) => None,
                Err(_) => {
                    let message = format!("nothing came for {} s in the middle of an answer", silence.as_secs_f32());
                    Some((Err(Error::new(service, operation, ErrorKind::Interrupted, message)), None))
                }
            }
        })
    }

    /// Returns the whole body.
    pub(crate) async fn into_bytes(self) -> Result<Bytes, Error> {
        let (service, operation) = (self.service, self.operation);
        let mut body = BytesMut::new();
        let mut chunks = Box::pin(self.into_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            if body.len() + chunk.len() > LARGEST {
                let message = format!("the answer is larger than {LARGEST} bytes");
                return Err(Error::new(service, operation, ErrorKind::Interrupted, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// Returns the error that a refusal is.
pub(crate) fn failure(
    service: &'static str,
    operation: &'static str,
    (status, headers): (u16, &HeaderMap),
    refusal: Refusal,
    body: &[u8],
) -> Error {
    let Refusal { code, message, request_id } = refusal;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = classify(status, code.as_deref().unwrap_or_default());
    let message = message.unwrap_or_else(|| match String::from_utf8_lossy(body) {
        body if body.trim().is_empty() => "no reason was given".to_owned(),
        body => body.chars().take(EXCERPT).collect(),
    });
    let in_seconds = text(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let in_milliseconds = text("x-acs-retry-after").and_then(|text| text.parse().ok()).map(Duration::from_millis);
    let server_time = text(DATE.as_str()).and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    let mut error = Error::new(service, operation, kind, message);
    // A service that says how long to wait has not begun.
    if in_milliseconds.is_some_and(|wait| !wait.is_zero()) && error.may_have_happened() {
        error.kind = ErrorKind::Throttled;
    }
    error.status = Some(status);
    error.code = code;
    error.request_id = request_id;
    error.retry_after = in_milliseconds.or(in_seconds);
    error.server_time = server_time.map(|time| time.with_timezone(&Utc));
    error
}

/// Returns the error that a request without a whole answer is.
pub(crate) fn unanswered(service: &'static str, operation: &'static str, error: reqwest::Error) -> Error {
    let (kind, message) = if error.is_connect() {
        (ErrorKind::Unreachable, "no connection could be made")
    } else if error.is_builder() {
        (ErrorKind::Invalid, "the request cannot be written")
    } else {
        (ErrorKind::Interrupted, "the connection broke before the answer was whole")
    };
    // The address may carry a signature; the operation says enough.
    Error::new(service, operation, kind, message).because(error.without_url())
}
