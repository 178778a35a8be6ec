//! Publishes the routine on ESA: staging, a look at it, production by steps, and back where something is wrong.
//!
//! What was done is read from ESA before each step, never from a file of ours: killed anywhere and started again, it goes on.

mod bundle;
mod cloud;
mod plan;
mod publish;
mod publisher;
pub mod self_test;
mod smoke;

pub use bundle::Bundle;
pub use cloud::{Cloud, Place};
pub use plan::{Share, State, Step, Version};
pub use publish::{Outcome, Patience, publish, roll_back, rollback};
pub use publisher::Publisher;
pub use self_test::SelfTest;
pub use smoke::Smoke;

/// Why the routine is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call failed.
    #[error("ESA could not be told")]
    Call(#[from] miaobu_aliyun::Error),
    /// An engine that the look at it needs failed.
    #[error("what is looked at could not be put in place")]
    Provider(#[from] crate::provider::Error),
    /// The routine answers otherwise than it should.
    #[error("{place} answers otherwise than it should: {problem}")]
    Smoke {
        /// Where: `staging` or `production`.
        place: &'static str,
        /// What is wrong, of how many requests.
        problem: String,
    },
    /// Every version is in use.
    #[error("the routine has {0} versions, and none may be deleted")]
    Full(usize),
    /// ESA does not have the version.
    #[error("the routine has no version {0}")]
    NoVersion(String),
    /// There is nothing to go back to.
    #[error("there is no version before the one that runs")]
    NoPrevious,
    /// ESA runs no such version, although it was told to.
    #[error("ESA goes on otherwise than it was told to")]
    Stuck,
}
