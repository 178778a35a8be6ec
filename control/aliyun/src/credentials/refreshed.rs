//! Temporary credentials, issued anew before they end.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::Mutex;

use super::{Credentials, ProvideCredentials};
use crate::{Ambient, Error};

/// New ones are asked for when less than this is left: longer than any single call takes.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Issues temporary credentials, such as [`AssumeRole`](crate::sts::AssumeRoleIssuer).
#[async_trait]
pub trait IssueCredentials: fmt::Debug + Send + Sync {
    /// Returns new credentials; without an end of their own they are kept until they are refused.
    async fn issue(&self) -> Result<Credentials, Error>;
}

/// Credentials of an issuer, kept until five minutes before they end. Many callers cause one issue. When none can be
/// issued, those at hand are used to their end.
#[derive(Debug)]
pub struct Refreshed<I> {
    issuer: I,
    ambient: Arc<dyn Ambient>,
    current: Mutex<Option<Credentials>>,
}

impl<I: IssueCredentials> Refreshed<I> {
    /// Returns credentials that `issuer` gives; the first are asked for with the first call.
    pub fn new(issuer: I, ambient: Arc<dyn Ambient>) -> Self {
        Self { issuer, ambient, current: Mutex::new(None) }
    }
}

#[async_trait]
impl<I: IssueCredentials> ProvideCredentials for Refreshed<I> {
    async fn credentials(&self) -> Result<Credentials, Error> {
        let mut current = self.current.lock().await;
        let now = self.ambient.now();
        let lasts = |credentials: &&Credentials, margin| credentials.expires_at.is_none_or(|end| now + margin < end);
        if let Some(credentials) = current.as_ref().filter(|credentials| lasts(credentials, MARGIN)) {
            return Ok(credentials.clone());
        }
        match self.issuer.issue().await {
            Ok(issued) => Ok(current.insert(issued).clone()),
            Err(error) => match current.as_ref().filter(|credentials| lasts(credentials, TimeDelta::zero())) {
                Some(credentials) => {
                    tracing::warn!(%error, "temporary credentials could not be renewed yet");
                    Ok(credentials.clone())
                }
                None => Err(error),
            },
        }
    }

    async fn refused(&self, credentials: &Credentials) {
        let mut current = self.current.lock().await;
        if current.as_ref() == Some(credentials) {
            *current = None;
        }
    }
}
