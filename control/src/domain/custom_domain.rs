//! Domains of people's own.

use std::fmt;
use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::deployment::text_enum;
use super::{DeploymentId, DomainId, Environment, ProjectId};

/// The full name of a host, in lower case and without a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DomainName(String);

/// Why a text is no name of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the full name of a host, such as www.example.com")]
pub struct InvalidDomainName(String);

impl DomainName {
    /// Returns the name that `text` is. A name in other letters has to come in its ASCII form (`xn--…`).
    pub fn parse(text: &str) -> Result<Self, InvalidDomainName> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let sound = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(plain)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = name.len() <= 253 && name.contains('.') && name.split('.').all(sound);
        if !fits || name.parse::<Ipv4Addr>().is_ok() || name.ends_with(|last: char| last.is_ascii_digit()) {
            return Err(InvalidDomainName(text.to_owned()));
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name's labels under `base`, when it lies there.
    pub fn under(&self, base: &str) -> Option<&str> {
        self.0.strip_suffix(base)?.strip_suffix('.').filter(|labels| !labels.is_empty())
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslStatus {
    /// It is being made, or waits for the proof of ownership.
    Pending,
    /// Visitors can use https.
    Active,
    /// It could not be made.
    Failed,
}

text_enum!(SslStatus { Pending = "pending", Active = "active", Failed = "failed" });

/// Whether the edge serves a hostname.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EsaStatus {
    /// It does not yet; where an ICP filing is missing, not before there is one.
    Pending,
    /// It does.
    Online,
}

text_enum!(EsaStatus { Pending = "pending", Online = "online" });

/// What the edge knows of a hostname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeState {
    /// The id of the edge's custom hostname; `None` where none is needed.
    pub esa_saas_id: Option<String>,
    /// Whether the edge serves it.
    pub esa_status: EsaStatus,
    /// How far its certificate is.
    pub ssl_status: SslStatus,
    /// Whether an ICP filing is missing.
    pub icp_required: bool,
    /// What the edge wants to find in a TXT record at [`EdgeState::proof_name`] before it serves the hostname; `None` once it
    /// does, or where it wants nothing.
    pub proof: Option<String>,
}

impl EdgeState {
    /// The state before anything was asked of the edge.
    pub fn pending() -> Self {
        let (esa_status, ssl_status) = (EsaStatus::Pending, SslStatus::Pending);
        Self { esa_saas_id: None, esa_status, ssl_status, icp_required: false, proof: None }
    }

    /// The full name of the record that proves `name` to the edge.
    pub fn proof_name(name: &DomainName) -> String {
        format!("_esa_custom_hostname.{name}")
    }

    /// Whether nothing more is to come: the edge serves the hostname, by https as well.
    pub fn is_settled(&self) -> bool {
        self.esa_status == EsaStatus::Online && self.ssl_status == SslStatus::Active
    }

    /// The state of a name that the wildcard certificate covers, or that needs nothing made for it.
    pub fn covered() -> Self {
        let (esa_status, ssl_status) = (EsaStatus::Online, SslStatus::Active);
        Self { esa_saas_id: None, esa_status, ssl_status, icp_required: false, proof: None }
    }
}

/// A domain of a project's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// The project.
    pub project_id: ProjectId,
    /// Its name.
    pub name: DomainName,
    /// What the TXT record has to say.
    pub proof: String,
    /// The environment that it follows unless it is pinned.
    pub environment: Environment,
    /// The deployment that it is pinned to.
    pub pinned_to: Option<DeploymentId>,
    /// What it serves now.
    pub active_deployment_id: Option<DeploymentId>,
    /// Since when the ownership is proven.
    pub verified_at: Option<DateTime<Utc>>,
    /// What the edge knows of it.
    pub edge: EdgeState,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_full_and_in_one_form() {
        assert_eq!(DomainName::parse("WWW.Example.com.").expect("sound").as_str(), "www.example.com");
        for wrong in [
            "",
            "localhost",
            "a..b",
            "-a.com",
            "a_b.com",
            "*.a.com",
            "1.2.3.4",
            "a.1",
            "a b.com",
            "é.com",
            "a.com/",
            "a.com:80",
        ] {
            assert!(DomainName::parse(wrong).is_err(), "{wrong:?}");
        }
        let name = DomainName::parse("a.b.example.com").expect("sound");
        assert_eq!(name.under("example.com"), Some("a.b"));
        assert_eq!(name.under("ample.com"), None);
        assert_eq!(DomainName::parse("example.com").expect("sound").under("example.com"), None);
    }
}
