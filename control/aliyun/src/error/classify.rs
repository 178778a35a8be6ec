//! From a status and a code to a kind. Codes come first: services give the same status to different things, and some give
//! a throttled call 400.

use super::ErrorKind;

/// Returns the kind of the failure that an answer with `status` and `code` (empty without one) is.
pub(crate) fn classify(status: u16, code: &str) -> ErrorKind {
    by_code(code).unwrap_or(match status {
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        304 | 412 => ErrorKind::Precondition,
        408 | 500.. => ErrorKind::Failing,
        429 => ErrorKind::Throttled,
        _ => ErrorKind::Rejected,
    })
}

fn by_code(code: &str) -> Option<ErrorKind> {
    let ends = |ends: &[&str]| ends.iter().any(|end| code.ends_with(end));
    let begins = |begins: &[&str]| begins.iter().any(|start| code.starts_with(start));
    let kind = match code {
        "" => return None,
        // `undefined` is what ESA's gateway writes when a backend gave no reason.
        "undefined"
        | "InternalError"
        | "InternalException"
        | "InternalOperationError"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "DnsSystemBusyness"
        | "RequestTimeout" => ErrorKind::Failing,
        "TooManyRequests" | "TooQuickRequests" | "SlowDown" | "QpsLimitExceeded" => ErrorKind::Throttled,
        "LockFailed" | "LastOperationNotFinished" | "ConcurrentUpdateError" => ErrorKind::Busy,
        "InvalidTimeStamp.Expired" | "RequestTimeTooSkewed" => ErrorKind::Skewed,
        "SecurityTokenExpired" | "InvalidSecurityToken.Expired" | "ExpiredToken" => ErrorKind::Expired,
        "PreconditionFailed" => ErrorKind::Precondition,
        // The gateway knows no such operation: the call itself is wrong.
        "InvalidAction.NotFound" | "InvalidApi.NotFound" | "UnsupportedHTTPMethod" => ErrorKind::Rejected,
        "NoPermission" | "SignatureDoesNotMatch" | "SignatureNotMatch" | "InvalidAccessKeyID" => ErrorKind::Denied,
        "ParameterNotExist" | "DomainRecordNotBelongToUser" | "InvalidDomainName.NoExist" => ErrorKind::NotFound,
        "DependedByOthers" | "FunctionNotEmpty" | "BucketNotEmpty" | "DomainRecordConflict" => ErrorKind::Conflict,
        "LimitExceeded" | "InvalidKey.ExceedsCapacity" => ErrorKind::Full,
        _ if code.contains("Throttling") => ErrorKind::Throttled,
        _ if ends(&[".ServiceBusy"]) => ErrorKind::Busy,
        _ if begins(&["InvalidAccessKeyId", "Forbidden", "AccessDenied", "IncompleteSignature"]) => ErrorKind::Denied,
        _ if begins(&["InvalidSecurityToken"]) => ErrorKind::Denied,
        _ if begins(&["NoSuch"]) || ends(&["NotFound", "NotExist", "NotExists"]) => ErrorKind::NotFound,
        _ if ends(&["AlreadyExist", "AlreadyExists", "Duplicate", ".Duplicated"]) => ErrorKind::Conflict,
        _ if ends(&["OverQuota", "QuotaFull", "ExceedQuotaLimit"]) || begins(&["QuotaExceeded"]) => ErrorKind::Full,
        _ => return None,
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_more_than_the_status_that_comes_with_it() {
        use ErrorKind::{Busy, Conflict, Denied, Expired, Failing, Full, NotFound, Rejected, Skewed, Throttled};
        for (status, code, kind) in [
            (400, "Throttling.User", Throttled),
            (400, "Rejected.Throttling", Throttled),
            (400, "TooManyRequests", Throttled),
            (429, "TooQuickRequests", Throttled),
            (400, "Site.ServiceBusy", Busy),
            (400, "Record.ServiceBusy", Busy),
            (404, "InvalidAccessKeyId.NotFound", Denied),
            (404, "InvalidApi.NotFound", Rejected),
            (403, "UnsupportedHTTPMethod", Rejected),
            (404, "InvalidKey.NotFound", NotFound),
            (400, "RoutineNotExist", NotFound),
            (404, "NoSuchKey", NotFound),
            (406, "InvalidNameSpace.Duplicate", Conflict),
            (400, "RoutineNameAlreadyExists", Conflict),
            (406, "InvalidNameSpace.QuotaFull", Full),
            (403, "CustomHostname.OverQuota", Full),
            (403, "InvalidKey.ExceedsCapacity", Full),
            (400, "InternalException", Failing),
            (400, "InvalidTimeStamp.Expired", Skewed),
            (403, "RequestTimeTooSkewed", Skewed),
            (403, "SecurityTokenExpired", Expired),
            (400, "InvalidParameter", Rejected),
            (403, "Forbidden.RAM", Denied),
        ] {
            assert_eq!(classify(status, code), kind, "{status} {code}");
        }
    }

    #[test]
    fn an_answer_without_a_known_code_is_judged_by_its_status() {
        for (status, kind) in [
            (401, ErrorKind::Denied),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Conflict),
            (412, ErrorKind::Precondition),
            (418, ErrorKind::Rejected),
            (429, ErrorKind::Throttled),
            (500, ErrorKind::Failing),
            (503, ErrorKind::Failing),
        ] {
            assert_eq!(classify(status, ""), kind, "{status}");
            assert_eq!(classify(status, "SomethingNew"), kind, "{status}");
        }
    }
}
