//! Where a redirect leads, safe to put into `Location`.

use super::{Match, RuleRequest};

/// The value of `Location` for a redirect: a target on the request's own origin becomes a path, and the request's query is
/// kept unless the target has one.
///
/// Never begins with two slashes or a backslash form, which browsers take for another host.
#[must_use]
pub fn location(rule: &Match, request: &RuleRequest<'_>) -> String {
    let target = if rule.external { own_path(&rule.target, request).unwrap_or(&rule.target) } else { &rule.target };
    let (before, fragment) = target.split_at(target.find('#').unwrap_or(target.len()));
    let mut location = String::with_capacity(target.len().saturating_add(request.query.len()).saturating_add(1));
    location.push_str(before);
    let query = request.query.trim_start_matches('?');
    if !before.contains('?') && !query.is_empty() {
        location.push('?');
        for byte in query.bytes() {
            if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\') {
                location.push(char::from(byte));
            } else {
                crate::rules::text::push_escape(&mut location, byte);
            }
        }
    }
    location.push_str(fragment);
    location
}

/// The path of a URL that lies on the request's own origin.
fn own_path<'t>(target: &'t str, request: &RuleRequest<'_>) -> Option<&'t str> {
    let scheme = if request.secure { "https://" } else { "http://" };
    let rest = target.strip_prefix(scheme)?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let own = host.eq_ignore_ascii_case(request.host) && path.starts_with('/') && !path.starts_with("//");
    own.then_some(path)
}

/// Makes a rendered target a path of this site: it begins with exactly one slash. With `collapse`, slashes inside the path
/// count once too.
pub fn own_target(target: String, collapse: bool) -> String {
    let rest = target.trim_start_matches(['/', '\\']);
    let rooted = target.starts_with('/') && rest.len().saturating_add(1) == target.len();
    if rooted && !(collapse && rest.contains("//")) {
        return target;
    }
    let mut path = String::with_capacity(rest.len().saturating_add(1));
    path.push('/');
    for character in rest.chars() {
        if !(collapse && character == '/' && path.ends_with('/')) {
            path.push(character);
        }
    }
    path
}
