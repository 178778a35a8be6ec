//! Use cases, one file per aggregate: what the API, the jobs and the programs ask for.
//!
//! Invariant: nothing here knows HTTP, and no provider is called inside a transaction. A row is read or changed only on
//! behalf of an [`Actor`](crate::domain::Actor); what the operator does on the server's own machine is named so.

mod auth;
mod deployments;
mod error;
mod health;
mod logs;
mod projects;
mod uploads;

pub use auth::Auth;
pub use deployments::{DeploymentFilter, Deployments, Urls};
pub use error::{Error, Problem};
pub use health::{Health, HealthPart};
pub use logs::Logs;
pub use projects::{NewProject, ProjectRef, Projects, SettingsPatch};
pub use uploads::{BatchReceipt, MissingBlob, NewDeployment, PartReceipt, Upload, Uploads};

/// What a use case answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Every use case; cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    /// Who may come in.
    pub auth: Auth,
    /// Projects.
    pub projects: Projects,
    /// Deployments and their activation.
    pub deployments: Deployments,
    /// How files reach a deployment.
    pub uploads: Uploads,
    /// What deployments said.
    pub logs: Logs,
    /// How the parts are.
    pub health: Health,
}
