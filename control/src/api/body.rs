//! Request bodies of JSON, read strictly.

use bytes::Bytes;
use poem::error::ReadBodyError;
use poem::http::{StatusCode, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;

use super::answer::JSON;
use super::problem::{ApiError, FieldProblem};
use super::schema_check;

/// A type that an operation takes as its JSON body.
pub trait JsonBody: Type + DeserializeOwned + Send + 'static {
    /// The longest body, in bytes.
    const MAX_BYTES: usize = 1024 * 1024;
    /// Whether the body may be left out; it is `{}` then.
    const OPTIONAL: bool = false;
    /// Whether the type itself refuses all that its schema refuses, so that the schema is walked only to explain a
    /// refusal. For bodies so large that reading them twice would be felt.
    const TYPE_IS_STRICT: bool = false;
}

/// A JSON body that has been checked against its schema: an unknown field, a missing one or a wrong value is a 422
/// that names every such field by its JSON pointer.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A body longer than this is parsed aside: ten megabytes take some twenty milliseconds, in which a thread of the
/// runtime would answer nobody else.
const INLINE_BYTES: usize = 128 * 1024;

fn parse<T: JsonBody>(bytes: &[u8]) -> Result<T, ApiError> {
    if T::TYPE_IS_STRICT
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return Ok(value);
    }
    let problems = schema_check::check(&T::schema_ref(), bytes).map_err(|error| malformed(&error))?;
    if !problems.is_empty() {
        return Err(ApiError::invalid(problems));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::invalid(vec![FieldProblem::new("", "invalid_value", format!("the body was refused: {error}"))])
    })
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", format!("the body is not JSON: {error}"))
}

fn too_large(limit: usize) -> ApiError {
    let detail = format!("the body is larger than {limit} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

/// Whether the request declares `wanted` as its media type.
pub fn media_type_is(request: &Request, wanted: &str) -> bool {
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(wanted)
}

/// 415 for an operation that takes `wanted`.
pub fn unsupported(wanted: &str) -> ApiError {
    let detail = format!("the body of this operation is `{wanted}`; say so in `Content-Type`");
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

async fn read(request: &Request, body: &mut RequestBody, limit: usize) -> Result<Bytes, ApiError> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(too_large(limit));
    }
    let body = body.take().map_err(ApiError::internal)?;
    body.into_bytes_limit(limit).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => too_large(limit),
        _ => ApiError::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body broke off before its end"),
    })
}

impl<'a, T: JsonBody> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: !T::OPTIONAL })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let declared = request.headers().contains_key(header::CONTENT_TYPE);
        if declared && !media_type_is(request, JSON) {
            return Err(unsupported(JSON).into());
        }
        let bytes = read(request, body, T::MAX_BYTES).await?;
        if bytes.is_empty() && T::OPTIONAL {
            return Ok(Self(parse(b"{}")?));
        }
        // A form of another site can send JSON as text/plain, but not declare it as JSON without being asked first.
        if !declared {
            return Err(unsupported(JSON).into());
        }
        if bytes.len() <= INLINE_BYTES {
            return Ok(Self(parse(&bytes)?));
        }
        let parsed = tokio::task::spawn_blocking(move || parse(&bytes)).await.map_err(ApiError::internal)?;
        Ok(Self(parsed?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::projects::ProjectPatchBody;
    use crate::api::tokens::NewTokenBody;
    use crate::api::uploads::NewDeploymentBody;

    #[test]
    fn bodies_that_the_schema_accepts_are_parsed() {
        for body in [r#"{}"#, r#"{"settings":{}}"#, r#"{"settings":{"html_handling":null,"not_found":"single_page"}}"#]
        {
            assert!(parse::<ProjectPatchBody>(body.as_bytes()).is_ok(), "{body}");
        }
        assert!(parse::<NewTokenBody>(br#"{"name":"laptop"}"#).is_ok());
        assert!(parse::<NewTokenBody>(br#"{"name":""}"#).is_err());
        assert!(parse::<NewTokenBody>(br#"{"name":"x","expires_in_days":0}"#).is_err());
    }

    #[test]
    fn a_type_that_is_strict_itself_refuses_what_its_schema_refuses() {
        let digest = "0".repeat(64);
        let cases = [
            (r#"{"files":[]}"#.to_owned(), true),
            (format!(r#"{{"files":[{{"path":"a","sha256":"{digest}","size_bytes":1}}]}}"#), true),
            (format!(r#"{{"files":[{{"path":"a","sha256":"{digest}","size_bytes":1,"mode":7}}]}}"#), false),
            (format!(r#"{{"files":[{{"path":"a","sha256":"{digest}","size_bytes":"1"}}]}}"#), false),
            (format!(r#"{{"files":[{{"path":"a","sha256":"{digest}"}}]}}"#), false),
            (r#"{"files":[],"branch":7}"#.to_owned(), false),
            (r#"{"files":[],"branch":null,"environment":null}"#.to_owned(), true),
            (r#"{"files":null}"#.to_owned(), false),
            (r#"{"files":[],"environment":"moon"}"#.to_owned(), false),
            (r#"{"files":[],"nonsense":1}"#.to_owned(), false),
            (r#"{}"#.to_owned(), false),
        ];
        for (body, fits) in cases {
            assert_eq!(parse::<NewDeploymentBody>(body.as_bytes()).is_ok(), fits, "{body}");
        }
    }
}
