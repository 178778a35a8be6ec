//! Failures of operations.

use crate::Error;
use crate::types::Problem;

/// Returns what the server says went wrong; `None` when the failure is not the server's: no connection, an answer that is
/// not of this API, a request that could not be made.
pub fn problem(error: &Error<Problem>) -> Option<&Problem> {
    match error {
        Error::ErrorResponse(answer) => Some(answer),
        _ => None,
    }
}
