//! The command line of single projects and deployments.

use clap::{Args, Subcommand, ValueEnum};

use super::{Environment, Project};

/// What `miaobu project` can do.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Show a project and its settings
    Show {
        #[command(flatten)]
        project: Project,
    },
    /// Make a project without deploying anything
    Create {
        /// Its slug
        slug: String,
        /// Id of the team that it belongs to [default: your own]
        #[arg(long)]
        team: Option<i64>,
    },
    /// Change how a project is served, from its next deployment on
    Set(ProjectSettings),
}

/// `miaobu project set`.
#[derive(Debug, Args)]
pub struct ProjectSettings {
    #[command(flatten)]
    pub project: Project,
    /// Which URL an HTML file has; `default` takes the default back, here and below
    #[arg(long, value_enum)]
    pub html: Option<Html>,
    /// What a path without a file gets
    #[arg(long, value_enum)]
    pub not_found: Option<NotFound>,
    /// Which requests the single page answers
    #[arg(long, value_enum)]
    pub single_page_for: Option<SinglePageFor>,
    /// Whether redirect rules apply even where a file exists
    #[arg(long, value_enum)]
    pub redirects_first: Option<Choice>,
    /// How canonical URLs are reached
    #[arg(long, value_enum)]
    pub redirect_status: Option<RedirectCode>,
    /// Whose reading of `_redirects` and `_headers` applies
    #[arg(long, value_enum)]
    pub dialect: Option<Dialect>,
    /// Whether paths that end in `/index` lead to the folder, whatever is there
    #[arg(long, value_enum)]
    pub index_redirects: Option<Choice>,
    /// What becomes of a path whose escapes mean nothing
    #[arg(long, value_enum)]
    pub undecodable_paths: Option<UndecodablePaths>,
    /// Whether a missing page is not the function's, where the project has one
    #[arg(long, value_enum)]
    pub navigation_prefers_assets: Option<Choice>,
}

/// Which URL an HTML file has.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Html {
    /// `/x` and `/x/`, as the file is.
    Auto,
    /// Always a slash at the end.
    Force,
    /// Never a slash at the end.
    Drop,
    /// Files under their own names only.
    None,
    /// The default.
    Default,
}

/// What a path without a file gets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum NotFound {
    /// The nearest `404.html`.
    Page,
    /// `/index.html`.
    SinglePage,
    /// A bare 404.
    None,
    /// The default.
    Default,
}

/// Which requests the single page answers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SinglePageFor {
    /// Those of a browser that goes to a page.
    Navigation,
    /// Every GET and HEAD.
    All,
    /// The default.
    Default,
}

/// How canonical URLs are reached.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RedirectCode {
    /// For good.
    #[value(name = "308")]
    Permanent,
    /// For now.
    #[value(name = "307")]
    Temporary,
    /// For good, as before HTTP knew 308.
    #[value(name = "301")]
    Moved,
    /// The default.
    Default,
}

/// Whose reading of `_redirects` and `_headers` applies.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Dialect {
    /// Netlify's redirects and Cloudflare's headers.
    Best,
    /// Netlify's.
    Netlify,
    /// Cloudflare's.
    Cloudflare,
    /// GitLab Pages' redirects and Cloudflare's headers.
    Gitlab,
    /// The default.
    Default,
}

/// What becomes of a path whose escapes mean nothing.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UndecodablePaths {
    /// Looked up as it is.
    Keep,
    /// Refused with 400.
    Refuse,
    /// The default.
    Default,
}

/// Yes or no, or the default.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Choice {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The default.
    Default,
}

/// What `miaobu deployment` can do.
#[derive(Debug, Subcommand)]
pub enum DeploymentCommand {
    /// Show a deployment
    Show {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
    },
    /// List what of its configuration files has no effect, and why
    Problems {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
    },
    /// Delete a deployment that nothing serves
    Delete {
        /// Deployment id
        #[arg(value_name = "DEPLOYMENT")]
        deployment: i64,
        /// Only show what would be deleted
        #[arg(long)]
        dry_run: bool,
    },
}

/// `miaobu build`.
#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub project: Project,
    /// Branch to build [default: the repository's own]
    #[arg(long)]
    pub branch: Option<String>,
    /// Commit to build [default: the branch's newest]
    #[arg(long, value_name = "SHA")]
    pub commit: Option<String>,
    /// First line of the commit's message
    #[arg(long, value_name = "TEXT")]
    pub commit_message: Option<String>,
    /// Where that commit stands in its branch, as `git rev-list --count` tells: the newest becomes active, whichever ends first
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    pub commit_sequence: Option<i64>,
    /// Environment to deploy to
    #[arg(long, value_enum)]
    pub environment: Option<Environment>,
}
