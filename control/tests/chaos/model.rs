//! Every order in which things may happen keeps what the architecture says always holds.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use miaobu_control::domain::{DeploymentId, DeploymentStatus};
use miaobu_control::service::Job;
use miaobu_control::store::Tx;
use miaobu_control::store::deployments::{self, Step};
use miaobu_control::store::jobs::{self, Concurrency, Lease};

use super::Chance;
use crate::support::{Site, TestApp};

/// A job as the model has it: who holds it, since which claim, until when.
#[derive(Debug, Clone, Copy)]
struct Holder {
    lease: Lease,
    until: i64,
}

#[tokio::test]
async fn no_interleaving_of_claims_renewals_and_late_writes_gives_a_job_two_holders() {
    let app = TestApp::new().await;
    let many = Concurrency { per_project: 1_000, background: 1_000 };
    for seed in 0..40 {
        let chance = Chance::of(seed);
        let mut tx = app.context.db.begin().await.expect("a transaction");
        let (start, mut second) = (app.now(), 0_i64);
        Job::RotateSecrets.enqueue(&mut tx, start).await.expect("queued");
        // Each claim ever made, oldest first; only the last can be good.
        let mut holders: Vec<Holder> = Vec::new();
        let mut is_there = true;
        for _ in 0..60 {
            let now = start + TimeDelta::seconds(second);
            match chance.below(5) {
                0 => {
                    // Clocks of servers differ, by up to an hour.
                    second += [1, 5, 31, -3600, 3600][chance.below(5)];
                }
                1 => {
                    let until = second + 30;
                    let claimed = jobs::claim(&mut tx, now, now + TimeDelta::seconds(30), many).await.expect("asked");
                    let is_free = holders.last().is_none_or(|last| last.until <= second);
                    assert_eq!(claimed.is_some(), is_there && is_free, "seed {seed}: {holders:?} at {second}");
                    holders.extend(claimed.map(|job| Holder { lease: job.lease(), until }));
                }
                2 | 3 if !holders.is_empty() => {
                    let index = chance.below(holders.len());
                    let is_last = index + 1 == holders.len() && is_there;
                    let until = now + TimeDelta::seconds(30);
                    let renewed = jobs::renew(&mut tx, holders[index].lease, until).await.expect("asked");
                    let held = jobs::hold(&mut tx, holders[index].lease).await.expect("asked");
                    assert_eq!((renewed, held), (is_last, is_last), "seed {seed}: {index} of {holders:?}");
                    if is_last {
                        holders[index].until = second + 30;
                    }
                }
                _ if !holders.is_empty() && chance.below(6) == 0 => {
                    let index = chance.below(holders.len());
                    jobs::finish(&mut tx, holders[index].lease).await.expect("asked");
                    is_there &= index + 1 != holders.len();
                    let job = Job::RotateSecrets;
                    assert_eq!(job.is_unfinished(&mut tx).await.expect("asked"), is_there, "seed {seed}");
                }
                _ => {}
            }
        }
    }
}

/// The job of a deployment, and the deployment, as the model has them.
struct Modelled {
    status: DeploymentStatus,
    /// The lease that is good, and until when.
    good: Option<(Lease, DateTime<Utc>)>,
    /// When the job is due again that nobody holds; `None` when it is held or done.
    due: Option<DateTime<Utc>>,
}

/// Three workers at one deployment. What each believes to hold it may have lost long ago: it was frozen, or its clock stood.
struct Workshop {
    tx: Tx,
    id: DeploymentId,
    now: DateTime<Utc>,
    believed: [Option<Lease>; 3],
    modelled: Modelled,
}

impl Workshop {
    fn is_good(&self, lease: Lease) -> bool {
        self.modelled.good.is_some_and(|(good, _)| good == lease)
    }

    async fn claim(&mut self, worker: usize) {
        let many = Concurrency { per_project: 9, background: 9 };
        let until = self.now + TimeDelta::seconds(30);
        let claimed = jobs::claim(&mut self.tx, self.now, until, many).await.expect("asked");
        let lapsed = self.modelled.good.is_some_and(|(_, until)| until <= self.now);
        let is_free = self.modelled.due.is_some_and(|due| due <= self.now) || lapsed;
        assert_eq!(claimed.is_some(), is_free, "at {}", self.now);
        let Some(job) = claimed else { return };
        self.believed[worker] = Some(job.lease());
        self.modelled.good = Some((job.lease(), until));
        self.modelled.due = None;
    }

    async fn renew(&mut self, lease: Lease) {
        let until = self.now + TimeDelta::seconds(30);
        let renewed = jobs::renew(&mut self.tx, lease, until).await.expect("asked");
        assert_eq!(renewed, self.is_good(lease), "nobody renews what is another's");
        if renewed {
            self.modelled.good = Some((lease, until));
        }
    }

    /// Ends the deployment as its job does: under the lease, and only what is on its way.
    async fn deploy(&mut self, lease: Lease) {
        let held = jobs::hold(&mut self.tx, lease).await.expect("asked");
        assert_eq!(held, self.is_good(lease), "nobody ends what is another's");
        if held {
            self.step(DeploymentStatus::Deployed).await;
            jobs::finish(&mut self.tx, lease).await.expect("finished");
            (self.modelled.good, self.modelled.due) = (None, None);
        }
    }

    /// Puts the job back, because it failed for now or because its server stops.
    async fn put_back(&mut self, lease: Lease, failed: bool) {
        let later = self.now + TimeDelta::seconds(5);
        match failed {
            true => jobs::retry(&mut self.tx, lease, later, TimeDelta::zero(), "a fault").await.expect("asked"),
            false => jobs::release(&mut self.tx, lease).await.expect("asked"),
        }
        if self.is_good(lease) {
            self.modelled.good = None;
            self.modelled.due = Some(if failed { later } else { self.now });
        }
    }

    async fn step(&mut self, to: DeploymentStatus) {
        let step = Step::new(DeploymentStatus::Deploying, to);
        let taken = deployments::take_step(&mut self.tx, self.id, step, self.now).await.expect("asked");
        assert_eq!(taken, self.modelled.status == DeploymentStatus::Deploying, "a final state stays");
        if taken {
            self.modelled.status = to;
        }
    }
}

#[tokio::test]
async fn no_interleaving_of_three_workers_and_a_person_ends_a_deployment_twice() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.run_jobs().await;
    let id = app.upload(&ada, &project, &Site::page("one")).await;
    let mut ends = BTreeMap::new();
    for seed in 0..150 {
        let chance = Chance::of(seed);
        let tx = app.context.db.begin().await.expect("a transaction");
        let modelled = Modelled { status: DeploymentStatus::Deploying, good: None, due: Some(app.now()) };
        let mut shop = Workshop { tx, id, now: app.now(), believed: [None; 3], modelled };
        for _ in 0..40 {
            let worker = chance.below(3);
            match (chance.below(16), shop.believed[worker]) {
                (0..3, _) => shop.now += TimeDelta::seconds([1, 11, 31][chance.below(3)]),
                (3, _) if chance.below(4) == 0 => shop.step(DeploymentStatus::Cancelled).await,
                (4, _) if chance.below(6) == 0 => shop.step(DeploymentStatus::Failed).await,
                (_, None) => shop.claim(worker).await,
                (5..9, Some(lease)) => shop.renew(lease).await,
                (9, Some(lease)) => shop.deploy(lease).await,
                (action @ 10..12, Some(lease)) => shop.put_back(lease, action == 10).await,
                (12, Some(_)) => shop.believed[worker] = None,
                // Frozen.
                _ => {}
            }
            let status = deployments::get_status(&mut shop.tx, id).await.expect("asked");
            assert_eq!(status, Some(shop.modelled.status), "seed {seed}");
        }
        *ends.entry(shop.modelled.status.as_str()).or_insert(0) += 1;
        // Nothing is committed: the next seed begins where this one did.
    }
    assert!(["deployed", "cancelled", "failed"].iter().all(|end| ends.contains_key(end)), "{ends:?}");
}
