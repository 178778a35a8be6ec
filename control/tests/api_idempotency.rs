//! A request that is sent again does its work once, whoever dies or goes away in between.

use chrono::TimeDelta;
use futures_util::poll;
use miaobu_control::domain::{Actor, Claim, ProjectSettings, Sha256};
use miaobu_control::service::{Begun, Error, NewProject, Services};
use serde_json::json;

use crate::api_support::{Answer, Api};
use crate::support::TestApp;

const PROJECTS: &str = "/api/v1/public/projects";

async fn make(api: &Api, slug: &str) -> Answer {
    let call = api.as_user("POST", PROJECTS).json(&json!({ "slug": slug }));
    call.header("idempotency-key", &format!("key of {slug}").replace(' ', "-")).send().await
}

#[tokio::test]
async fn a_caller_who_goes_away_at_any_moment_finds_the_answer_when_it_asks_again() {
    let api = Api::new().await;
    let mut replayed = 0;
    for moment in 0..40 {
        let slug = format!("shop-{moment}");
        {
            let mut call = std::pin::pin!(make(&api, &slug));
            for _ in 0..moment {
                if poll!(call.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let answer = loop {
            let answer = make(&api, &slug).await;
            if answer.status != 409 || answer.code() != "idempotency_key_in_use" {
                break answer;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((answer.status, answer.json()["data"]["slug"].as_str()), (201, Some(slug.as_str())), "{moment}");
        replayed += usize::from(answer.header("idempotency-replayed") == "true");
    }
    assert!(replayed > 0, "no caller left after its request had begun");
}

fn new_project(slug: &str) -> NewProject {
    NewProject { slug: slug.to_owned(), settings: ProjectSettings::default(), team: None }
}

/// The actor of a request that was begun with a key.
fn claiming(actor: &Actor, claim: &Claim) -> Actor {
    let actor = Actor { subject: Default::default(), ..actor.clone() };
    actor.subject.claim_as(claim.clone());
    actor
}

#[tokio::test]
async fn a_request_that_was_taken_for_dead_changes_nothing_any_more() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    // Two servers over one database.
    let other = Services::open(app.context.clone()).expect("services");
    let scope = Sha256::of(b"ada, the route and the key");
    let Begun::First(slow) = app.services.gate.begin(scope, false).await.expect("begun") else { panic!("it is new") };
    let refused = other.gate.begin(scope, false).await.expect_err("the first one runs");
    assert!(matches!(refused, Error::Conflict { code: "idempotency_key_in_use", .. }), "{refused:?}");
    app.advance(TimeDelta::minutes(3));
    let Begun::First(again) = other.gate.begin(scope, false).await.expect("begun") else { panic!("its time was up") };

    let late = app.services.projects.create(&claiming(&ada, slow.claim()), new_project("shop")).await;
    assert!(matches!(late, Err(Error::Conflict { code: "idempotency_key_in_use", .. })), "{late:?}");
    other.projects.create(&claiming(&ada, again.claim()), new_project("shop")).await.expect("the name is free");
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_again_only_where_that_does_no_harm() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let scope = Sha256::of(b"ada, the route and the key");
    let Begun::First(first) = app.services.gate.begin(scope, false).await.expect("begun") else { panic!("it is new") };
    app.services.projects.create(&claiming(&ada, first.claim()), new_project("shop")).await.expect("made");
    let running = Services::open(app.context.clone()).expect("services").gate.begin(scope, true).await;
    assert!(matches!(running, Err(Error::Conflict { code: "idempotency_key_in_use", .. })), "{running:?}");
    // As when the task that was to keep the answer is gone.
    drop(first);
    let lost = app.services.gate.begin(scope, false).await;
    assert!(matches!(lost, Err(Error::Conflict { code: "idempotency_answer_lost", .. })), "{lost:?}");
    assert!(matches!(app.services.gate.begin(scope, true).await, Ok(Begun::First(_))));
}
