//! Compares what is with what should be, and mends the difference.
//!
//! What should be is derived from rows. What is missing at the edge is written; everything else is queued as the job that
//! would have done it, so that drift is mended by the same code that should have prevented it.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Context, Error, Job, Result, routes};
use crate::domain::{DeploymentId, ProjectId};
use crate::provider::ObjectKey;
use crate::store::drift;

/// How many projects are compared with a few statements for all of them.
const PROJECTS_AT_ONCE: i64 = 500;
/// How many projects that may differ are looked at closely at once: most of that is waiting for the database.
const LOOKS_AT_ONCE: usize = 8;

/// A difference between what should be and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// `routes`, `deployments`, `artifacts`, `hostnames` or `retention`.
    pub part: &'static str,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.what)
    }
}

/// Whether drift is mended or only told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is mended.
    Mend,
    /// It is only told of.
    DryRun,
}

/// Looks at everything, the objects included, and returns what differed.
pub async fn run(context: &Context, mode: Mode) -> Result<Vec<Drift>> {
    let mut all = work_without_jobs(context, mode).await?;
    all.extend(orphans(context, mode).await?);
    let mut after = 0;
    loop {
        let (drift, last) = some_projects(context, mode, after).await?;
        all.extend(drift);
        match last {
            Some(last) => after = last,
            None => return Ok(all),
        }
    }
}

/// Looks at the route records and the retention of some projects with ids above `after`; returns what differed and the last
/// project, `None` when there are no more.
pub async fn some_projects(context: &Context, mode: Mode, after: i64) -> Result<(Vec<Drift>, Option<i64>)> {
    let kept = i64::try_from(context.settings.limits.kept_deployments).unwrap_or(i64::MAX);
    let mut session = context.db.read().await?;
    let projects = drift::projects_after(&mut session, after, PROJECTS_AT_ONCE, kept).await?;
    drop(session);
    let simple = projects.iter().filter(|project| !project.has_more);
    let simple: Vec<_> = simple.map(|project| (project.id, &project.slug)).collect();
    let differing = routes::differing(context, &simple).await?;
    // Each of few is looked at closely, the others not at all.
    let closely = projects.iter().filter(|compared| compared.has_more || differing.contains(&compared.id));
    let looks = closely.map(|compared| project(context, mode, compared.id));
    let all: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
    Ok((all.concat(), projects.last().map(|project| project.id.0)))
}

async fn project(context: &Context, mode: Mode, id: ProjectId) -> Result<Vec<Drift>> {
    let mut all = Vec::new();
    let mut differences = routes::differences(context, id).await?;
    if !differences.is_empty() {
        let mut session = context.db.read().await?;
        if (Job::SyncRoutes { project: id, former_base: None }).is_unfinished(&mut session).await? {
            differences.clear();
        }
    }
    for (host, should, is) in differences {
        let named = |id: Option<i64>| id.map_or_else(|| "nothing".to_owned(), |id| format!("deployment {id}"));
        let what = match should == is {
            true => format!("the record of {host} is out of date"),
            false => format!("{host} leads to {} instead of {}", named(is), named(should)),
        };
        all.push(Drift { part: "routes", what });
    }
    if !all.is_empty() && mode == Mode::Mend {
        routes::sync(context, id, None).await?;
    }
    let mut session = context.db.read().await?;
    let retention = Job::Retention(id);
    let superfluous = super::retention::superfluous(&mut session, id, context.settings.limits.kept_deployments).await?;
    let is_coming = superfluous.is_empty() || retention.is_unfinished(&mut session).await?;
    drop(session);
    if !is_coming {
        let what = format!("project {id} keeps {} deployment(s) too many", superfluous.len());
        all.push(Drift { part: "retention", what });
        queue(context, mode, &retention).await?;
    }
    Ok(all)
}

/// Finds rows that wait for work that no job will do.
pub async fn work_without_jobs(context: &Context, mode: Mode) -> Result<Vec<Drift>> {
    let mut session = context.db.read().await?;
    let stranded = drift::stranded(&mut session).await?;
    let left_over = drift::left_over(&mut session).await?;
    let domains = drift::unsettled_domains(&mut session).await?;
    drop(session);
    let mut all = Vec::new();
    for id in stranded {
        all.push(Drift { part: "deployments", what: format!("nobody puts deployment {id} in place") });
        queue(context, mode, &Job::Deploy(id)).await?;
    }
    for id in left_over {
        all.push(Drift { part: "artifacts", what: format!("nobody clears deployment {id} away") });
        queue(context, mode, &Job::Purge(id)).await?;
    }
    for id in domains {
        all.push(Drift { part: "hostnames", what: format!("nobody asks the edge about domain {id}") });
        queue(context, mode, &Job::SyncDomain(id)).await?;
    }
    Ok(all)
}

/// Finds what the object store has of deployments that have ended, or that no row knows.
async fn orphans(context: &Context, mode: Mode) -> Result<Vec<Drift>> {
    let mut all = Vec::new();
    for id in stored_deployments(context).await? {
        let mut session = context.db.read().await?;
        let is_wanted = drift::has_files(&mut session, id).await?;
        drop(session);
        if !is_wanted {
            all.push(Drift { part: "artifacts", what: format!("deployment {id} has files and should not") });
            queue(context, mode, &Job::RemoveOrphan(id)).await?;
        }
    }
    Ok(all)
}

/// The deployments of which the object store has anything.
async fn stored_deployments(context: &Context) -> Result<BTreeSet<DeploymentId>> {
    let mut ids = BTreeSet::new();
    for folder in ["manifests", "projects"] {
        let folder = ObjectKey::parse(folder).map_err(Error::internal)?;
        ids.extend(context.objects.list(&folder).await?.iter().filter_map(deployment_of));
    }
    Ok(ids)
}

/// The deployment that an object belongs to: `manifests/ID`, `projects/SLUG/ID/…`, each perhaps with a suffix.
pub fn deployment_of(key: &ObjectKey) -> Option<DeploymentId> {
    let mut parts = key.as_str().split('/');
    let part = match parts.next()? {
        "manifests" => parts.next()?,
        "projects" => parts.nth(1)?,
        _ => return None,
    };
    part.split('.').next()?.parse().ok().map(DeploymentId)
}

/// Removes what the object store has of a deployment that no row knows or whose files should be gone.
pub async fn remove_orphan(context: &Context, id: DeploymentId) -> Result<()> {
    let mut session = context.db.read().await?;
    // A row that has ended is no obstacle, and this job is none either.
    let is_wanted = drift::has_files(&mut session, id).await?;
    drop(session);
    if is_wanted {
        return Ok(());
    }
    for folder in ["manifests", "projects"] {
        let folder = ObjectKey::parse(folder).map_err(Error::internal)?;
        let keys = context.objects.list(&folder).await?;
        let keys = keys.into_iter().filter(|key| deployment_of(key) == Some(id)).collect();
        context.objects.delete_all(keys).await?;
    }
    Ok(())
}

async fn queue(context: &Context, mode: Mode, job: &Job) -> Result<()> {
    if mode == Mode::DryRun {
        return Ok(());
    }
    let mut tx = context.db.begin().await?;
    job.enqueue(&mut tx, context.now()).await?;
    tx.commit().await?;
    context.events.job_queued();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_says_which_deployment_it_belongs_to() {
        let of = |text: &str| deployment_of(&ObjectKey::parse(text).expect("a key")).map(|id| id.0);
        assert_eq!(of("manifests/12"), Some(12));
        assert_eq!(of("manifests/12.retained"), Some(12));
        assert_eq!(of("projects/shop/12/index.html"), Some(12));
        assert_eq!(of("projects/shop/12.site"), Some(12));
        assert_eq!(of("projects/shop/12.br/a/b"), Some(12));
        assert_eq!(of("blobs/1/ab/cd"), None);
        assert_eq!(of("projects/shop"), None);
    }
}
