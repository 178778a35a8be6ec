//! STS 2015-04-01: temporary credentials of a role.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::credentials::{Credentials, IssueCredentials, Secret};
use crate::rpc::{Api, Form, Rpc, operation};

/// The service.
#[derive(Debug)]
pub struct Service;

impl Api for Service {
    const NAME: &'static str = "STS";
    const VERSION: &'static str = "2015-04-01";
}

/// A client of STS. Its usual endpoint is `sts.{region}.aliyuncs.com`.
pub type Sts = Rpc<Service>;

/// Asks for temporary credentials with the rights of a role.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumeRole {
    /// The role, such as `acs:ram::1234567890123456:role/edge`.
    pub role_arn: String,
    /// Who assumes it, for the audit log: 2 to 64 letters, digits and `.@-_`.
    pub role_session_name: String,
    /// How long the credentials hold: 900 to what the role allows; an hour without it.
    pub duration_seconds: Option<u32>,
    /// A policy in JSON that narrows the role's rights.
    pub policy: Option<String>,
}
operation!(AssumeRole, POST, Safe, Form::Nothing => AssumedRole);

/// Temporary credentials.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRole {
    /// The credentials.
    pub credentials: IssuedCredentials,
}

/// Temporary credentials as STS writes them.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IssuedCredentials {
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
    expiration: DateTime<Utc>,
}

impl std::fmt::Debug for IssuedCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedCredentials({}, until {})", self.access_key_id, self.expiration)
    }
}

impl From<IssuedCredentials> for Credentials {
    fn from(issued: IssuedCredentials) -> Self {
        Self {
            access_key_id: issued.access_key_id,
            access_key_secret: Secret::new(issued.access_key_secret),
            security_token: Some(Secret::new(issued.security_token)),
            expires_at: Some(issued.expiration),
        }
    }
}

/// Issues the credentials of a role; [`Refreshed`](crate::credentials::Refreshed) keeps them.
#[derive(Debug)]
pub struct AssumeRoleIssuer {
    sts: Sts,
    request: AssumeRole,
}

impl AssumeRoleIssuer {
    /// Returns an issuer that asks `sts` with `request`.
    pub fn new(sts: Sts, request: AssumeRole) -> Self {
        Self { sts, request }
    }
}

#[async_trait]
impl IssueCredentials for AssumeRoleIssuer {
    async fn issue(&self) -> Result<Credentials, Error> {
        Ok(self.sts.call(&self.request).await?.credentials.into())
    }
}
