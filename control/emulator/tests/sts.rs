//! Temporary keys of roles, and clients that renew them.

use std::sync::Arc;

use chrono::TimeDelta;
use miaobu_aliyun::credentials::{IssueCredentials as _, Refreshed};
use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::GetKvAccount;
use miaobu_aliyun::oss::{Attributes, Bucket, GetOptions, Location, Payload};
use miaobu_aliyun::sts::{AssumeRole, AssumeRoleIssuer, Sts};
use miaobu_aliyun::{Credentials, ErrorKind, Settings};

use crate::support::{KEY, World};

fn role(duration_seconds: u32) -> AssumeRole {
    AssumeRole {
        role_arn: "acs:ram::1234567890123456:role/edge".into(),
        role_session_name: "miaobu".into(),
        duration_seconds: Some(duration_seconds),
        policy: None,
    }
}

fn sts(world: &World) -> Sts {
    Sts::new(&world.emulator.sts(), world.settings(Credentials::new(KEY.0, KEY.1))).unwrap()
}

fn issued(world: &World) -> u64 {
    world.emulator.faults().calls().get(&["sts".to_owned(), "AssumeRole".to_owned()]).copied().unwrap_or_default()
}

#[tokio::test]
async fn a_client_of_a_role_asks_for_new_keys_before_the_old_ones_end_and_when_they_are_refused() {
    let world = World::new().await;
    world.bucket().await;
    let issuer = AssumeRoleIssuer::new(sts(&world), role(900));
    let credentials = Arc::new(Refreshed::new(issuer, world.ambient.clone()));
    let settings = Settings { credentials, ..world.settings(Credentials::new("", "")) };
    let esa = Esa::new(&world.emulator.esa(), settings.clone()).unwrap();
    let (endpoint, region) = (world.emulator.oss(), "cn-hangzhou".to_owned());
    let location = Location { endpoint, region, bucket: "sites".into(), ..Location::default() };
    let bucket = Bucket::new(location, settings).unwrap();
    for (minutes, calls) in [(0, 1), (9, 1), (2, 2), (20, 3)] {
        world.ambient.pass(TimeDelta::minutes(minutes));
        esa.call(&GetKvAccount {}).await.unwrap();
        bucket.put("a", &Payload::from("b".to_owned()), &Attributes::default()).await.unwrap();
        assert_eq!(bucket.read("a", &GetOptions::default()).await.unwrap(), "b");
        assert_eq!(issued(&world), calls, "after {minutes} minutes more");
    }
}

#[tokio::test]
async fn keys_end_when_they_say_and_hold_after_a_restart_until_then() {
    let world = World::new().await;
    world.bucket().await;
    let temporary = AssumeRoleIssuer::new(sts(&world), role(900)).issue().await.unwrap();
    assert!(temporary.access_key_id.starts_with("STS."), "{temporary:?}");
    let world = world.restart().await;
    world.ambient.pass(TimeDelta::minutes(14));
    world.esa_as(temporary.clone()).call(&GetKvAccount {}).await.unwrap();
    world.bucket_as(temporary.clone()).list_all("").await.unwrap();
    world.ambient.pass(TimeDelta::minutes(1));
    let error = world.esa_as(temporary.clone()).call(&GetKvAccount {}).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Expired, Some("InvalidSecurityToken.Expired")));
    let error = world.bucket_as(temporary).list_all("").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Expired, Some("SecurityTokenExpired")));
}

#[tokio::test]
async fn a_token_that_was_changed_or_is_another_keys_is_refused() {
    let world = World::new().await;
    let key = async || AssumeRoleIssuer::new(sts(&world), role(900)).issue().await.unwrap();
    let (one, other) = (key().await, key().await);
    let token = |key: &Credentials| key.security_token.as_ref().unwrap().reveal().to_owned();
    let (end, rest) = token(&one).split_once('.').map(|(end, rest)| (end.to_owned(), rest.to_owned())).unwrap();
    let longer = format!("{}.{rest}", end.parse::<i64>().unwrap() + 1);
    for token in [token(&other), longer, "x".to_owned()] {
        let error = world.esa_as(one.clone().with_security_token(token)).call(&GetKvAccount {}).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some("InvalidSecurityToken.Malformed"));
    }
}

#[tokio::test]
async fn what_is_no_role_is_told() {
    let world = World::new().await;
    let named =
        |arn: &str, session: &str| AssumeRole { role_arn: arn.into(), role_session_name: session.into(), ..role(900) };
    for (request, code) in [
        (named("role/edge", "miaobu"), "InvalidParameter.RoleArn"),
        (named("acs:ram::1:role/edge", "a b"), "InvalidParameter.RoleSessionName"),
        (role(899), "InvalidParameter.DurationSeconds"),
        (AssumeRole { policy: Some("{".into()), ..role(900) }, "InvalidParameter.PolicyGrammar"),
    ] {
        let error = sts(&world).call(&request).await.unwrap_err();
        assert_eq!((error.status, error.code.as_deref()), (Some(400), Some(code)));
    }
}
