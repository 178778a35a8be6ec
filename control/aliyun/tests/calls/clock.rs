//! A clock that is off.

use miaobu_aliyun::ErrorKind;

use super::World;
use crate::support::{Reply, acs3_is_signed};

fn too_old() -> Reply {
    Reply::refusal(400, "InvalidTimeStamp.Expired").with("date", "Thu, 15 Jan 2026 10:00:00 GMT")
}

fn dates(world: &World) -> Vec<String> {
    world.server.received().iter().map(|request| request.header("x-acs-date").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_by_the_services_and_stays_so() {
    let world = World::new([too_old(), Reply::ok(r#"{"NamespaceId":"1"}"#), Reply::ok("{}")]).await;
    assert_eq!(world.unsafe_().await.unwrap(), "1");
    world.ambient.set("2026-01-15T08:31:00Z".parse().unwrap());
    world.safe().await.unwrap();
    assert_eq!(dates(&world), ["2026-01-15T08:30:00Z", "2026-01-15T10:00:00Z", "2026-01-15T10:01:00Z"]);
    assert!(world.server.received().iter().all(acs3_is_signed));
    assert!(world.ambient.pauses().is_empty(), "there is nothing to wait for");
}

#[tokio::test]
async fn a_service_that_never_agrees_about_the_time_is_asked_twice() {
    let world = World::new([too_old(), too_old(), too_old()]).await;
    assert_eq!(world.safe().await.unwrap_err().kind, ErrorKind::Skewed);
    assert_eq!(world.server.received().len(), 2);
}

#[tokio::test]
async fn a_service_that_does_not_tell_its_time_is_not_asked_again() {
    let world = World::new([Reply::refusal(400, "InvalidTimeStamp.Expired"), Reply::ok("{}")]).await;
    assert_eq!(world.safe().await.unwrap_err().kind, ErrorKind::Skewed);
    assert_eq!(world.server.received().len(), 1);
}
