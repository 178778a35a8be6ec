//! Where a redirect leads, safe to put into `Location`.

use super::{Match, RuleRequest};
use crate::rules::text::{QUERY, URL, push_byte};
use crate::scan::{cut, position};

/// The value of `Location` for a redirect: a target on the request's own origin becomes a path, and the request's query is
/// kept unless the target has one.
///
/// Never begins with two slashes or a backslash form, which browsers take for another host.
#[must_use]
pub fn location(rule: &Match, request: &RuleRequest<'_>) -> String {
    let target = if rule.external { own_path(&rule.target, request).unwrap_or(&rule.target) } else { &rule.target };
    let (before, fragment) = cut(target, b'#');
    let mut location = String::with_capacity(target.len().saturating_add(request.query.len()).saturating_add(1));
    location.push_str(before);
    let query = request.query.strip_prefix("?").unwrap_or(request.query);
    if cut(before, b'?').1.is_none() && !query.is_empty() {
        location.push('?');
        for byte in query.bytes() {
            push_byte(&mut location, byte, QUERY);
        }
    }
    if let Some(fragment) = fragment {
        location.push('#');
        location.push_str(fragment);
    }
    location
}

/// The path of a URL that lies on the request's own origin.
fn own_path<'t>(target: &'t str, request: &RuleRequest<'_>) -> Option<&'t str> {
    let scheme = if request.secure { "https://" } else { "http://" };
    let rest = target.strip_prefix(scheme)?;
    let (host, path) = rest.split_at_checked(position(rest, b'/'))?;
    let own = host.eq_ignore_ascii_case(request.host) && !path.is_empty() && !path.starts_with("//");
    own.then_some(path)
}

/// Makes a rendered target a path of this site: it begins with exactly one slash. With `collapse`, slashes inside the path
/// count once too.
pub fn own_target(target: String, collapse: bool) -> String {
    let is_fine = match target.as_bytes() {
        [b'/', second, ..] => !matches!(second, b'/' | b'\\'),
        bytes => bytes == b"/",
    };
    if is_fine && !collapse {
        return target;
    }
    let mut path = String::from("/");
    // At the start a backslash counts as a slash, as it does to browsers.
    let (mut leading, mut after_slash) = (true, true);
    for byte in target.bytes() {
        let slash = byte == b'/' || leading && byte == b'\\';
        if !(slash && after_slash && (leading || collapse)) {
            push_byte(&mut path, byte, URL);
            leading = false;
        }
        after_slash = slash;
    }
    path
}
