//! The domain's enumerations as the document shows them.

use poem_openapi::Enum;
use serde::{Deserialize, Serialize};

use crate::domain;

/// Declares an enumeration of the API and its conversions from and to the domain's, variant by variant.
macro_rules! api_enum {
    ($(#[$meta:meta])* $name:ident = $domain:ident { $($(#[$variant_meta:meta])* $variant:ident),* $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
        #[oai(rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        $(#[$meta])*
        pub enum $name { $($(#[$variant_meta])* $variant),* }

        impl From<domain::$domain> for $name {
            fn from(value: domain::$domain) -> Self {
                match value { $(domain::$domain::$variant => Self::$variant),* }
            }
        }

        impl From<$name> for domain::$domain {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),* }
            }
        }
    };
}

api_enum! {
    /// Where a deployment is active: each project has one active deployment per environment (preview: per branch).
    #[oai(rename = "Environment")]
    EnvironmentView = Environment { Production, Staging, Preview }
}

api_enum! {
    /// Where a deployment is in its life. `deployed`, `failed`, `cancelled` and `purged` are final.
    #[oai(rename = "DeploymentStatus")]
    DeploymentStatusView = DeploymentStatus {
        Queued, Cloning, Building, Uploading, Deploying, Deployed, Failed, Cancelled, Purged,
    }
}

api_enum! {
    /// Where a job is: it waits, a server has it, or it was given up.
    #[oai(rename = "JobState")]
    JobStateView = JobState { Queued, Running, Dead }
}

api_enum! {
    /// What is done with the routine: it goes through staging to production, or production goes back.
    #[oai(rename = "PublicationKind")]
    PublicationKindView = PublicationKind { Publish, Rollback }
}

api_enum! {
    /// How far a publication is. `succeeded` and `failed` are final.
    #[oai(rename = "PublicationStatus")]
    PublicationStatusView = PublicationStatus { Queued, Running, Succeeded, Failed }
}

api_enum! {
    /// What a project is made of.
    #[oai(rename = "ProjectKind")]
    ProjectKindView = ProjectKind { Static, Node, Python }
}

api_enum! {
    /// Which URL an HTML file has: `auto` serves `x.html` at `/x` and `x/index.html` at `/x/`; `force` always ends in a
    /// slash; `drop` never does; `none` serves files under their own names only.
    #[oai(rename = "HtmlHandling")]
    HtmlHandlingView = HtmlHandling { Auto, Force, Drop, None }
}

api_enum! {
    /// What a path without a file gets: the nearest `404.html`, the single page `/index.html`, or a bare 404.
    #[oai(rename = "NotFoundHandling")]
    NotFoundView = NotFound {
        #[oai(rename = "404_page")]
        #[serde(rename = "404_page")]
        Page404,
        SinglePage,
        None,
    }
}

api_enum! {
    /// Which requests the single page answers: navigations of a browser, or every GET and HEAD.
    #[oai(rename = "SpaFallback")]
    SpaFallbackView = SpaFallback { Navigation, All }
}

api_enum! {
    /// How canonical URLs are reached: for good (308, or 301, at which old clients may turn the method into GET), or for
    /// now (307).
    #[oai(rename = "RedirectStatus")]
    RedirectStatusView = RedirectStatus {
        #[oai(rename = "308")]
        #[serde(rename = "308")]
        Permanent,
        #[oai(rename = "307")]
        #[serde(rename = "307")]
        Temporary,
        #[oai(rename = "301")]
        #[serde(rename = "301")]
        Moved,
    }
}

api_enum! {
    /// Whose reading of `_redirects` and `_headers` applies: Netlify's, Cloudflare's or GitLab Pages' (whose headers are
    /// Cloudflare's); `best` is Netlify's redirects, the superset, and Cloudflare's headers.
    #[oai(rename = "Dialect")]
    DialectView = Dialect { Best, Netlify, Cloudflare, Gitlab }
}

api_enum! {
    /// What becomes of a path whose escapes mean nothing, such as `/%zz`: it is looked up as it is, or refused with 400.
    #[oai(rename = "UndecodablePaths")]
    UndecodablePathsView = UndecodablePaths { Keep, Refuse }
}

api_enum! {
    /// Which hostnames of a project are protected together: those that follow an environment, or those that lead to one
    /// deployment for ever.
    #[oai(rename = "ProtectionTarget")]
    ProtectionTargetView = ProtectionTarget { Production, Staging, Preview, Pinned }
}

api_enum! {
    /// How much a log line matters.
    #[oai(rename = "LogLevel")]
    LogLevelView = LogLevel { Info, Warning, Error }
}

api_enum! {
    /// Whether the value of an env var can be read again.
    #[oai(rename = "EnvVarKind")]
    EnvVarKindView = EnvVarKind { Plain, Secret }
}

api_enum! {
    /// What has to happen until a change is seen: the site is built again, the function is started anew, or nothing.
    #[oai(rename = "EnvVarEffect")]
    EnvVarEffectView = EnvVarEffect { Rebuild, Restart, Nothing }
}

api_enum! {
    /// How far a domain's certificate is.
    #[oai(rename = "SslStatus")]
    SslStatusView = SslStatus { Pending, Active, Failed }
}

api_enum! {
    /// Whether the edge serves a domain.
    #[oai(rename = "EsaStatus")]
    EsaStatusView = EsaStatus { Pending, Online }
}

api_enum! {
    /// How a project is as a whole, production and staging taken together.
    #[oai(rename = "ProjectStatus")]
    ProjectStatusView = ProjectStatus {
        Empty, Error, Creating, Active, Starting, Stopping, Terminating, Stopped, Partial,
    }
}

api_enum! {
    /// What a member may do in a team: a viewer sees, a deployer deploys as well, an admin changes projects and members
    /// as well, an owner everything.
    #[oai(rename = "Role")]
    RoleView = Role { Viewer, Deployer, Admin, Owner }
}

api_enum! {
    /// What a token may ask for.
    #[oai(rename = "Scope")]
    ScopeView = Scope {
        #[oai(rename = "user:read")]
        #[serde(rename = "user:read")]
        UserRead,
        #[oai(rename = "user:write")]
        #[serde(rename = "user:write")]
        UserWrite,
        #[oai(rename = "teams:read")]
        #[serde(rename = "teams:read")]
        TeamsRead,
        #[oai(rename = "teams:write")]
        #[serde(rename = "teams:write")]
        TeamsWrite,
        #[oai(rename = "projects:read")]
        #[serde(rename = "projects:read")]
        ProjectsRead,
        #[oai(rename = "projects:write")]
        #[serde(rename = "projects:write")]
        ProjectsWrite,
        #[oai(rename = "deployments:read")]
        #[serde(rename = "deployments:read")]
        DeploymentsRead,
        #[oai(rename = "deployments:write")]
        #[serde(rename = "deployments:write")]
        DeploymentsWrite,
        #[oai(rename = "domains:read")]
        #[serde(rename = "domains:read")]
        DomainsRead,
        #[oai(rename = "domains:write")]
        #[serde(rename = "domains:write")]
        DomainsWrite,
        #[oai(rename = "env_vars:read")]
        #[serde(rename = "env_vars:read")]
        EnvVarsRead,
        #[oai(rename = "env_vars:write")]
        #[serde(rename = "env_vars:write")]
        EnvVarsWrite,
        #[oai(rename = "audit:read")]
        #[serde(rename = "audit:read")]
        AuditRead,
        #[oai(rename = "jobs:read")]
        #[serde(rename = "jobs:read")]
        JobsRead,
        #[oai(rename = "jobs:write")]
        #[serde(rename = "jobs:write")]
        JobsWrite,
        #[oai(rename = "routine:read")]
        #[serde(rename = "routine:read")]
        RoutineRead,
        #[oai(rename = "routine:write")]
        #[serde(rename = "routine:write")]
        RoutineWrite,
        #[oai(rename = "operators:read")]
        #[serde(rename = "operators:read")]
        OperatorsRead,
        #[oai(rename = "operators:write")]
        #[serde(rename = "operators:write")]
        OperatorsWrite,
    }
}

/// Where a deployment's files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename_all = "snake_case", rename = "DeploymentSource")]
#[serde(rename_all = "snake_case")]
pub enum SourceView {
    /// Files sent by the CLI or another client of this API.
    Upload,
}
