//! Operations on what a project has, and on teams.

use miaobu_client::types;

use super::{Api, all_pages};
use crate::args::{Environment, Role};
use crate::errors::Failure;
use crate::retry::new_key;

impl From<Role> for types::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Deployer => Self::Deployer,
            Role::Admin => Self::Admin,
            Role::Owner => Self::Owner,
        }
    }
}

/// Lists objects page after page.
macro_rules! listing {
    ($api:expr, $limit:expr, $request:expr) => {
        all_pages($limit, async |limit, cursor| {
            let request = $request.limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = $api.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    };
}

impl Api {
    /// Lists the env vars of an environment.
    pub async fn env_vars(
        &self,
        project: &str,
        environment: Environment,
        limit: u32,
    ) -> Result<Vec<types::EnvVar>, Failure> {
        listing!(self, limit, self.client.list_env_vars().project(project).environment(environment))
    }

    /// Makes an env var.
    pub async fn create_env_var(&self, project: &str, body: types::NewEnvVar) -> Result<types::ChangedEnvVar, Failure> {
        let request = self.client.create_env_var().project(project).idempotency_key(new_key()).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Changes an env var.
    pub async fn update_env_var(
        &self,
        project: &str,
        id: i64,
        body: types::EnvVarPatch,
    ) -> Result<types::ChangedEnvVar, Failure> {
        let request = self.client.update_env_var().project(project).env_var_id(id).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Deletes an env var.
    pub async fn delete_env_var(&self, project: &str, id: i64) -> Result<types::EnvVarPlan, Failure> {
        Ok(self.answer(self.client.delete_env_var().project(project).env_var_id(id).send().await)?.data)
    }

    /// Makes `env_vars` the whole set of an environment.
    pub async fn replace_env_vars(
        &self,
        project: &str,
        environment: Environment,
        env_vars: Vec<types::EnvVarEntry>,
        dry_run: bool,
    ) -> Result<types::EnvVarPlan, Failure> {
        let request = self.client.replace_env_vars().project(project).environment(environment).dry_run(dry_run);
        Ok(self.answer(request.body(types::EnvVarSet { env_vars }).send().await)?.data)
    }

    /// Lists a project's domains.
    pub async fn domains(&self, project: &str, limit: u32) -> Result<Vec<types::Domain>, Failure> {
        listing!(self, limit, self.client.list_domains().project(project))
    }

    /// Adds a domain.
    pub async fn add_domain(
        &self,
        project: &str,
        name: &str,
        environment: Environment,
    ) -> Result<types::Domain, Failure> {
        let body = types::NewDomain { name: name.to_owned(), environment: Some(environment.into()) };
        let request = self.client.add_domain().project(project).idempotency_key(new_key()).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Looks whether a domain is proven.
    pub async fn verify_domain(&self, project: &str, id: i64) -> Result<types::DomainVerification, Failure> {
        let request = self.client.verify_domain().project(project).domain_id(id).idempotency_key(new_key());
        Ok(self.answer(request.send().await)?.data)
    }

    /// Changes what a domain serves.
    pub async fn update_domain(
        &self,
        project: &str,
        id: i64,
        body: types::DomainPatch,
    ) -> Result<types::Domain, Failure> {
        Ok(self.answer(self.client.update_domain().project(project).domain_id(id).body(body).send().await)?.data)
    }

    /// Gives a domain up.
    pub async fn delete_domain(&self, project: &str, id: i64, dry_run: bool) -> Result<types::DomainDeletion, Failure> {
        let request = self.client.delete_domain().project(project).domain_id(id).dry_run(dry_run);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Deletes a project with all it owns.
    pub async fn delete_project(&self, project: &str, dry_run: bool) -> Result<types::ProjectDeletion, Failure> {
        Ok(self.answer(self.client.delete_project().project(project).dry_run(dry_run).send().await)?.data)
    }

    /// Ends a deployment that is on its way.
    pub async fn cancel(&self, id: i64) -> Result<types::Deployment, Failure> {
        let request = self.client.cancel_deployment().deployment_id(id).idempotency_key(new_key());
        Ok(self.answer(request.send().await)?.data)
    }

    /// Deploys the same files again.
    pub async fn redeploy(&self, id: i64) -> Result<types::Deployment, Failure> {
        let request = self.client.redeploy_deployment().deployment_id(id).idempotency_key(new_key());
        Ok(self.answer(request.send().await)?.data)
    }

    /// Lists the caller's teams.
    pub async fn teams(&self, limit: u32) -> Result<Vec<types::Team>, Failure> {
        listing!(self, limit, self.client.list_teams())
    }

    /// Makes a team.
    pub async fn create_team(&self, name: &str) -> Result<types::Team, Failure> {
        let body = types::NewTeam { name: name.to_owned() };
        Ok(self.answer(self.client.create_team().idempotency_key(new_key()).body(body).send().await)?.data)
    }

    /// Deletes a team.
    pub async fn delete_team(&self, id: i64) -> Result<(), Failure> {
        self.answer(self.client.delete_team().team_id(id).send().await)
    }

    /// Lists a team's members.
    pub async fn members(&self, team: i64, limit: u32) -> Result<Vec<types::Member>, Failure> {
        listing!(self, limit, self.client.list_members().team_id(team))
    }

    /// Invites somebody into a team.
    pub async fn invite(&self, team: i64, email: &str, role: Role) -> Result<types::CreatedInvitation, Failure> {
        let body = types::NewInvitation { email: email.to_owned(), role: Some(role.into()) };
        let request = self.client.create_invitation().team_id(team).idempotency_key(new_key()).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Accepts an invitation.
    pub async fn join(&self, secret: &str) -> Result<types::Team, Failure> {
        let body = types::InvitationAcceptance { secret: secret.to_owned() };
        Ok(self.answer(self.client.accept_invitation().idempotency_key(new_key()).body(body).send().await)?.data)
    }

    /// Gives a member another role.
    pub async fn update_member(&self, team: i64, user: i64, role: Role) -> Result<types::Member, Failure> {
        let body = types::MemberPatch { role: role.into() };
        Ok(self.answer(self.client.update_member().team_id(team).user_id(user).body(body).send().await)?.data)
    }

    /// Removes a member.
    pub async fn remove_member(&self, team: i64, user: i64) -> Result<(), Failure> {
        self.answer(self.client.remove_member().team_id(team).user_id(user).send().await)
    }

    /// Lists what was done in a team.
    pub async fn audit_events(&self, team: i64, limit: u32) -> Result<Vec<types::AuditEvent>, Failure> {
        listing!(self, limit, self.client.list_audit_events().team_id(team))
    }
}
