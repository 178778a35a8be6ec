//! Domains of people's own: adding, proving, pointing, giving up.

use std::sync::Arc;

use chrono::TimeDelta;

use super::jobs::Job;
use super::{Context, Error, ProjectRef, Result, audit, deployments, domain_edge, domain_proofs, projects, routes};
use crate::domain::{
    Actor, DeploymentId, DeploymentStatus, Domain, DomainId, DomainName, EdgeState, Environment, Page, PageRequest,
    Project, Slug,
};
use crate::store::hostnames::{self, DomainTarget};
use crate::store::{Tx, domains};

/// How long a name that was given up stays reserved to its last owner.
pub(crate) const RESERVED: TimeDelta = TimeDelta::days(30);

/// A record that the person has to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// `TXT` or `CNAME`.
    pub record_type: &'static str,
    /// The record's full name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it is for.
    pub purpose: &'static str,
}

/// What a domain shall serve: `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DomainPatch {
    /// The environment to follow.
    pub environment: Option<Environment>,
    /// Whether to follow the environment; if not, it stays at what it serves.
    pub auto_update: Option<bool>,
    /// The deployment to be pinned to.
    pub deployment: Option<DeploymentId>,
}

/// Domains.
#[derive(Debug, Clone)]
pub struct Domains {
    context: Arc<Context>,
}

impl Domains {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns a project's domains, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        page: PageRequest,
    ) -> Result<(Project, Page<Domain>)> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        let page = domains::list(&mut session, project.id, page).await?;
        Ok((project, page))
    }

    /// Returns a domain, and its project.
    pub async fn get(&self, actor: &Actor, project: &ProjectRef, id: DomainId) -> Result<(Project, Domain)> {
        let mut session = self.context.db.read().await?;
        let project = projects::find(&mut session, actor, project).await?;
        let domain = domains::get(&mut session, project.id, id).await?.ok_or(Error::NotFound)?;
        Ok((project, domain))
    }

    /// Adds a domain. One right under the base domain needs no proof and is served at once.
    ///
    /// Fails with `domain_exists` when the project has it, with `domain_taken` when somebody else does, and with a problem at
    /// `/name`.
    pub async fn add(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        name: &str,
        environment: Environment,
    ) -> Result<(Project, Domain)> {
        let name =
            DomainName::parse(name).map_err(|error| Error::invalid("/name", "invalid_domain", error.to_string()))?;
        let label = self.label(&name)?;
        if environment == Environment::Preview {
            let detail = "a domain follows production or staging: a preview is one of many";
            return Err(Error::invalid("/environment", "unfit_environment", detail));
        }
        let now = self.context.now();
        let proof = format!("miaobu-verify={}", super::secret::random_text(&*self.context.random));
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        let stored = label.as_ref().map_or(name.as_str(), Slug::as_str);
        hostnames::free(&mut tx, stored, project.team_id, now).await?;
        if hostnames::owner(&mut tx, stored).await?.is_some_and(|owner| owner != project.id || label.is_some()) {
            return Err(taken(&name));
        }
        let id = domains::insert(&mut tx, project.id, &name, &proof, environment, now).await?;
        let id = id.ok_or_else(|| Error::conflict("domain_exists", format!("the project has {name} already")))?;
        if label.is_some() {
            let domain = domains::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
            own(&self.context, &mut tx, &domain).await?;
            domains::set_edge(&mut tx, id, &EdgeState::covered()).await?;
        } else {
            Job::VerifyDomain(id).enqueue_after(&mut tx, now, domain_proofs::FIRST_LOOK).await?;
        }
        let domain = domains::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        audit::commit(&self.context, tx, actor).await?;
        if label.is_some() {
            self.sync(&project).await;
        }
        Ok((project, domain))
    }

    /// Looks whether the proof of ownership stands in the DNS, and takes the hostname if it does. A domain that is verified
    /// stays so; how far the edge is is asked again.
    ///
    /// Fails with `dns_unavailable` when the DNS cannot be read, and with `domain_taken` when another project proved it
    /// before.
    pub async fn verify(&self, actor: &Actor, project: &ProjectRef, id: DomainId) -> Result<(Project, Domain)> {
        let (project, domain) = self.get(actor, project, id).await?;
        if domain.verified_at.is_none() {
            let found = domain_proofs::is_there(&self.context, &domain).await.map_err(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, %domain.name, "the DNS cannot be read");
                Error::Unavailable {
                    code: "dns_unavailable",
                    message: format!("the DNS gave no answer about {}", domain_proofs::record_name(&domain)),
                    retry_after_seconds: 10,
                }
            })?;
            if !found {
                return Ok((project, domain));
            }
            let tx = domain_proofs::take(&self.context, &domain, project.team_id).await?;
            routes::commit_and_sync(&self.context, tx, actor, project.id).await?;
        }
        if let Err(error) = domain_edge::sync(&self.context, id).await {
            // The row says what should be, and the queued job asks again.
            tracing::warn!(error = &error as &dyn std::error::Error, "the edge does not know a domain yet");
        }
        self.get(actor, &ProjectRef::Id(project.id), id).await
    }

    /// Changes what a domain serves.
    ///
    /// Fails with `not_deployed` for a deployment that cannot be served, and with [`Error::Changed`] when `expected` does
    /// not hold for the domain as it is.
    pub async fn update(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        id: DomainId,
        patch: DomainPatch,
        expected: impl Fn(&Project, &Domain) -> bool + Send,
    ) -> Result<(Project, Domain)> {
        let (mut tx, project, domain) = self.begin(actor, project, id, expected).await?;
        let environment = patch.environment.unwrap_or(domain.environment);
        if environment == Environment::Preview {
            let detail = "a domain follows production or staging: a preview is one of many";
            return Err(Error::invalid("/environment", "unfit_environment", detail));
        }
        let pinned_to = match (patch.deployment, patch.auto_update) {
            (Some(_), Some(true)) => {
                let detail = "a domain either follows its environment or is pinned to a deployment";
                return Err(Error::invalid("/auto_update", "contradiction", detail));
            }
            (Some(deployment), _) => Some(deployment),
            (None, Some(true)) => None,
            (None, Some(false)) if domain.pinned_to.is_none() => {
                let nothing =
                    || Error::conflict("nothing_to_pin", "the domain serves nothing yet that it could stay at");
                Some(domain.active_deployment_id.ok_or_else(nothing)?)
            }
            (None, _) => domain.pinned_to,
        };
        if let Some(deployment) = pinned_to.filter(|_| pinned_to != domain.pinned_to) {
            let found = deployments::find(&mut tx, actor, deployment).await?;
            if found.project_id != project.id {
                return Err(Error::NotFound);
            }
            if found.status != DeploymentStatus::Deployed {
                return Err(deployments::not_deployed(&found));
            }
        }
        let now = self.context.now();
        domains::set_target(&mut tx, id, environment, pinned_to, now).await?;
        let stored = stored(&self.context, &domain.name);
        let target = DomainTarget { project: project.id, environment, pinned_to };
        hostnames::point_domain(&mut tx, &stored, target).await?;
        Job::SyncRoutes { project: project.id, former_base: None }.enqueue(&mut tx, now).await?;
        let domain = domains::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        audit::commit(&self.context, tx, actor).await?;
        self.sync(&project).await;
        Ok((project, domain))
    }

    /// Begins a change of a domain that is as `expected`.
    async fn begin(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        id: DomainId,
        expected: impl Fn(&Project, &Domain) -> bool + Send,
    ) -> Result<(Tx, Project, Domain)> {
        let (mut tx, project) = projects::begin(&self.context, actor, project).await?;
        let domain = domains::get(&mut tx, project.id, id).await?.ok_or(Error::NotFound)?;
        if expected(&project, &domain) { Ok((tx, project, domain)) } else { Err(Error::Changed) }
    }

    /// Gives a domain up; the name stays reserved to the project's team for 30 days. With `dry_run` nothing happens.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for the domain as it is.
    pub async fn delete(
        &self,
        actor: &Actor,
        project: &ProjectRef,
        id: DomainId,
        dry_run: bool,
        expected: impl Fn(&Project, &Domain) -> bool + Send,
    ) -> Result<(Project, Domain)> {
        let (mut tx, project, domain) = self.begin(actor, project, id, expected).await?;
        if !dry_run {
            let now = self.context.now();
            hostnames::reserve(&mut tx, &stored(&self.context, &domain.name), project.id, now + RESERVED).await?;
            domains::release(&mut tx, id, now).await?;
            Job::SyncDomain(id).enqueue(&mut tx, now).await?;
            Job::SyncRoutes { project: project.id, former_base: None }.enqueue(&mut tx, now).await?;
            audit::commit(&self.context, tx, actor).await?;
            self.sync(&project).await;
        }
        Ok((project, domain))
    }

    /// The records that the person has to make for a domain.
    pub fn instructions(&self, project: &Project, domain: &Domain) -> Vec<Instruction> {
        let base = &self.context.settings.base_domain;
        if domain.name.under(base.as_str()).is_some() {
            return Vec::new();
        }
        let ours = Instruction {
            record_type: "TXT",
            name: domain_proofs::record_name(domain),
            value: domain.proof.clone(),
            purpose: "proves that the domain is yours",
        };
        let edges = domain.edge.proof.clone().map(|value| Instruction {
            record_type: "TXT",
            name: EdgeState::proof_name(&domain.name),
            value,
            purpose: "proves to the edge that the domain is yours",
        });
        let leads = Instruction {
            record_type: "CNAME",
            name: domain.name.to_string(),
            value: base.hostname(project.slug.as_str()),
            purpose: "leads visitors to the edge",
        };
        [Some(ours), edges, Some(leads)].into_iter().flatten().collect()
    }

    /// The label of a name right under the base domain; it has to be one that a project could have.
    fn label(&self, name: &DomainName) -> Result<Option<Slug>> {
        let base = self.context.settings.base_domain.as_str();
        if name.as_str() == base {
            return Err(taken(name));
        }
        let Some(label) = name.under(base) else { return Ok(None) };
        match Slug::parse(label) {
            Ok(label) => Ok(Some(label)),
            Err(error) => Err(Error::invalid("/name", "invalid_domain", error.to_string())),
        }
    }

    /// Writes the route records now. The rows are the truth and the queued job repeats this, so a failure is not the
    /// caller's.
    async fn sync(&self, project: &Project) {
        if let Err(error) = routes::sync(&self.context, project.id, None).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the route records are late");
        }
        self.context.events.job_queued();
    }
}

/// Takes the hostname for the domain's project and marks the domain verified.
///
/// Fails with `domain_taken` when somebody else has it.
pub(super) async fn own(context: &Context, tx: &mut Tx, domain: &Domain) -> Result<()> {
    let (now, project) = (context.now(), domain.project_id);
    let stored = stored(context, &domain.name);
    let kind = if stored == domain.name.as_str() { "custom" } else { "domain" };
    let target = DomainTarget { project, environment: domain.environment, pinned_to: domain.pinned_to };
    if !hostnames::insert_domain(tx, &stored, kind, target, now).await? {
        return Err(taken(&domain.name));
    }
    domains::set_verified(tx, domain.id, now).await?;
    Job::SyncRoutes { project, former_base: None }.enqueue(tx, now).await?;
    Ok(Job::SyncDomain(domain.id).enqueue(tx, now).await?)
}

/// The name as the table of hostnames has it.
fn stored(context: &Context, name: &DomainName) -> String {
    name.under(context.settings.base_domain.as_str()).unwrap_or(name.as_str()).to_owned()
}

fn taken(name: &DomainName) -> Error {
    Error::Conflict {
        code: "domain_taken",
        message: format!("{name} belongs to another project, or did within the last 30 days"),
        hint: Some("delete the domain there, or choose another name".to_owned()),
    }
}
