//! The command line of operators.

use clap::Subcommand;

use super::Listing;

/// What `miaobu operators` can do.
#[derive(Debug, Subcommand)]
pub enum OperatorsCommand {
    /// List operators, the newest account first
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show an operator
    Show {
        /// The user's id
        user: i64,
    },
    /// Make somebody an operator
    Add {
        /// The name under which the person logs in
        login: String,
    },
    /// Make an operator a user like others; one operator stays
    Remove {
        /// The user's id
        user: i64,
    },
}
