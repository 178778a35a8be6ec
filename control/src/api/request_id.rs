//! Ids of requests: what joins an answer to its lines in the log.

use poem::Request;

use super::frame::REQUEST_ID;
use crate::random::{Random as _, SystemRandom};

/// The id of one request.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// Returns the id that the request brings, when it is one that a log can hold, or a new one.
    pub fn of(request: &Request) -> Self {
        match request.header(REQUEST_ID) {
            Some(text) if is_plain(text) => Self(text.to_owned()),
            _ => Self::random(),
        }
    }

    /// Returns a new id.
    pub fn random() -> Self {
        let mut bytes = [0; 12];
        SystemRandom.fill(&mut bytes);
        Self(data_encoding::HEXLOWER.encode(&bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_only_when_a_log_can_hold_it() {
        let sent = |id: &str| RequestId::of(&Request::builder().header(REQUEST_ID, id).finish()).0;
        assert_eq!(sent("a-B_3.4"), "a-B_3.4");
        for refused in ["", "a b", "a\"b", "é", &"x".repeat(65)] {
            assert_ne!(sent(refused), refused);
        }
        assert_ne!(RequestId::random().0, RequestId::random().0);
    }
}
