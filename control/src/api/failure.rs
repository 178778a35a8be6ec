//! Failures of the framework (router, parameters, extractors) in the form that ours have.

use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::StatusCode;
use poem_openapi::error::{ParseParamError, ParsePathError};

use super::problem::{ApiError, FieldProblem};

/// Returns `error` as the API reports it.
pub fn of(error: poem::Error) -> ApiError {
    let error = match error.downcast::<ApiError>() {
        Ok(ours) => return ours,
        Err(error) => error,
    };
    if let Some(ParseParamError { name, reason }) = error.downcast_ref() {
        let problem =
            FieldProblem::new(format!("/{name}"), "invalid_parameter", format!("parameter {name:?}: {reason}"));
        return ApiError::invalid(vec![problem]);
    }
    // An id that cannot be one names nothing.
    if error.is::<ParsePathError>() {
        return ApiError::not_found();
    }
    if error.is::<NotFoundError>() {
        return ApiError::new(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path")
            .with_hint("the operations are listed at /docs");
    }
    if error.is::<MethodNotAllowedError>() {
        let detail = "this path has no such method; `Allow` lists those that it has";
        return ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    }
    let status = error.status();
    if status.is_client_error() {
        return ApiError::new(status, "bad_request", status.canonical_reason().unwrap_or("the request was refused"));
    }
    ApiError::internal(error.to_string())
}
