//! Jobs: what makes the outside follow the rows. One file per job.
//!
//! Invariant: a job may run twice, may be killed at any instruction, and may find that somebody else has its lease. So
//! each step can be repeated, and what it writes to rows it writes only while it holds the lease.

mod coded;
mod delete_project;
mod deploy;
mod leased;
mod publish;
mod publish_routine;
mod purge;
mod refine;
mod retained;
mod retention;
mod runner;
mod site_config;
mod sweep;

pub use runner::{Outcome, Runner};

use crate::provider;
use crate::service;
use crate::store;

/// Why a job did not end well.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It may work later.
    #[error("{0}")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it is for was cancelled.
    #[error("nobody wants its work any more")]
    Cancelled,
    /// Somebody else holds the lease: nothing more may be written.
    #[error("the lease is lost")]
    LeaseLost,
    /// It never will work.
    #[error("{message}")]
    Never {
        /// A stable code in snake_case.
        code: &'static str,
        /// What to tell the owner.
        message: String,
    },
}

impl From<store::Error> for JobError {
    fn from(error: store::Error) -> Self {
        Self::Later(Box::new(error))
    }
}

impl From<provider::Error> for JobError {
    fn from(error: provider::Error) -> Self {
        Self::Later(Box::new(error))
    }
}

impl From<service::Error> for JobError {
    fn from(error: service::Error) -> Self {
        Self::Later(Box::new(error))
    }
}
