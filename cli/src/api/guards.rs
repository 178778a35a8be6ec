//! Operations on protection, splits and skew protection, in the CLI's words.

use miaobu_client::types;

use super::{Api, Deployment};
use crate::args::{Environment, Target};
use crate::errors::Failure;

/// A share link that is asked for.
#[derive(Debug)]
pub struct NewShareLink {
    pub target: Target,
    pub branch: Option<String>,
    pub deployment: Option<i64>,
    pub path: String,
    pub seconds: i32,
}

impl Api {
    /// Returns what of a project is protected.
    pub async fn protection(&self, project: &str) -> Result<types::Protection, Failure> {
        Ok(self.answer(self.client.get_protection().project(project).send().await)?.data)
    }

    /// Protects a target. `None` leaves its password as it is, an inner `None` removes it.
    pub async fn protect(
        &self,
        project: &str,
        target: Target,
        password: Option<Option<String>>,
    ) -> Result<types::TargetProtection, Failure> {
        let request = self.client.protect_target().project(project).target(target);
        let without_password = matches!(password, Some(None)).then_some(true);
        let request = request.body(types::ProtectionSettings { password: password.flatten(), without_password });
        Ok(self.answer(request.send().await)?.data)
    }

    /// Lets everybody see a target.
    pub async fn unprotect(&self, project: &str, target: Target) -> Result<(), Failure> {
        self.answer(self.client.unprotect_target().project(project).target(target).send().await).map(drop)
    }

    /// Makes a share link.
    pub async fn share(&self, project: &str, new: NewShareLink) -> Result<types::CreatedShareLink, Failure> {
        let body = types::NewShareLink {
            target: new.target.into(),
            branch: new.branch,
            deployment_id: new.deployment,
            path: Some(new.path.parse().map_err(|_| Failure::usage("the path is too long"))?),
            expires_in_seconds: Some(new.seconds),
        };
        Ok(self.answer(self.client.create_share_link().project(project).body(body).send().await)?.data)
    }

    /// Ends a share link.
    pub async fn unshare(&self, project: &str, link: i64) -> Result<(), Failure> {
        self.answer(self.client.revoke_share_link().project(project).link_id(link).send().await).map(drop)
    }

    /// Makes a bypass token.
    pub async fn create_bypass(&self, project: &str, name: &str) -> Result<types::CreatedBypassToken, Failure> {
        let body = types::NewBypassToken { name: name.to_owned() };
        Ok(self.answer(self.client.create_bypass_token().project(project).body(body).send().await)?.data)
    }

    /// Revokes a bypass token.
    pub async fn revoke_bypass(&self, project: &str, token: i64) -> Result<(), Failure> {
        self.answer(self.client.revoke_bypass_token().project(project).token_id(token).send().await).map(drop)
    }

    /// Returns the split of an environment.
    pub async fn split(&self, project: &str, environment: Environment) -> Result<types::Split, Failure> {
        let request = self.client.get_split().project(project).environment(environment);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Gives a share of an environment's visitors a second deployment.
    pub async fn set_split(
        &self,
        project: &str,
        environment: Environment,
        deployment_id: i64,
        percent: i32,
    ) -> Result<types::Split, Failure> {
        let body = types::SplitSettings { deployment_id, percent };
        let request = self.client.set_split().project(project).environment(environment).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Gives all visitors of an environment one of the two deployments.
    pub async fn end_split(
        &self,
        project: &str,
        environment: Environment,
        keep: Option<i64>,
    ) -> Result<Deployment, Failure> {
        let body = types::SplitEnd { deployment_id: keep };
        let request = self.client.end_split().project(project).environment(environment).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Returns which deployments visitors may stay with.
    pub async fn skew(&self, project: &str) -> Result<types::SkewProtection, Failure> {
        Ok(self.answer(self.client.get_skew_protection().project(project).send().await)?.data)
    }

    /// Sets which deployments visitors may stay with.
    pub async fn set_skew(&self, project: &str, seconds: Option<i32>) -> Result<types::SkewProtection, Failure> {
        let body = types::SkewProtectionSettings { max_age_seconds: seconds };
        Ok(self.answer(self.client.set_skew_protection().project(project).body(body).send().await)?.data)
    }
}

impl From<Target> for types::ProtectionTarget {
    fn from(target: Target) -> Self {
        match target {
            Target::Production => Self::Production,
            Target::Staging => Self::Staging,
            Target::Preview => Self::Preview,
            Target::Pinned => Self::Pinned,
        }
    }
}
