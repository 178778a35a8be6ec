//! Whose calls they are.

mod refreshed;

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Error, ErrorKind};

pub use refreshed::{IssueCredentials, Refreshed};

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns `text` as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for signing with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An access key, lasting or temporary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key's id, which is no secret.
    pub access_key_id: String,
    /// What the key signs with.
    pub access_key_secret: Secret,
    /// What has to come with a temporary key.
    pub security_token: Option<Secret>,
    /// When a temporary key ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Credentials {
    /// Returns a lasting access key.
    pub fn new(access_key_id: impl Into<String>, access_key_secret: impl Into<String>) -> Self {
        let access_key_secret = Secret::new(access_key_secret);
        Self { access_key_id: access_key_id.into(), access_key_secret, security_token: None, expires_at: None }
    }

    /// Returns the access key with the token that a temporary one needs.
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<String>) -> Self {
        self.security_token = Some(Secret::new(token));
        self
    }

    /// Returns the credentials in `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for temporary ones,
    /// `ALIBABA_CLOUD_SECURITY_TOKEN`: the variables that the vendor's own tools read. `variable` looks one up; an empty
    /// value counts as none. Fails with [`ErrorKind::Invalid`] when one of the first two is missing, naming it.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str| {
            let message = format!("the environment variable {name} is not set");
            optional(name).ok_or_else(|| Error::new("credentials", "environment", ErrorKind::Invalid, message))
        };
        let key = Self::new(required("ALIBABA_CLOUD_ACCESS_KEY_ID")?, required("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?);
        let token = optional("ALIBABA_CLOUD_SECURITY_TOKEN").map(Secret::new);
        Ok(Self { security_token: token, ..key })
    }

    /// Returns what [`Credentials::from_variables`] finds in the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "reads what it is named after, and only when asked")]
    pub fn from_environment() -> Result<Self, Error> {
        Self::from_variables(|name| std::env::var(name).ok())
    }
}

/// Gives the credentials of each call.
#[async_trait]
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// Returns credentials that hold now.
    async fn credentials(&self) -> Result<Credentials, Error>;

    /// Is told that a service refused `credentials` as expired, so that the next ones are new.
    async fn refused(&self, credentials: &Credentials) {
        let _ = credentials;
    }
}

#[async_trait]
impl ProvideCredentials for Credentials {
    async fn credentials(&self) -> Result<Credentials, Error> {
        Ok(self.clone())
    }
}
