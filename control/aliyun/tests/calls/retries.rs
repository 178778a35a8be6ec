//! What is tried again, and what must not be.

use std::time::Duration;

use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::GetKvAccount;
use miaobu_aliyun::{Credentials, ErrorKind, Settings};

use super::World;
use crate::support::{Reply, acs3_is_signed, settings};

/// What leaves open whether the call was carried out.
fn unclear() -> Vec<(&'static str, Reply)> {
    vec![
        ("an answer that is cut short", Reply::Truncated(br#"{"Length":1"#.to_vec())),
        ("an answer that stops", Reply::Stalled(br#"{"Length":1"#.to_vec())),
        ("no answer", Reply::Silence),
        ("a connection that closes", Reply::Close),
        ("an answer of something else", Reply::ok("<html>Welcome to this network</html>")),
        ("a service that is broken", Reply::refusal(500, "InternalError")),
        ("a service that says so with another status", Reply::refusal(400, "InternalException")),
        ("a gateway without a service", Reply::status(502, "bad gateway")),
    ]
}

/// What says that nothing was done.
fn refused() -> Vec<Reply> {
    vec![
        Reply::refusal(400, "Throttling.User"),
        Reply::refusal(429, "TooQuickRequests"),
        Reply::refusal(400, "TooManyRequests"),
        Reply::refusal(400, "Site.ServiceBusy"),
        Reply::refusal(400, "LockFailed"),
        Reply::refusal(503, "ServiceUnavailable").with("x-acs-retry-after", "20"),
    ]
}

#[tokio::test]
async fn a_call_that_changes_nothing_the_second_time_is_repeated_whatever_happened() {
    for (what, reply) in unclear() {
        let world = World::new([reply, Reply::ok(r#"{"Length":"1"}"#)]).await;
        assert_eq!(world.safe().await.unwrap(), 1, "{what}");
        let received = world.server.received();
        assert_eq!(received.len(), 2, "{what}");
        assert!(received.iter().all(acs3_is_signed), "{what}");
        let nonces: Vec<_> = received.iter().map(|request| request.header("x-acs-signature-nonce")).collect();
        assert_ne!(nonces[0], nonces[1], "a nonce is used once: {what}");
    }
}

#[tokio::test]
async fn a_call_that_may_have_happened_is_never_repeated_when_that_would_make_a_difference() {
    for (what, reply) in unclear() {
        let world = World::new([reply, Reply::ok(r#"{"NamespaceId":"1"}"#)]).await;
        let error = world.unsafe_().await.unwrap_err();
        assert!(error.may_have_happened() && error.is_retryable(), "{what}: {error:?}");
        assert_eq!(world.server.received().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_call_that_was_turned_away_is_repeated_also_when_a_second_time_would_make_a_difference() {
    for reply in refused() {
        let world = World::new([reply.clone(), Reply::ok(r#"{"NamespaceId":"1"}"#)]).await;
        assert_eq!(world.unsafe_().await.unwrap(), "1", "{reply:?}");
        assert_eq!(world.ambient.pauses().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn what_the_service_will_never_accept_is_not_repeated() {
    for code in ["InvalidParameter", "Forbidden.RAM", "InvalidNameSpace.Duplicate", "InvalidKey.NotFound"] {
        let world = World::new([Reply::refusal(400, code), Reply::ok("{}")]).await;
        assert!(world.safe().await.unwrap_err().has_code(code));
        assert_eq!(world.server.received().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn pauses_grow_and_are_never_the_same_for_all() {
    let world = World::new(vec![Reply::refusal(400, "Throttling"); 9]).await;
    let error = world.safe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(world.server.received().len(), 4, "as many attempts as the settings say");
    let pauses = world.ambient.pauses();
    assert_eq!(pauses.len(), 3);
    for (pause, most) in pauses.iter().zip([400, 800, 1600]) {
        let (least, most) = (Duration::from_millis(most / 2), Duration::from_millis(most));
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
    // The numbers that are drawn count up, so that each pause is a little more than half of the most it can be.
    assert!(pauses[0] > Duration::from_millis(200), "{pauses:?}");
}

#[tokio::test]
async fn a_service_that_says_how_long_to_wait_is_listened_to() {
    for (header, value, least) in [("x-acs-retry-after", "3500", 3500), ("retry-after", "7", 7000)] {
        let throttled = Reply::refusal(429, "Throttling.User").with(header, value);
        let world = World::new([throttled, Reply::ok("{}")]).await;
        world.safe().await.unwrap();
        let pauses = world.ambient.pauses();
        assert!(pauses[0] > Duration::from_millis(least), "{header}: {pauses:?}");
    }
    let world = World::new([Reply::refusal(429, "Throttling").with("retry-after", "999999"), Reply::ok("{}")]).await;
    world.safe().await.unwrap();
    assert!(world.ambient.pauses()[0] < Duration::from_secs(30), "and not to one who has lost all measure");
}

#[tokio::test]
async fn a_service_out_of_reach_is_tried_again_by_every_call() {
    let world = World::new([]).await;
    // Bound, so that nobody else gets the port, but not listening.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let gone = nobody.local_addr().unwrap();
    let world = World { esa: Esa::new(&format!("http://{gone}"), settings(&world.ambient)).unwrap(), ..world };
    let error = world.unsafe_().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(!error.may_have_happened());
    assert_eq!(world.ambient.pauses().len(), 3);
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let world = World::new(vec![Reply::ok(vec![b' '; 65 * 1024 * 1024]); 1]).await;
    let error = world.unsafe_().await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[test]
fn an_endpoint_that_is_no_address_is_refused_with_its_name() {
    let error = Esa::new("esa.example.com/v1", Settings::new(Credentials::new("a", "b"))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("\"esa.example.com/v1\""), "{error}");
}

#[tokio::test]
async fn an_answer_without_a_body_is_one_that_says_nothing() {
    let world = World::new([Reply::status(204, "")]).await;
    assert_eq!(world.esa.call(&GetKvAccount {}).await.unwrap().namespace_used, 0);
}
