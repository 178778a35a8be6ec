//! How services say no.

use data_encoding::BASE64;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::lenient;

/// A code, words, and what the service calls the request.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Refusal {
    #[serde(alias = "code", alias = "errorCode", alias = "ErrorCode")]
    pub code: Option<String>,
    #[serde(alias = "message", alias = "errorMessage", alias = "ErrorMessage")]
    pub message: Option<String>,
    #[serde(alias = "requestId")]
    pub request_id: Option<String>,
}

impl Refusal {
    /// Reads the refusal of a service with an OpenAPI.
    pub(crate) fn from_json(head: &HeaderMap, body: &[u8]) -> Self {
        lenient::parse::<Self>(body).unwrap_or_default().or_named(head, ["x-acs-request-id", "x-fc-request-id"])
    }

    /// Reads the refusal of object storage from the body, or from the header that OSS uses where a body may not be.
    pub(crate) fn from_xml(head: &HeaderMap, body: &[u8]) -> Self {
        let in_header = || BASE64.decode(head.get("x-oss-err")?.as_bytes()).ok();
        let text = if body.is_empty() { in_header().unwrap_or_default() } else { body.to_vec() };
        Self::parse(&text).unwrap_or_default().or_named(head, ["x-oss-request-id", "x-amz-request-id"])
    }

    fn or_named(mut self, head: &HeaderMap, names: [&str; 2]) -> Self {
        let named = || Some(names.into_iter().find_map(|name| head.get(name))?.to_str().ok()?.to_owned());
        self.request_id = self.request_id.or_else(named);
        self
    }

    fn parse(body: &[u8]) -> Option<Self> {
        quick_xml::de::from_str(std::str::from_utf8(body).ok()?).ok()
    }
}
