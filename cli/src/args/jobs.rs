//! The command line of jobs.

use clap::{Subcommand, ValueEnum};

use super::Listing;

/// What `miaobu jobs` can do.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List jobs, newest first
    List {
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<JobState>,
        /// Only those of this kind, such as deploy
        #[arg(long)]
        kind: Option<String>,
        /// Only those about the project with this id
        #[arg(long, value_name = "ID")]
        project: Option<i64>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a job
    Show {
        /// Job id
        job: i64,
    },
    /// Queue a job anew that was given up
    Retry {
        /// Job id
        job: i64,
    },
    /// Delete a job that was given up; its work stays undone
    Discard {
        /// Job id
        job: i64,
    },
}

/// Where a job is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum JobState {
    /// It waits.
    Queued,
    /// A server has it.
    Running,
    /// It was given up.
    Dead,
}
