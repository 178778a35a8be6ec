//! Requests that cannot be read as HTTP: the library refuses them before any of ours is asked, with a status and nothing
//! else.

use poem::http::StatusCode;

use super::frame::REQUEST_ID;
use super::problem::{ApiError, CONTENT_TYPE};
use super::request_id::RequestId;

/// The longest answer that may be one of the library's own.
const LONGEST_BARE: usize = 256;

/// Returns what is sent instead of `answer`, the head of an answer, when it is one of the library's own.
pub fn problem_instead(answer: &[u8]) -> Option<Vec<u8>> {
    if !answer.starts_with(b"HTTP/1.1 4") || answer.len() > LONGEST_BARE {
        return None;
    }
    let head = std::str::from_utf8(answer).ok()?.strip_suffix("\r\n\r\n")?;
    // Every answer of ours has an id.
    if head.contains(REQUEST_ID.as_str()) || !head.contains("\r\ncontent-length: 0") {
        return None;
    }
    let status = StatusCode::from_bytes(answer.get(9..12)?).ok()?;
    let (code, detail) = match status {
        StatusCode::URI_TOO_LONG => ("address_too_long", "the address that was asked for is too long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("head_too_large", "the header fields of the request are too many or too long")
        }
        _ => ("bad_request", "the request cannot be read as HTTP"),
    };
    let id = RequestId::random();
    tracing::debug!(request_id = id.as_str(), status = status.as_u16(), detail);
    let body = ApiError::new(status, code, detail).into_body("", id.as_str());
    let length = format!("\r\ncontent-length: {}", body.len());
    let head = head.replacen("\r\ncontent-length: 0", &length, 1);
    let id = id.as_str();
    let head = format!(
        "{head}\r\ncontent-type: {CONTENT_TYPE}\r\n{REQUEST_ID}: {id}\r\nx-content-type-options: nosniff\r\n\r\n"
    );
    Some([head.into_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_the_librarys_own_is_replaced() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let sent = String::from_utf8(problem_instead(bare).expect("a problem")).expect("text");
        let (head, body) = sent.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.contains("connection: close") && head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        assert!(body.contains("\"code\":\"head_too_large\""), "{body}");
        for other in [
            "HTTP/1.1 400 Bad Request\r\nx-request-id: r-1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 7\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
        ] {
            assert_eq!(problem_instead(other.as_bytes()), None, "{other}");
        }
    }
}
