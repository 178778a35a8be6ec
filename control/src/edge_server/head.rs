//! Status and headers of answers, from what the core decided.

use std::cell::RefCell;
use std::collections::HashMap;

use http::header::{CONTENT_LENGTH, ETAG, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use miaobu_edge::Head;

/// Header sets that are kept for a route. Sites have a few: one a content type, cache class and coding.
const KEPT_SETS: usize = 64;

/// Rendered header sets of one route, by the core's id. All that differs within a set is the tag and the length.
#[derive(Debug, Default)]
pub(super) struct HeaderSets(RefCell<HashMap<u16, HeaderMap>>);

impl HeaderSets {
    /// Returns status and headers of an answer of this route.
    pub(super) fn head(&self, decided: &Head<'_>) -> Response<()> {
        let Some(set) = decided.set_id() else { return head(decided) };
        let mut sets = self.0.borrow_mut();
        let Some(headers) = sets.get(&set) else {
            let response = head(decided);
            if sets.len() < KEPT_SETS {
                sets.insert(set, response.headers().clone());
            }
            return response;
        };
        let mut response = with_status(decided.status);
        *response.headers_mut() = headers.clone();
        let headers = response.headers_mut();
        let tag = decided.entity_tag.and_then(|tag| HeaderValue::try_from(tag.to_header()).ok());
        replace(headers, ETAG, tag);
        replace(headers, CONTENT_LENGTH, decided.content_length.map(HeaderValue::from));
        response
    }
}

fn replace(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

/// Returns status and headers as decided.
pub(super) fn head(decided: &Head<'_>) -> Response<()> {
    let mut response = with_status(decided.status);
    response.headers_mut().reserve(12);
    append_headers(response.headers_mut(), decided);
    response
}

/// Appends the decided headers.
pub(super) fn append_headers(headers: &mut HeaderMap, decided: &Head<'_>) {
    decided.for_each_header(|name, value| {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    });
}

fn with_status(status: u16) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
