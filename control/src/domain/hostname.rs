//! Hostnames that the platform derives: `{slug}`, `{slug}-staging`, `{slug}-git-{branch}`, `{slug}-d{deployment}`.
//!
//! Each is one DNS label under the base domain, so one wildcard certificate covers all of them.

use std::fmt;

use super::{DeploymentId, Environment, Sha256, Slug};

/// The longest DNS label, in bytes (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// The domain under which the platform's own hostnames stand, such as `localhost`; lower case, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDomain(String);

/// Why a text is not a domain name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHostname {
    /// A label that is empty, as in `a..b`.
    #[error("hostname {0:?} has an empty label")]
    EmptyLabel(String),
    /// Longer than DNS allows: 253 bytes in all, 63 in a label.
    #[error("hostname {0:?} is longer than DNS allows")]
    TooLong(String),
    /// A character other than letters, digits and inner hyphens.
    #[error("hostname {0:?} has a label that is not made of letters, digits and inner hyphens")]
    Character(String),
}

impl BaseDomain {
    /// Returns the domain that `text` names, in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidHostname> {
        let name = text.to_ascii_lowercase();
        if name.len() > 253 - MAX_LABEL || name.split('.').any(|label| label.len() > MAX_LABEL) {
            return Err(InvalidHostname::TooLong(name));
        }
        for label in name.split('.') {
            if label.is_empty() {
                return Err(InvalidHostname::EmptyLabel(name));
            }
            let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !plain || label.starts_with('-') || label.ends_with('-') {
                return Err(InvalidHostname::Character(name));
            }
        }
        Ok(Self(name))
    }

    /// Returns the hostname of `label` under this domain.
    pub fn hostname(&self, label: &str) -> String {
        format!("{label}.{}", self.0)
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the label at which `environment` of a project is served. A preview needs its branch.
pub fn branch_label(slug: &Slug, environment: Environment, branch: Option<&str>) -> String {
    match environment {
        Environment::Production => slug.to_string(),
        Environment::Staging => format!("{slug}-staging"),
        Environment::Preview => preview_label(slug, branch.unwrap_or("preview")),
    }
}

/// Returns the label at which one deployment is served for ever.
pub fn pinned_label(slug: &Slug, deployment: DeploymentId) -> String {
    format!("{slug}-d{deployment}")
}

/// A branch name is reduced to a label's characters; where that loses something, a hash of the true name keeps
/// different branches apart.
fn preview_label(slug: &Slug, branch: &str) -> String {
    let mut plain = String::with_capacity(branch.len());
    for c in branch.chars() {
        match c {
            'a'..='z' | '0'..='9' => plain.push(c),
            'A'..='Z' => plain.push(c.to_ascii_lowercase()),
            _ if plain.ends_with('-') || plain.is_empty() => {}
            _ => plain.push('-'),
        }
    }
    let plain = plain.trim_end_matches('-');
    let prefix = format!("{slug}-git-");
    if plain == branch && prefix.len() + plain.len() <= MAX_LABEL {
        return prefix + plain;
    }
    let hash = &Sha256::of(branch.as_bytes()).to_hex()[..6];
    let room = MAX_LABEL - prefix.len() - hash.len() - 1;
    let kept = plain[..plain.len().min(room)].trim_end_matches('-');
    if kept.is_empty() { prefix + hash } else { format!("{prefix}{kept}-{hash}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_within_dns_and_keep_branches_apart() {
        let slug = Slug::parse("shop").expect("valid");
        let preview = |branch| branch_label(&slug, Environment::Preview, Some(branch));
        assert_eq!(branch_label(&slug, Environment::Production, None), "shop");
        assert_eq!(branch_label(&slug, Environment::Staging, None), "shop-staging");
        assert_eq!(pinned_label(&slug, DeploymentId(42)), "shop-d42");
        assert_eq!(preview("main"), "shop-git-main");
        assert!(preview("feature/login").starts_with("shop-git-feature-login-"));
        assert_ne!(preview("feature/login"), preview("feature-login"));
        assert_ne!(preview("Main"), preview("main"));
        assert!(preview("分支").starts_with("shop-git-"));
        let longest = Slug::parse(&"a".repeat(40)).expect("valid");
        for branch in ["x".repeat(300), "é".repeat(99), "-".repeat(80)] {
            let label = branch_label(&longest, Environment::Preview, Some(&branch));
            assert!(label.len() <= MAX_LABEL && !label.ends_with('-'), "{label}");
        }
    }

    #[test]
    fn base_domains_are_checked() {
        assert_eq!(BaseDomain::parse("Localhost").expect("valid").hostname("a"), "a.localhost");
        for wrong in ["", "a..b", "-a", "a_b", "a:80", ".a"] {
            assert!(BaseDomain::parse(wrong).is_err(), "{wrong}");
        }
    }
}
