//! What answers, and the lack of one, mean to the person.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;

use crate::errors::{Failure, Kind};

const PROBLEMS_SHOWN: usize = 10;
/// A server without room stays so until somebody makes some: trying again only hides that from the person.
const FULL: &str = "storage_full";

/// The parts of a problem document that a person is told.
#[derive(Debug, Default)]
pub struct Refusal {
    pub code: String,
    pub detail: String,
    pub hint: Option<String>,
    /// What is wrong with single fields: where, and what.
    pub fields: Vec<(String, String)>,
}

/// No answer, or none to the end.
pub fn unanswered(url: &str, error: &reqwest::Error) -> Failure {
    Failure::new(Kind::Unreachable, "unreachable", format!("{url} does not answer: {}", cause(error)))
        .hint("start the server with ./scripts/run or `miaobu-control serve`, or name another with --url or MIAOBU_URL")
        .transient(None)
}

/// An answer that Miaobu does not give.
pub fn not_ours(url: &str, status: Option<StatusCode>) -> Failure {
    let told = status.map(|status| format!(" ({status})")).unwrap_or_default();
    let message = format!("what answers at {url} is not Miaobu's API{told}");
    let failure = Failure::new(Kind::Unreachable, "unexpected_answer", message)
        .hint("check the address, and that the server and this program are of about the same version");
    // A proxy in front of a server that is away answers in its own words.
    if status.is_some_and(may_pass) { failure.transient(None) } else { failure }
}

/// An error answer of the API.
pub fn refused(url: &str, status: StatusCode, refusal: Refusal, retry_after: Option<Duration>) -> Failure {
    let kind = match status {
        StatusCode::UNAUTHORIZED => Kind::NotLoggedIn,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Kind::Conflict,
        _ => Kind::Failed,
    };
    // The detail of a refusal with one field is that field's.
    let fields = refusal.fields.into_iter().filter(|(_, what)| *what != refusal.detail);
    let mut fields = fields.map(|(place, what)| format!("{place}: {what}"));
    let shown: Vec<String> = fields.by_ref().take(PROBLEMS_SHOWN).collect();
    let more = fields.count();
    let mut lines = vec![refusal.detail];
    lines.extend(shown);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let mut failure = Failure::new(kind, &refusal.code, lines.join("\n"));
    // The server cannot know whether a token was stored or comes from the environment.
    let own = (refusal.code == "invalid_token").then(|| default_hint(url, status)).flatten();
    let full =
        || (refusal.code == FULL).then(|| "delete what is no longer needed, or have the operator make room".to_owned());
    failure.hint = own.or(refusal.hint).or_else(full).or_else(|| default_hint(url, status));
    let passes = may_pass(status) && refusal.code != FULL;
    if passes || refusal.code == "offset_mismatch" { failure.transient(retry_after) } else { failure }
}

/// Returns the innermost reason, which is the one that a person can act on.
pub fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn default_hint(url: &str, status: StatusCode) -> Option<String> {
    let hint = match status {
        StatusCode::UNAUTHORIZED => format!("log in again with `miaobu login --url {url}`, or check MIAOBU_TOKEN"),
        StatusCode::NOT_FOUND => "`miaobu projects` and `miaobu deployments` list what there is".to_owned(),
        status if status.is_server_error() => "try again; the server's log says more".to_owned(),
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides_the_exit_code_and_whether_to_try_again() {
        let cases = [
            (400, Kind::Failed, false),
            (401, Kind::NotLoggedIn, false),
            (403, Kind::Failed, false),
            (404, Kind::NotFound, false),
            (408, Kind::Failed, true),
            (409, Kind::Conflict, false),
            (412, Kind::Conflict, false),
            (422, Kind::Failed, false),
            (429, Kind::Failed, true),
            (500, Kind::Failed, true),
            (503, Kind::Failed, true),
        ];
        for (status, kind, transient) in cases {
            let status = StatusCode::from_u16(status).expect("a status");
            let failure = refused("http://x", status, Refusal::default(), None);
            assert_eq!((failure.kind, failure.transient), (kind, transient), "{status}");
        }
    }

    #[test]
    fn fields_are_told_a_line_each_up_to_a_limit() {
        let fields = (0..12).map(|number| (format!("/files/{number}/path"), "is empty".to_owned())).collect();
        let refusal = Refusal { detail: "12 problems".to_owned(), fields, ..Refusal::default() };
        let message = refused("http://x", StatusCode::UNPROCESSABLE_ENTITY, refusal, None).message;
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[..2], ["12 problems", "/files/0/path: is empty"]);
        assert_eq!(lines[10..], ["/files/9/path: is empty", "and 2 more"]);
    }
}
