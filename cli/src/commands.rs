//! One file for each command but `deploy`.

pub mod accounts;
pub mod deployments;
pub mod domains;
pub mod env;
pub mod explain;
pub mod jobs;
pub mod login;
pub mod logs;
pub mod objects;
pub mod open;
pub mod operators;
pub mod projects;
pub mod promote;
pub mod protect;
pub mod reference;
pub mod remove;
pub mod routine;
pub mod server;
pub mod split;
pub mod teams;

use crate::args::Project;
use crate::errors::Failure;
use crate::remembered;
use crate::settings::Settings;

/// Returns the project that is named, else the one last deployed from the current folder.
fn project(settings: &Settings, named: &Project) -> Result<String, Failure> {
    if let Some(project) = &named.project {
        return Ok(project.clone());
    }
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
    here.ok().and_then(|folder| remembered::project_around(&settings.url, &folder)).ok_or_else(|| {
        Failure::usage("which project? This folder was not deployed from here")
            .hint("name it with --project SLUG; `miaobu projects` lists yours")
    })
}
