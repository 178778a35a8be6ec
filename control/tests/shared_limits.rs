//! Rate limits that servers share through a real Redis.

use std::time::Duration;

use chrono::TimeDelta;
use miaobu_control::service::{Quota, Verdict};
use rustix::process::Signal;

use crate::support::TestApp;
use crate::support::process::{Process, command};
use crate::support::redis::{Redis, limits_at};

/// One request is forgotten after hours, so that no machine is too slow for the counts.
const DAILY: Quota = Quota { name: "daily", requests: 12, window: TimeDelta::days(1) };

async fn count(app: &TestApp, quota: Quota, caller: &str) -> Verdict {
    app.services.gate.count(&[(quota, caller)]).await[0]
}

fn shape(verdicts: &[Verdict]) -> Vec<(u32, bool)> {
    verdicts.iter().map(|verdict| (verdict.remaining, verdict.retry_after.is_some())).collect()
}

#[tokio::test]
async fn two_servers_count_one_caller_together_and_as_one_would_alone() {
    let Some(mut redis) = Redis::new() else { return };
    redis.start();
    let (first, second) = (TestApp::sharing(redis.limits()).await, TestApp::sharing(redis.limits()).await);
    let alone = TestApp::new().await;
    for app in [&first, &second] {
        assert!(app.services.gate.shared_limits().expect("shared limits").connect().await);
    }
    let (mut shared, mut own) = (Vec::new(), Vec::new());
    for round in 0..14 {
        shared.push(count(if round % 2 == 0 { &first } else { &second }, DAILY, "ada").await);
        own.push(count(&alone, DAILY, "ada").await);
    }
    assert_eq!(shape(&shared), shape(&own));
    let wait = shared[13].retry_after.expect("refused");
    assert!(wait <= TimeDelta::hours(2) && wait > TimeDelta::hours(1), "{wait}");
    assert_eq!(count(&second, DAILY, "bob").await.remaining, 11, "another caller has a bucket of its own");
    let both = first.services.gate.count(&[(Quota { name: "other", ..DAILY }, "ada"), (DAILY, "bob")]).await;
    assert_eq!(shape(&both), [(11, false), (10, false)], "several quotas are counted in one question");
    assert_eq!(first.services.gate.shared_limits().map(|shared| shared.missed()), Some(0));
}

#[tokio::test]
async fn requests_that_come_at_once_are_not_counted_twice_or_forgotten() {
    let Some(mut redis) = Redis::new() else { return };
    redis.start();
    let apps = [TestApp::sharing(redis.limits()).await, TestApp::sharing(redis.limits()).await];
    for app in &apps {
        assert!(app.services.gate.shared_limits().expect("shared limits").connect().await);
    }
    let asked = (0..100).map(|number| count(&apps[number % 2], DAILY, "ada"));
    let verdicts = futures_util::future::join_all(asked).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.retry_after.is_none()).count(), 12);
}

#[tokio::test]
async fn a_redis_that_is_away_lets_requests_pass_and_each_server_counts_alone() {
    let Some(mut redis) = Redis::new() else { return };
    let app = TestApp::sharing(redis.limits()).await;
    let shared = app.services.gate.shared_limits().expect("shared limits").clone();
    assert!(!shared.connect().await, "it does not run yet");
    let mut own = Vec::new();
    for _ in 0..13 {
        own.push(count(&app, DAILY, "ada").await);
    }
    assert_eq!((own[0].remaining, own[11].retry_after, own[12].retry_after.is_some()), (11, None, true));
    assert_eq!(shared.missed(), 13);

    redis.start();
    assert!(shared.connect().await);
    assert_eq!(count(&app, DAILY, "ada").await.remaining, 11, "the shared bucket is another one");
    redis.kill();
    assert_eq!(count(&app, DAILY, "bob").await.remaining, 11);
    assert!(!shared.is_connected());
    assert_eq!(count(&app, DAILY, "bob").await.remaining, 10, "this server goes on alone");

    redis.start();
    assert!(shared.connect().await, "and comes back");
    assert_eq!(count(&app, DAILY, "bob").await.remaining, 11);
    assert_eq!(shared.missed(), 15);
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_not_waited_for() {
    let Some(mut redis) = Redis::new() else { return };
    redis.start();
    let patient = redis.limits();
    assert!(patient.connect().await, "a connection is made while it answers");
    let app = TestApp::sharing(patient.within(Duration::from_millis(50))).await;
    redis.signal(Signal::STOP);
    assert_eq!(count(&app, DAILY, "ada").await.remaining, 11);
    assert!(
        !app.services.gate.shared_limits().expect("shared limits").is_connected(),
        "the next one does not even ask"
    );
    redis.signal(Signal::CONT);
    assert!(patient.connect().await);
}

#[tokio::test]
async fn a_redis_is_reached_by_tls_when_its_certificate_is_signed_by_whom_the_address_names() {
    let Some(redis) = Redis::new() else { return };
    let mut redis = redis.with_tls();
    redis.start();
    let trusting = limits_at(&format!("{}?sslrootcert={}", redis.tls_url(), redis.authority().display()));
    let app = TestApp::sharing(trusting.within(Duration::from_secs(60))).await;
    assert!(app.services.gate.shared_limits().expect("shared limits").connect().await);
    assert_eq!(count(&app, DAILY, "ada").await.remaining, 11);
    assert_eq!(count(&app, DAILY, "ada").await.remaining, 10);
    assert_eq!(trusting.missed(), 0, "both were counted there");
    assert!(!limits_at(&redis.tls_url()).connect().await, "nobody whom browsers trust has signed it");
}

#[test]
fn the_program_goes_on_while_its_redis_goes_and_comes() {
    let Some(mut redis) = Redis::new() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = command(folder.path(), &["serve"]);
    serve.env("MIAOBU_REDIS_URL", redis.url()).env("MIAOBU_LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE", "1000000");
    let mut process = Process::spawn(serve);
    let api = process.line("api").strip_prefix("http://").expect("a URL").to_owned();
    // Each question is counted, and must be answered whatever the Redis does.
    let wait_for = |line: &str| {
        loop {
            let (status, _) = crate::support::process::get(&api, "/api/v1/public/user").expect("an answer");
            assert_eq!(status, 401);
            let (_, metrics) = crate::support::process::get(&api, "/metrics").expect("an answer");
            if metrics.lines().any(|found| found == line) {
                break;
            }
        }
    };
    wait_for("miaobu_limits_shared_up 0");
    redis.start();
    wait_for("miaobu_limits_shared_up 1");
    redis.kill();
    wait_for("miaobu_limits_shared_up 0");
    redis.start();
    wait_for("miaobu_limits_shared_up 1");
}
