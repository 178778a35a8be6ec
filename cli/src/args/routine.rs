//! The command line of the routine.

use clap::{Args, Subcommand};

use super::Listing;

/// What `miaobu routine` can do.
#[derive(Debug, Subcommand)]
pub enum RoutineCommand {
    /// Show what staging and production run
    Status,
    /// List the versions that the edge has, newest first
    Versions(Listing),
    /// Show what publishing would do
    Plan,
    /// Publish the server's routine: staging, a look at it, production by steps, and back where something is wrong
    Publish {
        /// Commit that the server was built from
        #[arg(long, default_value = "")]
        commit: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Have production run the version before the one that was published last, or another
    Rollback {
        /// Which version
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// List what was published and taken back, newest first
    Publications(Listing),
    /// Show a publication
    Show {
        /// Publication id
        publication: i64,
    },
}

/// Whether the end is waited for.
#[derive(Clone, Copy, Debug, Args)]
pub struct Waiting {
    /// Return at once; `miaobu routine show` tells what became of it
    #[arg(long)]
    pub no_wait: bool,
}
