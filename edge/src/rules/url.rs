//! URLs in Cloudflare's files: `https://host/path` or a path, written as a URL parser would write them.

use super::text::{ESCAPED, push_byte};

/// What a URL in a file may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct UrlRule {
    /// Refuses hosts; a missing first slash is added.
    pub path_only: bool,
    /// Refuses ports.
    pub no_port: bool,
    /// What is kept.
    pub keep: Parts,
}

/// Parts of a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    /// The host and the path.
    #[default]
    Path,
    /// Query and fragment too.
    All,
}

/// Checks a URL and writes it in one way; returns the reason for a refusal.
pub fn validate(token: &str, rule: UrlRule) -> Result<String, String> {
    if let Some((host, path)) = split_host(token) {
        if rule.path_only {
            return Err(format!("only paths are allowed here, not {token}"));
        }
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        if rule.no_port && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("ports are not supported: {token}"));
        }
        return Ok(format!("https://{host}{}", written(path, rule.keep)));
    }
    match token.starts_with('/') {
        true => Ok(written(token.strip_prefix('/').unwrap_or(token), rule.keep)),
        false if rule.path_only => Ok(written(token, rule.keep)),
        false => Err("a URL must be a path that begins with /, or begin with https://".to_owned()),
    }
}

/// Whether a written URL names a host.
pub fn has_host(url: &str) -> bool {
    split_host(url).is_some()
}

/// Splits `https://host/path`; the path comes without its first slash.
fn split_host(token: &str) -> Option<(&str, &str)> {
    let rest = token.strip_prefix("https://")?.trim_start_matches('/');
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (!host.is_empty()).then_some((host, path))
}

/// Writes `rest`, which follows a first slash.
fn written(rest: &str, keep: Parts) -> String {
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut segments: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/') {
        open = true;
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(segments.pop()),
            _ => {
                segments.push(segment);
                open = false;
            }
        }
    }
    if open {
        segments.push("");
    }
    let mut out = String::with_capacity(rest.len() + 1);
    for segment in segments {
        out.push('/');
        push(&mut out, segment, b"\"#<>?`{}");
    }
    if keep == Parts::All {
        for (mark, text, escaped) in [('?', query, &b"\"#<>"[..]), ('#', fragment, b"\"<>`")] {
            if !text.is_empty() {
                out.push(mark);
                push(&mut out, text, escaped);
            }
        }
    }
    out
}

fn push(out: &mut String, text: &str, escaped: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !escaped.contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_byte(out, byte, ESCAPED);
        }
    }
}
