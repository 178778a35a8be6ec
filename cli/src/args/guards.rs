//! The command line of protection, splits and skew protection, as written.

use clap::{Args, Subcommand, ValueEnum};

use super::{Environment, Project};

/// `miaobu protect`.
#[derive(Debug, Subcommand)]
pub enum Protect {
    /// Show what is protected, and which links and tokens open it
    Show {
        #[command(flatten)]
        project: Project,
    },
    /// Protect hostnames, or change their password
    On {
        /// Which hostnames
        #[arg(value_enum)]
        target: Target,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        project: Project,
    },
    /// Let everybody see hostnames again
    Off {
        /// Which hostnames
        #[arg(value_enum)]
        target: Target,
        #[command(flatten)]
        project: Project,
    },
    /// Make a link that opens protected hostnames until it ends
    Share {
        /// Which hostnames
        #[arg(value_enum)]
        target: Target,
        /// Branch at whose preview it points
        #[arg(long)]
        branch: Option<String>,
        /// Deployment at whose own name it points
        #[arg(long, value_name = "DEPLOYMENT")]
        deployment: Option<i64>,
        /// Path at which it points
        #[arg(long, default_value = "/")]
        path: String,
        /// After how many hours it ends
        #[arg(long, value_name = "HOURS", default_value_t = 168, value_parser = clap::value_parser!(i32).range(1..=8760))]
        hours: i32,
        #[command(flatten)]
        project: Project,
    },
    /// End a share link
    Unshare {
        /// Link id
        #[arg(value_name = "LINK")]
        link: i64,
        #[command(flatten)]
        project: Project,
    },
    /// Make a token with which programs pass every protection of a project
    Bypass {
        /// What the token is for
        name: String,
        #[command(flatten)]
        project: Project,
    },
    /// Revoke a bypass token
    Unbypass {
        /// Token id
        #[arg(value_name = "TOKEN")]
        token: i64,
        #[command(flatten)]
        project: Project,
    },
}

/// What becomes of the password.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Password {
    /// Read the password from the first line of standard input [default: the one there is stays]
    #[arg(long)]
    pub password_stdin: bool,
    /// Let nobody in by a password
    #[arg(long)]
    pub no_password: bool,
}

/// Which hostnames are protected together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Those that follow production.
    Production,
    /// Those that follow staging.
    Staging,
    /// Those of branches.
    Preview,
    /// Those that lead to one deployment for ever.
    Pinned,
}

/// `miaobu split`.
#[derive(Debug, Subcommand)]
pub enum Split {
    /// Show the split of an environment
    Show {
        #[command(flatten)]
        environment: SplitEnvironment,
    },
    /// Give a share of the visitors a second deployment
    Set {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
        /// How many visitors of a hundred get it
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(0..=100))]
        percent: i32,
        #[command(flatten)]
        environment: SplitEnvironment,
    },
    /// Give all visitors one of the two deployments
    End {
        /// Deployment to keep [default: the active one]
        #[arg(long, value_name = "DEPLOYMENT")]
        keep: Option<i64>,
        #[command(flatten)]
        environment: SplitEnvironment,
    },
}

/// Whose visitors are split.
#[derive(Debug, Args)]
pub struct SplitEnvironment {
    /// Environment whose visitors are split
    #[arg(long, value_enum, default_value = "production")]
    pub environment: Environment,
    #[command(flatten)]
    pub project: Project,
}

/// `miaobu skew`.
#[derive(Debug, Subcommand)]
pub enum Skew {
    /// Show which deployments visitors may stay with
    Show {
        #[command(flatten)]
        project: Project,
    },
    /// Let visitors stay with earlier deployments
    On {
        /// How many hours old such a deployment may be
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(i32).range(1..=2160))]
        hours: i32,
        #[command(flatten)]
        project: Project,
    },
    /// Give every visitor the active deployment
    Off {
        #[command(flatten)]
        project: Project,
    },
}
