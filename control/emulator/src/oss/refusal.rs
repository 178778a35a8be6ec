//! How object storage says no.

use data_encoding::BASE64;
use quick_xml::escape::escape;

use crate::http::Response;

/// Status, code, words, and the finer number that the service gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub ec: &'static str,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), ec: "0000-00000000" }
    }

    pub(crate) fn ec(self, ec: &'static str) -> Self {
        Self { ec, ..self }
    }

    pub(crate) fn no_such_key() -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.").ec("0026-00000001")
    }

    pub(crate) fn no_such_bucket() -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist.").ec("0015-00000101")
    }

    pub(crate) fn no_such_upload() -> Self {
        let words = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
        Self::new(404, "NoSuchUpload", words).ec("0042-00000311")
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidArgument", message)
    }

    /// A file of ours could not be read or written.
    pub(crate) fn broken(error: &std::io::Error) -> Self {
        Self::new(500, "InternalError", format!("We encountered an internal error: {error}"))
    }

    /// Returns the answer; where a body may not be, the refusal stands in a header.
    pub(crate) fn into_response(self, method: &str, host: &str, request_id: &str) -> Response {
        let Self { status, code, message, ec } = self;
        let (message, host) = (escape(&message), escape(host));
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{code}</Code>\n  <Message>{message}</Message>\n  \
             <RequestId>{request_id}</RequestId>\n  <HostId>{host}</HostId>\n  <EC>{ec}</EC>\n</Error>\n"
        );
        let answer = match method {
            "HEAD" => Response::empty(status).with("x-oss-err", BASE64.encode(body.as_bytes())),
            _ if status == 304 => Response::empty(status),
            _ => Response::new(status, "application/xml", body),
        };
        answer.with("x-oss-ec", ec)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::broken(&error)
    }
}
