//! Use cases, one file per aggregate: what the API, the jobs and the programs ask for.
//!
//! Invariant: nothing here knows HTTP, and no provider is called inside a transaction. A row is read or changed only on
//! behalf of an [`Actor`](crate::domain::Actor); what the operator does on the server's own machine is named so.

mod accounts;
pub(crate) mod activation;
mod audit;
mod auth;
mod callers;
mod context;
mod deployments;
pub(crate) mod diagnostics;
mod disk;
pub(crate) mod domain_edge;
pub(crate) mod domain_proofs;
pub(crate) mod domains;
pub(crate) mod env_vars;
mod error;
mod events;
mod explanations;
mod fernet;
mod gate;
pub(crate) mod guards;
mod health;
mod identities;
mod job_list;
mod jobs;
mod limits;
mod logs;
pub(crate) mod manifests;
pub(crate) mod observation;
mod operators;
mod password;
mod project_deletion;
mod projects;
mod protections;
pub mod reconciliation;
pub(crate) mod refinements;
pub(crate) mod retention;
pub(crate) mod routes;
pub(crate) mod routine;
mod secret;
mod splits;
mod teams;
mod uploads;
mod vault;

use std::io;
use std::sync::Arc;

pub use accounts::{Accounts, Profile, Registration};
pub use activation::Activation;
pub use audit::{Audit, AuditFilter};
pub use auth::{Auth, NewToken};
pub use callers::Callers;
pub use context::{
    Context, JobSettings, Limits, Settings, artifact_path, blob_key, coded_blob_key, coded_path, diagnostics_key,
    manifest_key, refinements_key, retained_key,
};
pub use deployments::{DeploymentFilter, Deployments, Statistics, Urls};
pub use diagnostics::{Diagnostic, Diagnostics};
pub use disk::{Room, Rooms};
pub use domains::{DomainPatch, Domains, Instruction};
pub use env_vars::{
    EnvVarPatch, EnvVarPlan, EnvVars, NewEnvVar, at_version, has_stale_secrets, keep_version, seal as seal_env_var,
};
pub use error::{Error, Problem};
pub use events::Events;
pub use explanations::{Explanations, Question};
pub use gate::{Attempt, Begun, Gate};
pub use health::{Health, HealthPart};
pub use job_list::{JobFilter, Jobs};
pub use jobs::{Job, recover};
pub use limits::{Quota, Verdict};
pub use logs::{Logs, forget_lines};
pub use operators::Operators;
pub use project_deletion::Deletion;
pub use projects::{NewProject, ProjectRef, Projects};
pub use protections::{CreatedBypassToken, CreatedShareLink, NewShareLink, PasswordChange, Protections};
pub use routine::{Routine, RoutineStatus, created_at};
pub use splits::Splits;
pub use teams::Teams;
pub use uploads::{BatchReceipt, MissingBlob, NewDeployment, PartReceipt, Trigger, Upload, Uploads};
pub use vault::{InvalidKeys, Vault};

/// What a use case answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Every use case; cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    /// Order among requests.
    pub gate: Gate,
    /// Who may come in.
    pub auth: Auth,
    /// What people have of their own: a profile, a password, sessions.
    pub accounts: Accounts,
    /// Who shares projects.
    pub teams: Teams,
    /// What was done, and by whom.
    pub audit: Audit,
    /// Projects.
    pub projects: Projects,
    /// Env vars.
    pub env_vars: EnvVars,
    /// Domains of people's own.
    pub domains: Domains,
    /// Who sees a project's hostnames.
    pub protections: Protections,
    /// Deployments beside the active one.
    pub splits: Splits,
    /// Deployments and their activation.
    pub deployments: Deployments,
    /// How files reach a deployment.
    pub uploads: Uploads,
    /// Why requests get their answers.
    pub explanations: Explanations,
    /// What deployments said.
    pub logs: Logs,
    /// Jobs, for operators.
    pub jobs: Jobs,
    /// The routine, for operators.
    pub routine: Routine,
    /// Who the operators are, for them.
    pub operators: Operators,
    /// How the parts are.
    pub health: Health,
}

impl Services {
    /// Returns the use cases over `context`. Fails when the folder of uploads cannot be made.
    pub fn open(context: Arc<Context>) -> io::Result<Self> {
        Ok(Self {
            gate: Gate::new(Arc::clone(&context)),
            auth: Auth::new(Arc::clone(&context)),
            accounts: Accounts::new(Arc::clone(&context)),
            teams: Teams::new(Arc::clone(&context)),
            audit: Audit::new(Arc::clone(&context)),
            projects: Projects::new(Arc::clone(&context)),
            env_vars: EnvVars::new(Arc::clone(&context)),
            domains: Domains::new(Arc::clone(&context)),
            protections: Protections::new(Arc::clone(&context)),
            splits: Splits::new(Arc::clone(&context)),
            deployments: Deployments::new(Arc::clone(&context)),
            uploads: Uploads::open(Arc::clone(&context))?,
            explanations: Explanations::new(Arc::clone(&context)),
            logs: Logs::new(Arc::clone(&context)),
            jobs: Jobs::new(Arc::clone(&context)),
            routine: Routine::new(Arc::clone(&context)),
            operators: Operators::new(Arc::clone(&context)),
            health: Health::new(context),
        })
    }
}
