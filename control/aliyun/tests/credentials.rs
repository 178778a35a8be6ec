//! Lasting, from the environment, temporary.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use miaobu_aliyun::credentials::{IssueCredentials, ProvideCredentials, Refreshed, Secret};
use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::GetKvAccount;
use miaobu_aliyun::sts::{AssumeRole, AssumeRoleIssuer, Sts};
use miaobu_aliyun::{Ambient as _, Credentials, Error, ErrorKind, Settings};

use crate::support::{Reply, Server, TestAmbient, acs3_is_signed, settings};

#[test]
fn the_environment_gives_what_the_vendors_tools_read() {
    let from = |pairs: &'static [(&str, &str)]| {
        Credentials::from_variables(|wanted| {
            pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        })
    };
    let key = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id");
    let lasting = from(&[
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    ]);
    assert_eq!(lasting.unwrap(), Credentials::new(key.1, "secret"));
    let temporary = from(&[
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "token"),
    ]);
    assert_eq!(temporary.unwrap(), Credentials::new("id", "secret").with_security_token("token"));
    let missing = from(&[("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")]);
    let error = missing.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), "{error}");
}

#[test]
fn a_secret_does_not_print() {
    let printed = format!("{:?}", Credentials::new("id", "hush").with_security_token("hush"));
    assert!(printed.contains("id") && !printed.contains("hush"), "{printed}");
}

/// Issues credentials of an hour, numbered, until it is told to fail.
#[derive(Debug)]
struct Numbered {
    ambient: Arc<TestAmbient>,
    issued: Arc<AtomicU32>,
    fails_from: u32,
}

#[async_trait]
impl IssueCredentials for Numbered {
    async fn issue(&self) -> Result<Credentials, Error> {
        let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::task::yield_now().await;
        if number >= self.fails_from {
            return Err(Error::new("STS", "AssumeRole", ErrorKind::Failing, "down"));
        }
        let expires_at = Some(self.ambient.now() + TimeDelta::hours(1));
        Ok(Credentials { expires_at, ..Credentials::new(format!("key-{number}"), "s").with_security_token("t") })
    }
}

struct World {
    ambient: Arc<TestAmbient>,
    issued: Arc<AtomicU32>,
    refreshed: Refreshed<Numbered>,
}

fn world(fails_from: u32) -> World {
    let ambient = Arc::new(TestAmbient::new());
    let issued = Arc::new(AtomicU32::new(0));
    let issuer = Numbered { ambient: ambient.clone(), issued: issued.clone(), fails_from };
    World { refreshed: Refreshed::new(issuer, ambient.clone()), ambient, issued }
}

impl World {
    async fn key(&self) -> String {
        self.refreshed.credentials().await.unwrap().access_key_id
    }

    fn pass(&self, minutes: i64) {
        let now: DateTime<Utc> = self.ambient.now();
        self.ambient.set(now + TimeDelta::minutes(minutes));
    }
}

#[tokio::test]
async fn temporary_credentials_are_kept_until_shortly_before_their_end() {
    let world = world(99);
    assert_eq!(world.key().await, "key-1");
    world.pass(54);
    assert_eq!(world.key().await, "key-1");
    world.pass(2);
    assert_eq!(world.key().await, "key-2");
}

#[tokio::test]
async fn many_callers_cause_one_issue() {
    let world = world(99);
    let keys = futures_util::future::join_all((0..20).map(|_| world.key())).await;
    assert!(keys.iter().all(|key| key == "key-1"), "{keys:?}");
    assert_eq!(world.issued.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn credentials_that_cannot_be_renewed_are_used_to_their_end() {
    let world = world(2);
    assert_eq!(world.key().await, "key-1");
    world.pass(58);
    assert_eq!(world.key().await, "key-1");
    world.pass(3);
    assert_eq!(world.refreshed.credentials().await.unwrap_err().kind, ErrorKind::Failing);
}

#[tokio::test]
async fn credentials_that_a_service_refuses_as_expired_are_issued_anew() {
    let server = Server::script([Reply::refusal(400, "InvalidSecurityToken.Expired"), Reply::ok("{}")]).await;
    let World { ambient, refreshed, .. } = world(99);
    let settings = Settings { credentials: Arc::new(refreshed), ..settings(&ambient) };
    Esa::new(&server.endpoint(), settings).unwrap().call(&GetKvAccount {}).await.unwrap();
    let received = server.received();
    let keys: Vec<_> = received.iter().map(|request| request.header("x-acs-accesskey-id")).collect();
    assert_eq!(keys, [Some("key-1"), Some("key-2")]);
    assert!(received.iter().all(|request| request.header("x-acs-security-token") == Some("t")));
}

#[tokio::test]
async fn a_role_is_assumed_with_a_signed_call() {
    let answer = r#"{"RequestId":"r","AssumedRoleUser":{"Arn":"a","AssumedRoleId":"i"},"Credentials":{
        "AccessKeyId":"STS.key","AccessKeySecret":"secret","SecurityToken":"token","Expiration":"2026-01-15T09:30:00Z"}}"#;
    let server = Server::script([Reply::ok(answer)]).await;
    let ambient = Arc::new(TestAmbient::new());
    let sts = Sts::new(&server.endpoint(), settings(&ambient)).unwrap();
    let request = AssumeRole {
        role_arn: "acs:ram::1:role/edge".into(),
        role_session_name: "miaobu".into(),
        duration_seconds: Some(900),
        policy: None,
    };
    let credentials = AssumeRoleIssuer::new(sts, request).issue().await.unwrap();
    assert_eq!(credentials.access_key_id, "STS.key");
    assert_eq!(credentials.access_key_secret, Secret::new("secret"));
    assert_eq!(credentials.security_token, Some(Secret::new("token")));
    assert_eq!(credentials.expires_at, Some("2026-01-15T09:30:00Z".parse().unwrap()));
    let [call] = &server.received()[..] else { panic!("one call") };
    assert_eq!((call.action(), call.header("x-acs-version")), ("AssumeRole", Some("2015-04-01")));
    assert_eq!(call.parameter("DurationSeconds"), Some("900"));
    assert!(acs3_is_signed(call));
}
