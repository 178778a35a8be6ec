//! The command line of an account: profile, sessions, API tokens.

use clap::{Args, Subcommand};

use super::Listing;

/// How a person shows who they are. Operations on sessions and tokens want this anew, so that a stolen token makes no
/// other one.
#[derive(Debug, Args)]
pub struct Proof {
    /// One-time code, as the server or `miaobu-control login-code` prints it; asked for when absent
    #[arg(long, global = true)]
    pub code: Option<String>,
    /// Log in with a password instead: the account's name
    #[arg(long = "user", value_name = "LOGIN", global = true, conflicts_with = "code", requires = "password_stdin")]
    pub user: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, global = true, requires = "user")]
    pub password_stdin: bool,
}

/// `miaobu register`.
#[derive(Debug, Args)]
pub struct Register {
    /// The invitation, mb_inv_…
    pub invitation: String,
    /// Name to log in with
    #[arg(value_name = "LOGIN")]
    pub login: String,
}

/// `miaobu tokens`.
#[derive(Debug, Args)]
pub struct Tokens {
    #[command(flatten)]
    pub proof: Proof,
    /// What to do.
    #[command(subcommand)]
    pub command: TokensCommand,
}

/// What `miaobu tokens` can do.
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// List your API tokens, without their secrets
    List(Listing),
    /// Make an API token and print it, this once
    Create {
        /// What the token is for
        name: String,
        /// After how many days it ends [default: 90]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
        /// What it may do, such as projects:read; may be given several times [default: everything]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Project that it is good for; may be given several times [default: all of yours]
        #[arg(long = "project", value_name = "SLUG")]
        projects: Vec<String>,
    },
    /// Revoke an API token
    Revoke {
        /// Token id
        token: i64,
    },
}

/// `miaobu sessions`.
#[derive(Debug, Args)]
pub struct Sessions {
    #[command(flatten)]
    pub proof: Proof,
    /// What to do.
    #[command(subcommand)]
    pub command: SessionsCommand,
}

/// What `miaobu sessions` can do.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List where you are logged in, the session of this command included
    List(Listing),
    /// Log a session out
    Revoke {
        /// Session id
        session: i64,
    },
}

/// What `miaobu user` can do.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Show your profile
    Show,
    /// Change your profile
    Set {
        /// What you are called
        #[arg(long)]
        name: Option<String>,
        /// Forget what you are called
        #[arg(long, conflicts_with = "name")]
        no_name: bool,
        /// Where you read mail
        #[arg(long)]
        email: Option<String>,
        /// Forget where you read mail
        #[arg(long, conflicts_with = "email")]
        no_email: bool,
    },
    /// Set your password: the lines of standard input are the new one, then the present one if there is any
    Password {
        /// One-time code, as the server or `miaobu-control login-code` prints it
        #[arg(long)]
        code: String,
    },
    /// Have another service no longer open your account; other sessions end
    Unlink {
        #[command(flatten)]
        proof: Proof,
        /// Identity id, as `miaobu user show` lists it
        identity: i64,
    },
}
