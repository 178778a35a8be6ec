//! Edits of env vars, deployments, promotions and rollbacks in random order, on a real database: each deployment keeps the
//! configuration that it was made with, and each project says of its deployments what their rows say.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use miaobu_control::domain::{
    CommitInfo, DeploymentId, DeploymentStatus, EnvVarId, EnvVarKind, EnvVarName, EnvVarValue, Environment, ProjectId,
    ProjectSettings, ReleaseKind,
};
use miaobu_control::service::{at_version, keep_version, seal_env_var};
use miaobu_control::store::deployments::{self, NewRow, Step};
use miaobu_control::store::env_vars::{self, Sealed};
use miaobu_control::store::releases::{self, Pointer};
use miaobu_control::store::{Db, Session as _, Tx};

use crate::support::TestApp;

const PROJECTS: usize = 25;
const ENVIRONMENTS: [Environment; 2] = [Environment::Production, Environment::Staging];

/// Repeatable numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What somebody who reads the requests expects of an environment of a project.
#[derive(Default)]
struct Expected {
    env_vars: BTreeMap<String, (EnvVarId, String)>,
    running: Vec<DeploymentId>,
    deployed: Vec<DeploymentId>,
}

impl Expected {
    fn set(&self) -> BTreeMap<String, String> {
        self.env_vars.iter().map(|(name, (_, value))| (name.clone(), value.clone())).collect()
    }
}

struct History {
    app: TestApp,
    tx: Tx,
    numbers: Numbers,
    expected: BTreeMap<(ProjectId, &'static str), Expected>,
    made_with: BTreeMap<DeploymentId, BTreeMap<String, String>>,
    checked: usize,
}

impl History {
    async fn edit(&mut self, project: ProjectId, environment: Environment) {
        let (context, now) = (&self.app.context, self.app.now());
        let name = format!("V{}", self.numbers.below(4));
        let expected = self.expected.entry((project, environment.as_str())).or_default();
        match expected.env_vars.remove(&name) {
            Some((id, _)) if self.numbers.below(3) == 0 => {
                env_vars::delete(&mut self.tx, id).await.expect("deleted");
            }
            known => {
                let value = self.numbers.below(1000).to_string();
                let place = EnvVarName::parse(&name).expect("a name");
                let bytes = seal_env_var(context, project, environment, &place, &EnvVarValue(value.clone()));
                let bytes = bytes.expect("sealed");
                let sealed = Sealed { bytes: &bytes, key_id: context.vault.current() };
                let (tx, kind) = (&mut self.tx, EnvVarKind::Secret);
                let id = match known {
                    Some((id, _)) => {
                        env_vars::update(tx, id, kind, sealed, now).await.expect("changed");
                        id
                    }
                    None => {
                        let id = env_vars::insert(tx, project, environment, &place, kind, sealed, now).await;
                        id.expect("inserted").expect("the name is free")
                    }
                };
                expected.env_vars.insert(name, (id, value));
            }
        }
        keep_version(context, &mut self.tx, project, environment).await.expect("kept");
    }

    async fn deploy(&mut self, project: ProjectId, environment: Environment) {
        let now = self.app.now();
        let row = NewRow {
            project_id: project,
            environment,
            branch: None,
            status: DeploymentStatus::Deploying,
            commit: &CommitInfo::default(),
            settings: ProjectSettings::default(),
            file_count: 0,
            size_bytes: 0,
            created_at: now,
            deadline_at: now,
        };
        let id = deployments::insert(&mut self.tx, row).await.expect("inserted");
        let expected = self.expected.entry((project, environment.as_str())).or_default();
        expected.running.push(id);
        self.made_with.insert(id, expected.set());
    }

    /// Ends any of those on their way, so that they overtake one another.
    async fn end(&mut self, project: ProjectId, environment: Environment) {
        let expected = self.expected.entry((project, environment.as_str())).or_default();
        if expected.running.is_empty() {
            return;
        }
        let id = expected.running.swap_remove(self.numbers.below(expected.running.len()));
        let to = if self.numbers.below(5) == 0 { DeploymentStatus::Failed } else { DeploymentStatus::Deployed };
        let step = Step::new(DeploymentStatus::Deploying, to);
        assert!(deployments::take_step(&mut self.tx, id, step, self.app.now()).await.expect("taken"));
        if to == DeploymentStatus::Deployed {
            expected.deployed.push(id);
            self.point(project, environment, id, ReleaseKind::Deploy).await;
        }
    }

    /// Promotes any deployment, whatever environment it was made for.
    async fn promote(&mut self, project: ProjectId, environment: Environment) {
        let from = ENVIRONMENTS[self.numbers.below(2)];
        let Some(expected) = self.expected.get(&(project, from.as_str())) else { return };
        if !expected.deployed.is_empty() {
            let id = expected.deployed[self.numbers.below(expected.deployed.len())];
            self.point(project, environment, id, ReleaseKind::Promote).await;
        }
    }

    async fn roll_back(&mut self, project: ProjectId, environment: Environment) {
        let pointer = Pointer::new(project, environment, None);
        let Some(present) = releases::get_in_force(&mut self.tx, pointer).await.expect("asked") else { return };
        let previous = releases::previous(&mut self.tx, pointer, present.deployment_id).await.expect("asked");
        if let Some(previous) = previous {
            self.point(project, environment, previous, ReleaseKind::Rollback).await;
        }
    }

    /// Moves a pointer, and reads what the deployment runs with from now on.
    async fn point(&mut self, project: ProjectId, environment: Environment, id: DeploymentId, kind: ReleaseKind) {
        let pointer = Pointer::new(project, environment, None);
        let present = releases::get_in_force(&mut self.tx, pointer).await.expect("asked");
        let now = self.app.now();
        releases::move_pointer(&mut self.tx, pointer, present.as_ref(), id, kind, now).await.expect("moved");
        self.check(id).await;
    }

    async fn check(&mut self, id: DeploymentId) {
        let (deployment, _) = deployments::get_any(&mut self.tx, id).await.expect("asked").expect("a deployment");
        let (project, environment, version) = (deployment.project_id, deployment.environment, deployment.env_version);
        let set = at_version(&self.app.context, &mut self.tx, project, environment, version).await.expect("opened");
        assert_eq!(set, self.made_with[&id], "deployment {id}, version {version}");
        self.checked += 1;
    }

    /// What each project's row says of its deployments is what their rows say.
    async fn check_summaries(&mut self) {
        const WRONG: &str = "SELECT COUNT(*) AS wrong FROM projects
            WHERE active_deployment_id IS DISTINCT FROM (SELECT deployment_id FROM releases
                WHERE project_id = projects.id AND environment = 'production' AND branch = '' AND in_force)
              OR staging_active <> EXISTS (SELECT 1 FROM releases
                WHERE project_id = projects.id AND environment = 'staging' AND branch = '' AND in_force)
              OR production_status IS DISTINCT FROM (SELECT status FROM deployments
                WHERE project_id = projects.id AND environment = 'production' AND deleted_at IS NULL
                ORDER BY id DESC LIMIT 1)
              OR staging_status IS DISTINCT FROM (SELECT status FROM deployments
                WHERE project_id = projects.id AND environment = 'staging' AND deleted_at IS NULL
                ORDER BY id DESC LIMIT 1)";
        let (wrong,): (i64,) = self.tx.query(WRONG).fetch_one().await.expect("counted");
        assert_eq!(wrong, 0);
    }
}

#[tokio::test]
async fn in_random_steps_each_deployment_keeps_the_configuration_that_it_was_made_with() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let mut projects = Vec::new();
    for number in 0..PROJECTS {
        projects.push(app.project(&ada, &format!("shop-{number}")).await.id);
    }
    // `scripts/test` takes 100,000 on SQLite; with PostgreSQL each is several questions to another process.
    let steps: usize = std::env::var("TEST_STEPS").map_or(10_000, |steps| steps.parse().expect("a number"));
    let steps = if matches!(app.context.db, Db::Sqlite { .. }) { steps } else { steps / 20 };
    let tx = app.context.db.begin().await.expect("a transaction");
    let (numbers, expected, made_with) = (Numbers(0x2026_1121), BTreeMap::new(), BTreeMap::new());
    let mut history = History { app, tx, numbers, expected, made_with, checked: 0 };
    for step in 0..steps {
        let project = projects[history.numbers.below(PROJECTS)];
        let environment = ENVIRONMENTS[history.numbers.below(2)];
        history.app.advance(TimeDelta::milliseconds(1));
        match history.numbers.below(100) {
            0..30 => history.edit(project, environment).await,
            30..65 => history.deploy(project, environment).await,
            65..85 => history.end(project, environment).await,
            85..94 => history.promote(project, environment).await,
            _ => history.roll_back(project, environment).await,
        }
        if step % 5_000 == 0 {
            history.check_summaries().await;
        }
    }
    history.check_summaries().await;
    assert!(history.checked > steps / 12 && history.made_with.len() > steps / 4, "{} checked", history.checked);
    let made: Vec<_> = history.made_with.keys().copied().step_by(7).collect();
    for id in made {
        history.check(id).await;
    }
}
