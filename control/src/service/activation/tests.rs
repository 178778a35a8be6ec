use chrono::TimeDelta;

use super::*;
use crate::domain::{CommitInfo, DeploymentStatus, ProjectId, ProjectKind, ProjectSettings, ReleaseId, Slug, TeamId};
use crate::random::{Random as _, SeededRandom};
use crate::store::deployments::{self, NewRow, Step};
use crate::store::{Access, Db, Location, Tx, projects, users};

#[test]
fn the_newest_deployment_wins_unless_a_rollback_holds() {
    let release = |deployment, held| Release {
        id: ReleaseId(1),
        project_id: ProjectId(1),
        environment: Environment::Production,
        branch: None,
        deployment_id: DeploymentId(deployment),
        generation: 1,
        kind: ReleaseKind::Deploy,
        held,
    };
    let cases = [
        (None, None, Activation::Active),
        (Some(release(4, false)), None, Activation::Active),
        (Some(release(6, false)), Some(6), Activation::Superseded(DeploymentId(6))),
        // A person went back to 3 by promoting it: what is newer than every deploy before may still take over.
        (Some(release(3, false)), None, Activation::Active),
        (Some(release(3, false)), Some(6), Activation::Superseded(DeploymentId(6))),
        (Some(release(3, true)), Some(6), Activation::Held(DeploymentId(3))),
    ];
    for (present, newer, expected) in cases {
        assert_eq!(decide(present.as_ref(), newer.map(DeploymentId)), expected, "{present:?} {newer:?}");
    }
}

/// Deployments that end in any order, inside one transaction.
struct Branch {
    tx: Tx,
    project: ProjectId,
    now: DateTime<Utc>,
}

impl Branch {
    async fn open(folder: &std::path::Path) -> Self {
        let db = Db::open(&Location::Sqlite(folder.join("miaobu.db")), Access::ReadWrite).await.expect("opened");
        let now: DateTime<Utc> = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let mut tx = db.begin().await.expect("a transaction");
        let user = users::insert(&mut tx, "ada", now).await.expect("asked").expect("a user");
        let slug = Slug::parse("shop").expect("a slug");
        let (kind, settings) = (ProjectKind::Static, ProjectSettings::default());
        let project = projects::insert(&mut tx, user, TeamId(1), &slug, kind, settings, now).await;
        let project = project.expect("asked").expect("a project");
        Self { tx, project, now }
    }

    async fn announce(&mut self, sequence: Option<i64>) -> DeploymentId {
        let commit = CommitInfo { sequence, ..CommitInfo::default() };
        let row = NewRow {
            project_id: self.project,
            environment: Environment::Production,
            branch: None,
            status: DeploymentStatus::Deploying,
            commit: &commit,
            settings: ProjectSettings::default(),
            file_count: 1,
            size_bytes: 1,
            created_at: self.now,
            deadline_at: self.now + TimeDelta::minutes(15),
        };
        deployments::insert(&mut self.tx, row).await.expect("inserted")
    }

    /// Ends a deployment as its job does; again it changes nothing.
    async fn complete(&mut self, id: DeploymentId) -> Option<Activation> {
        let step = Step::new(DeploymentStatus::Deploying, DeploymentStatus::Deployed);
        if !deployments::take_step(&mut self.tx, id, step, self.now).await.expect("asked") {
            return None;
        }
        let (deployment, _) = deployments::get_any(&mut self.tx, id).await.expect("asked").expect("a deployment");
        Some(activate(&mut self.tx, &deployment, self.now).await.expect("activated").0)
    }

    async fn active(&mut self) -> Option<DeploymentId> {
        let pointer = Pointer::new(self.project, Environment::Production, None);
        let release = releases::get_in_force(&mut self.tx, pointer).await.expect("asked");
        release.map(|release| release.deployment_id)
    }
}

#[tokio::test]
async fn whatever_order_deployments_end_in_the_newest_commit_is_active() {
    const COMMITS: i64 = 10_000;
    let folder = tempfile::tempdir().expect("a folder");
    let mut branch = Branch::open(folder.path()).await;
    let random = SeededRandom::new(20_261_121);
    let draw = |below: usize| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        usize::try_from(u64::from_be_bytes(bytes) % below as u64).expect("small")
    };
    // One in ten requests comes twice, and one in ten changes places with an earlier one.
    let mut sequences: Vec<i64> = (1..=COMMITS).collect();
    for index in 0..sequences.len() {
        match draw(10) {
            0 => sequences.push(sequences[index]),
            1 => sequences.swap(index, draw(index + 1)),
            _ => {}
        }
    }
    let mut ids = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        ids.push((branch.announce(Some(sequence)).await, sequence));
    }
    let newest = ids.iter().map(|(id, sequence)| (*sequence, *id)).max().expect("deployments").1;
    for index in (1..ids.len()).rev() {
        ids.swap(index, draw(index + 1));
    }
    let mut best = (0, DeploymentId(0));
    for (id, sequence) in ids {
        branch.complete(id).await.expect("ends once");
        if draw(10) == 0 {
            assert_eq!(branch.complete(id).await, None);
        }
        best = best.max((sequence, id));
        assert_eq!(branch.active().await, Some(best.1), "at any time the newest that has ended");
    }
    assert_eq!(branch.active().await, Some(newest));
}

#[tokio::test]
async fn deployments_without_a_place_in_a_branch_are_ordered_by_when_they_were_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut branch = Branch::open(folder.path()).await;
    let commit_nine = branch.announce(Some(9)).await;
    let by_hand = branch.announce(None).await;
    let commit_ten = branch.announce(Some(10)).await;
    let commit_eight = branch.announce(Some(8)).await;
    assert_eq!(branch.complete(by_hand).await, Some(Activation::Active));
    assert_eq!(branch.complete(commit_nine).await, Some(Activation::Superseded(by_hand)));
    assert_eq!(branch.complete(commit_ten).await, Some(Activation::Active));
    assert_eq!(branch.complete(commit_eight).await, Some(Activation::Superseded(commit_ten)));
    assert_eq!(branch.active().await, Some(commit_ten));
}
