//! The command line, as written.

mod accounts;
mod guards;
mod jobs;
mod objects;
mod operators;
mod resources;
mod routine;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use self::accounts::{Proof, Register, Sessions, SessionsCommand, Tokens, TokensCommand, UserCommand};
pub use self::jobs::{JobState, JobsCommand};
pub use self::objects::{
    Build, Choice, DeploymentCommand, Dialect, Html, NotFound, ProjectCommand, ProjectSettings, RedirectCode,
    SinglePageFor, UndecodablePaths,
};
pub use self::operators::OperatorsCommand;
pub use self::resources::{Domains, DomainsCommand, Env, EnvCommand, Role, TeamsCommand};
pub use self::routine::RoutineCommand;
pub use guards::{Password, Protect, Skew, Split, Target};

/// Turns a folder into a live site in seconds.
#[derive(Debug, Parser)]
#[command(name = "miaobu", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 1 failed, 2 usage, 3 not logged in, 4 not found, 5 conflict, 6 unreachable.
A token in MIAOBU_TOKEN is used instead of a stored one.")]
pub struct Arguments {
    /// Server to talk to [default: the one last logged in to, else http://127.0.0.1:8080]
    #[arg(long, global = true, env = "MIAOBU_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Print JSON, and nothing else, on standard output; errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `miaobu` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in with the one-time code that the server prints
    Login {
        /// The code; asked for when absent
        #[arg(long)]
        code: Option<String>,
    },
    /// Forget the token stored for the server
    Logout,
    /// Show who is logged in, and where
    Whoami,
    /// Make an account by an invitation, and log in; the password stands on standard input
    Register(Register),
    /// Show and change your profile, set your password
    #[command(subcommand)]
    User(UserCommand),
    /// List where you are logged in, and end sessions
    Sessions(Sessions),
    /// List, make and revoke API tokens
    Tokens(Tokens),
    /// Deploy a folder and wait until it is live
    #[command(long_about = "Deploys a folder and waits until it is live: only what the server lacks is uploaded.

The folder is deployed as it is, dot files included, except .git, .hg, .svn, .miaobu, .DS_Store, .env, .env.* \
anywhere, and node_modules at the top. Symbolic links to files and folders inside the folder are followed; links that \
leave it are refused.")]
    Deploy(Deploy),
    /// List your projects, newest first
    Projects(Listing),
    /// Show, make and change single projects
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Show and delete single deployments
    #[command(subcommand)]
    Deployment(DeploymentCommand),
    /// Build a deployment from the project's repository
    Build(Build),
    /// List a project's deployments, newest first
    Deployments {
        #[command(flatten)]
        project: Project,
        /// Only this environment
        #[arg(long, value_enum)]
        environment: Option<Environment>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show the log of a deployment
    Logs {
        /// Deployment id [default: the project's newest]
        #[arg(value_name = "DEPLOYMENT")]
        deployment: Option<i64>,
        #[command(flatten)]
        project: Project,
        /// Go on until the deployment has ended
        #[arg(long, short)]
        follow: bool,
    },
    /// Make a deployment the live one
    Promote {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
        /// Environment to make it live in
        #[arg(long, value_enum, default_value = "production")]
        environment: Environment,
    },
    /// Go back to an earlier deployment
    Rollback {
        #[command(flatten)]
        project: Project,
        /// Deployment id [default: the one that was live before]
        #[arg(long, value_name = "DEPLOYMENT")]
        to: Option<i64>,
        /// Environment to roll back
        #[arg(long, value_enum, default_value = "production")]
        environment: Environment,
    },
    /// Deploy the files of a deployment again
    Redeploy {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
    },
    /// End a deployment that is on its way
    Cancel {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
    },
    /// Delete a project with all it owns
    Delete {
        /// Project
        #[arg(value_name = "PROJECT")]
        project: String,
        /// Only show what would be deleted
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// List, set and delete env vars
    Env(Env),
    /// List, add, verify and point domains
    Domains(Domains),
    /// List and change teams, members and invitations
    Teams {
        /// What to do.
        #[command(subcommand)]
        command: TeamsCommand,
    },
    /// Choose who sees a project's hostnames: passwords, share links, bypass tokens
    #[command(subcommand)]
    Protect(Protect),
    /// Give a share of the visitors a second deployment
    #[command(subcommand)]
    Split(Split),
    /// Let visitors stay with earlier deployments
    #[command(subcommand)]
    Skew(Skew),
    /// Tell what a request gets at the edge, and why: which rule on which line, which file, which headers
    Explain(Explain),
    /// Open the live site in a browser
    Open {
        #[command(flatten)]
        project: Project,
        /// Only print the address
        #[arg(long)]
        print: bool,
    },
    /// Show how the server and its parts are
    Health,
    /// See, retry and discard what the platform still has to do; for operators
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Publish the edge program, look at it and take it back; for operators
    #[command(subcommand)]
    Routine(RoutineCommand),
    /// See, name and remove those who run the platform; for operators
    #[command(subcommand)]
    Operators(OperatorsCommand),
    /// Count your projects, deployments and domains
    Statistics,
    /// Print what all commands take, as JSON
    #[command(hide = true)]
    Reference,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `miaobu explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Address on a hostname of one of your projects; nothing is sent there
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// Method of the request
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// Header field of the request, as 'Name: value'; may be given several times
    #[arg(short = 'H', long = "header", value_name = "FIELD")]
    pub headers: Vec<String>,
    /// Country that the visitor is in, two letters
    #[arg(long, value_name = "CODE")]
    pub country: Option<String>,
}

/// `miaobu deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// Folder to deploy
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Project to deploy to, made when there is none [default: the last one used for this folder, else its name]
    #[arg(long, value_name = "SLUG")]
    pub project: Option<String>,
    /// Environment to deploy to
    #[arg(long, value_enum, default_value = "production")]
    pub environment: Environment,
    /// Branch that the folder was built from; a preview has one address a branch
    #[arg(long)]
    pub branch: Option<String>,
    /// Commit that the folder was built from
    #[arg(long, value_name = "SHA")]
    pub commit: Option<String>,
    /// Where that commit stands in its branch, as `git rev-list --count` tells: the newest becomes active, whichever ends first
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    pub commit_sequence: Option<i64>,
    /// Message to remember the deployment by
    #[arg(long, short, value_name = "MESSAGE")]
    pub message: Option<String>,
}

/// Which project a command is about.
#[derive(Debug, Args)]
pub struct Project {
    /// Project [default: the one last deployed from this folder]
    #[arg(long, value_name = "SLUG", global = true)]
    pub project: Option<String>,
}

/// How much of a list to show.
#[derive(Debug, Args)]
pub struct Listing {
    /// How many to show at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Where a deployment goes live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// The project's own address.
    Production,
    /// `{slug}-staging`.
    Staging,
    /// One address for each branch.
    Preview,
}
