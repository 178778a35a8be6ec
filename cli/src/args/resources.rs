//! The command line of what a project has: env vars, domains, deployments; and of teams.

use clap::{Args, Subcommand, ValueEnum};

use super::{Environment, Listing, Project};

/// `miaobu env`.
#[derive(Debug, Args)]
pub struct Env {
    #[command(flatten)]
    pub project: Project,
    /// Environment that they belong to
    #[arg(long, value_enum, default_value = "production", global = true)]
    pub environment: Environment,
    /// What to do.
    #[command(subcommand)]
    pub command: EnvCommand,
}

/// What `miaobu env` can do.
#[derive(Debug, Subcommand)]
pub enum EnvCommand {
    /// List env vars; the values of secret ones are never shown
    List(Listing),
    /// Show an env var
    Show {
        /// Its name
        name: String,
    },
    /// Make or change env vars
    Set {
        /// NAME=VALUE, or NAME alone to be asked for the value on standard input
        #[arg(value_name = "NAME[=VALUE]", required = true)]
        variables: Vec<String>,
        /// Let the values be read again
        #[arg(long)]
        plain: bool,
    },
    /// Delete env vars
    Unset {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Make the lines of a .env file the whole set; names without `=` keep their value
    Replace {
        /// The file; - for standard input
        #[arg(value_name = "FILE")]
        file: String,
        /// Let the values be read again
        #[arg(long)]
        plain: bool,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Import env vars of the older system: lines of NAME=CIPHERTEXT; their Fernet key stands on standard input
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: String,
        /// Let the values be read again
        #[arg(long)]
        plain: bool,
    },
}

/// `miaobu domains`.
#[derive(Debug, Args)]
pub struct Domains {
    #[command(flatten)]
    pub project: Project,
    /// What to do.
    #[command(subcommand)]
    pub command: DomainsCommand,
}

/// What `miaobu domains` can do.
#[derive(Debug, Subcommand)]
pub enum DomainsCommand {
    /// List the project's domains
    List(Listing),
    /// Show a domain and its DNS records
    Show {
        /// Its full name
        name: String,
    },
    /// Add a domain, and show which DNS records to make
    Add {
        /// Its full name
        name: String,
        /// Environment to follow
        #[arg(long, value_enum, default_value = "production")]
        environment: Environment,
    },
    /// Look whether the DNS proves that a domain is yours
    Verify {
        /// Its full name
        name: String,
    },
    /// Let a domain follow an environment
    Follow {
        /// Its full name
        name: String,
        /// Environment to follow
        #[arg(long, value_enum, default_value = "production")]
        environment: Environment,
    },
    /// Pin a domain to a deployment
    Pin {
        /// Its full name
        name: String,
        /// Deployment id [default: what it serves now]
        #[arg(value_name = "DEPLOYMENT")]
        deployment: Option<i64>,
    },
    /// Give a domain up
    Remove {
        /// Its full name
        name: String,
        /// Only show what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

/// What `miaobu teams` can do.
#[derive(Debug, Subcommand)]
pub enum TeamsCommand {
    /// List your teams
    List(Listing),
    /// Show a team
    Show {
        /// Team id
        team: i64,
    },
    /// Call a team something else
    Rename {
        /// Team id
        team: i64,
        /// Its new name
        name: String,
    },
    /// Make a team
    Create {
        /// What to call it
        name: String,
    },
    /// Delete a team that has no project
    Delete {
        /// Team id
        team: i64,
    },
    /// List a team's members
    Members {
        /// Team id
        team: i64,
        #[command(flatten)]
        listing: Listing,
    },
    /// Invite somebody; prints the invitation to be given to that person
    Invite {
        /// Team id
        team: i64,
        /// E-mail address of the person
        email: String,
        /// What the person will be able to do
        #[arg(long, value_enum, default_value = "deployer")]
        role: Role,
    },
    /// List a team's open invitations
    Invitations {
        /// Team id
        team: i64,
        #[command(flatten)]
        listing: Listing,
    },
    /// Withdraw an invitation
    Uninvite {
        /// Team id
        team: i64,
        /// Invitation id
        invitation: i64,
    },
    /// Accept an invitation
    Join {
        /// The invitation, mb_inv_…
        invitation: String,
    },
    /// Give a member another role
    Role {
        /// Team id
        team: i64,
        /// User id
        user: i64,
        /// The new role
        #[arg(value_enum)]
        role: Role,
    },
    /// Remove a member, or leave
    Remove {
        /// Team id
        team: i64,
        /// User id
        user: i64,
    },
    /// List what was done in a team
    Audit {
        /// Team id
        team: i64,
        #[command(flatten)]
        listing: Listing,
    },
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Sees.
    Viewer,
    /// Deploys.
    Deployer,
    /// Changes projects and members.
    Admin,
    /// Everything.
    Owner,
}
