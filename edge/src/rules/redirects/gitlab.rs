//! What GitLab Pages accepts of the common grammar.

use super::rule::RedirectRule;

/// More slashes than this are not in one path.
const MAX_SLASHES: usize = 25;

/// Checks a rule; returns the reason for a refusal.
pub fn validate_rule(rule: &RedirectRule) -> Result<(), String> {
    validate_url(&rule.from)?;
    validate_url(&rule.to)?;
    if !rule.query.is_empty() || !rule.conditions.is_empty() || rule.signed.is_some() {
        return Err("parameters and conditions are not supported".to_owned());
    }
    if !matches!(rule.status, None | Some(200 | 301 | 302)) {
        return Err("the status must be 200, 301 or 302".to_owned());
    }
    if rule.force { Err("force with ! is not supported".to_owned()) } else { Ok(()) }
}

/// Checks a source or target; returns the reason for a refusal.
pub fn validate_url(url: &str) -> Result<(), String> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let has_scheme = path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, '+' | '-' | '.'))
    });
    if has_scheme || path.starts_with("//") || path.starts_with("/\\") {
        return Err("domain-level redirects to other sites are not supported".to_owned());
    }
    if !path.starts_with('/') {
        return Err("a URL must start with /".to_owned());
    }
    if path.matches('/').count() > MAX_SLASHES {
        return Err(format!("a URL cannot contain more than {MAX_SLASHES} forward slashes"));
    }
    Ok(())
}
