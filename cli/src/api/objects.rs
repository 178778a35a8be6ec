//! Operations on single projects, deployments, domains, env vars and teams that no workflow of its own needs.

use miaobu_client::types;

use super::{Api, Deployment, Project, all_pages};
use crate::args::Environment;
use crate::errors::Failure;
use crate::retry::new_key;

impl Api {
    /// Makes a project of a team.
    pub async fn new_project(&self, slug: &str, team_id: Option<i64>) -> Result<Project, Failure> {
        let body = types::NewProject { slug: slug.to_owned(), settings: None, team_id };
        Ok(self.answer(self.client.create_project().idempotency_key(new_key()).body(body).send().await)?.data)
    }

    /// Changes a project.
    pub async fn update_project(&self, project: &str, patch: types::ProjectPatch) -> Result<Project, Failure> {
        Ok(self.answer(self.client.update_project().project(project).body(patch).send().await)?.data)
    }

    /// Queues a build of the project's repository.
    pub async fn build(&self, project: &str, trigger: types::Trigger) -> Result<Deployment, Failure> {
        let request = self.client.trigger_deployment().project(project).idempotency_key(new_key()).body(trigger);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Lists what of a deployment's configuration files has no effect.
    pub async fn diagnostics(&self, id: i64) -> Result<types::Diagnostics, Failure> {
        Ok(self.answer(self.client.get_deployment_diagnostics().deployment_id(id).send().await)?.data)
    }

    /// Deletes a deployment.
    pub async fn delete_deployment(&self, id: i64, dry_run: bool) -> Result<types::DeploymentDeletion, Failure> {
        let request = self.client.delete_deployment().deployment_id(id).dry_run(dry_run);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Returns a domain.
    pub async fn domain(&self, project: &str, id: i64) -> Result<types::Domain, Failure> {
        Ok(self.answer(self.client.get_domain().project(project).domain_id(id).send().await)?.data)
    }

    /// Returns an env var.
    pub async fn env_var(&self, project: &str, id: i64) -> Result<types::EnvVar, Failure> {
        Ok(self.answer(self.client.get_env_var().project(project).env_var_id(id).send().await)?.data)
    }

    /// Imports env vars that the older system sealed with `key`.
    pub async fn import_env_vars(
        &self,
        project: &str,
        environment: Environment,
        key: String,
        env_vars: Vec<types::FernetEnvVar>,
    ) -> Result<types::EnvVarPlan, Failure> {
        let body = types::FernetImport { key, env_vars, environment: Some(environment.into()) };
        let request = self.client.import_env_vars().project(project).idempotency_key(new_key()).body(body);
        Ok(self.answer(request.send().await)?.data)
    }

    /// Returns a team.
    pub async fn team(&self, id: i64) -> Result<types::Team, Failure> {
        Ok(self.answer(self.client.get_team().team_id(id).send().await)?.data)
    }

    /// Calls a team something else.
    pub async fn rename_team(&self, id: i64, name: String) -> Result<types::Team, Failure> {
        let patch = types::TeamPatch { name: Some(name) };
        Ok(self.answer(self.client.update_team().team_id(id).body(patch).send().await)?.data)
    }

    /// Lists a team's open invitations.
    pub async fn invitations(&self, team: i64, limit: u32) -> Result<Vec<types::Invitation>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.client.list_invitations().team_id(team).limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Withdraws an invitation.
    pub async fn withdraw(&self, team: i64, invitation: i64) -> Result<(), Failure> {
        let request = self.client.revoke_invitation().team_id(team).invitation_id(invitation);
        self.answer(request.send().await).map(drop)
    }
}
