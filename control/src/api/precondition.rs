//! `If-Match`: a change is made only to what the caller saw.

use poem::http::{StatusCode, header};
use poem::{Request, RequestBody};
use poem_openapi::types::{ParseFromJSON, ToJSON};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::Serialize;

use super::answer::entity_tag_of;
use super::problem::ApiError;

/// The entity tags that the caller accepts; without any, whatever there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Whether the object that `view` shows is one that the caller saw.
    pub fn allows<T: ParseFromJSON + ToJSON + Serialize>(&self, view: impl FnOnce() -> T) -> bool {
        self.allows_tag("") || self.allows_tag(&entity_tag_of(view()))
    }

    /// Whether the object with this entity tag is one that the caller saw.
    pub fn allows_tag(&self, present: &str) -> bool {
        self.0.as_ref().is_none_or(|tags| tags.iter().any(|tag| tag == "*" || tag == present))
    }

    /// The same where there may be no object: none is what nobody saw.
    pub fn allows_any<T: ParseFromJSON + ToJSON + Serialize>(&self, view: Option<impl FnOnce() -> T>) -> bool {
        view.map_or(self.0.is_none(), |view| self.allows(view))
    }

    /// Refuses a request that says what it saw of something that shows no entity tag.
    pub fn refuse_tags(request: &Request) -> Result<(), ApiError> {
        if Self::parse(request)?.allows_tag("") { Ok(()) } else { Err(crate::service::Error::Changed.into()) }
    }

    /// Returns what the header says. A weak tag is kept, and equals no strong one.
    fn parse(request: &Request) -> Result<Self, ApiError> {
        let mut tags = Vec::new();
        for value in request.headers().get_all(header::IF_MATCH) {
            let text = value.to_str().unwrap_or_default();
            for tag in text.split(',').map(str::trim) {
                let opaque = tag.strip_prefix("W/").unwrap_or(tag);
                let sound = opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"');
                if tag != "*" && !sound {
                    let detail = format!("`If-Match` has {tag:?}, which is no entity tag");
                    return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_if_match", detail)
                        .with_hint("send the `ETag` of the answer as it came, with its quotation marks"));
                }
                tags.push(tag.to_owned());
            }
        }
        Ok(Self((!tags.is_empty()).then_some(tags)))
    }
}

impl<'a> ApiExtractor<'a> for IfMatch {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        Ok(Self::parse(request)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_http_has_it() {
        let parse = |text: &str| IfMatch::parse(&Request::builder().header("if-match", text).finish());
        let parsed = parse(r#""a", W/"b""#).expect("sound");
        assert_eq!(parsed, IfMatch(Some(vec!["\"a\"".to_owned(), "W/\"b\"".to_owned()])));
        assert!(parse("*").expect("sound").allows(|| 1_i32));
        assert!(!parse("\"x\"").expect("sound").allows(|| 1_i32));
        assert!(!parse("*").expect("sound").allows_any(None::<fn() -> i32>));
        assert!(IfMatch(None).allows_any(None::<fn() -> i32>));
        for wrong in ["", "a", "\"", "\"a"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(IfMatch::parse(&Request::default()).expect("sound").allows(|| 1_i32));
    }
}
