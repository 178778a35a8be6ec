//! Parameters that several operations share.

use poem::http::StatusCode;

use super::answer::ApiResult;
use super::problem::ApiError;
use crate::domain::{Cursor, PageRequest};
use crate::service::ProjectRef;

/// How many objects a page has when nothing is said.
pub fn default_limit() -> i32 {
    20
}

/// Returns the page that `limit` and `cursor` ask for; `filter` is what the cursor was bound to.
pub fn page_request(limit: i32, cursor: Option<&str>, filter: &str) -> ApiResult<PageRequest> {
    let after = cursor.map(|text| Cursor::decode(text, filter)).transpose().map_err(|error| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_cursor", error.to_string())
            .with_hint("begin again without a cursor, and keep the other parameters as they are from page to page")
    })?;
    Ok(PageRequest { limit: u32::try_from(limit).unwrap_or(1), after })
}

/// Returns the project that a path names by slug or id. What cannot name one does not exist.
pub fn project_ref(text: &str) -> ApiResult<ProjectRef> {
    text.parse().map_err(|_| ApiError::not_found())
}
