//! Who is let in, and who is not.

use std::time::Duration;

use chrono::TimeDelta;
use miaobu_aliyun::esa::kv::GetKvAccount;
use miaobu_aliyun::oss::{GetOptions, Payload};
use miaobu_aliyun::sign::{acs3, sha256_hex};
use miaobu_aliyun::{Ambient as _, Credentials, ErrorKind, Patience, Settings};
use reqwest::Method;

use crate::support::{KEY, TestAmbient, World};

fn strangers() -> [(Credentials, &'static str, &'static str); 4] {
    [
        (Credentials::new("nobody", KEY.1), "InvalidAccessKeyId", "InvalidAccessKeyId.NotFound"),
        (Credentials::new(KEY.0, "wrong"), "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
        (Credentials::new("STS.key", "temporary"), "InvalidSecurityToken", "InvalidSecurityToken.Malformed"),
        (
            Credentials::new("STS.key", "temporary").with_security_token("another"),
            "InvalidSecurityToken",
            "InvalidSecurityToken.Malformed",
        ),
    ]
}

#[tokio::test]
async fn strangers_are_refused_with_the_codes_of_the_services() {
    let world = World::new().await;
    world.bucket().await;
    for (credentials, oss, esa) in strangers() {
        let error = world.bucket_as(credentials.clone()).list_all("").await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, Some(oss)));
        assert!(error.request_id.is_some());
        let error = world.esa_as(credentials).call(&GetKvAccount {}).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, Some(esa)));
        assert!(error.request_id.is_some());
    }
}

#[tokio::test]
async fn temporary_credentials_come_with_their_token() {
    let world = World::new().await;
    world.bucket().await;
    let temporary = || Credentials::new("STS.key", "temporary").with_security_token("token");
    world.bucket_as(temporary()).list_all("").await.unwrap();
    world.esa_as(temporary()).call(&GetKvAccount {}).await.unwrap();
}

#[tokio::test]
async fn a_client_whose_clock_is_off_is_told_and_corrects_it() {
    let world = World::new().await;
    world.bucket().await;
    let late = TestAmbient::new();
    late.pass(TimeDelta::hours(5));
    let settings = Settings { ambient: late, ..world.settings(Credentials::new(KEY.0, KEY.1)) };
    let once = Settings { patience: Patience { attempts: 1, ..Patience::default() }, ..settings.clone() };
    let esa = |settings| miaobu_aliyun::esa::Esa::new(&world.emulator.esa(), settings).unwrap();
    let error = esa(once).call(&GetKvAccount {}).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Skewed, Some("InvalidTimeStamp.Expired")));
    esa(settings).call(&GetKvAccount {}).await.unwrap();
}

/// Returns a call as it would be sent, with a signature over all of it.
fn signed(world: &World, nonce: &str) -> Vec<(String, String)> {
    let host = world.emulator.esa().replace("http://", "");
    let hash = sha256_hex(b"");
    let headers: Vec<(String, String)> = [
        ("host", host.as_str()),
        ("x-acs-action", "GetKvAccount"),
        ("x-acs-version", "2024-09-10"),
        ("x-acs-date", &world.ambient.now().format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("x-acs-signature-nonce", nonce),
        ("x-acs-content-sha256", &hash),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let request = acs3::Request { method: "GET", path: "/", query: &[], headers: &headers, body_sha256: &hash };
    let authorization = acs3::authorization(&request, KEY.0, KEY.1);
    headers.into_iter().chain([("authorization".to_owned(), authorization)]).collect()
}

async fn send(world: &World, headers: &[(String, String)]) -> (u16, String) {
    let request = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap().get(world.emulator.esa());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_call_is_let_in_once() {
    let world = World::new().await;
    // A client of ours makes TLS ready for the plain one below.
    world.esa().await;
    let call = signed(&world, "one");
    assert_eq!(send(&world, &call).await.0, 200);
    let (status, body) = send(&world, &call).await;
    assert_eq!(status, 400);
    assert!(body.contains("\"Code\":\"SignatureNonceUsed\""), "{body}");
    world.ambient.pass(TimeDelta::minutes(16));
    let (_, body) = send(&world, &call).await;
    assert!(body.contains("InvalidTimeStamp.Expired"), "{body}");
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_refused_with_what_was_signed() {
    let world = World::new().await;
    world.esa().await;
    let mut call = signed(&world, "two");
    call[1].1 = "DeleteKvNamespace".into();
    let (status, body) = send(&world, &call).await;
    assert_eq!(status, 400);
    assert!(body.contains("server CanonicalRequest is [GET") && body.contains("DeleteKvNamespace"), "{body}");
    let mut call = signed(&world, "three");
    call.push(("x-acs-something".into(), "that is not signed".into()));
    let (_, body) = send(&world, &call).await;
    assert!(body.contains("IncompleteSignature"), "{body}");
    let (_, body) = send(&world, &[]).await;
    assert!(body.contains("IncompleteSignature"), "{body}");
}

#[tokio::test]
async fn an_address_is_good_for_what_it_was_made_for_and_as_long() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    bucket.put("a b/你+.txt", &Payload::from("hello".to_owned()), &Default::default()).await.unwrap();
    let address = bucket.presign(Method::GET, "a b/你+.txt", Duration::from_secs(60), &[]).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let get = async |address: &str| {
        let answer = http.get(address).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get(&address).await, (200, "hello".to_owned()));
    let other = http.delete(&address).send().await.unwrap();
    assert_eq!(other.status(), 403, "it was made for fetching");
    assert!(get(&address.replace("%2B.txt", "%2C.txt")).await.1.contains("SignatureDoesNotMatch"));
    assert!(get(&format!("{}/sites/a", world.emulator.oss())).await.1.contains("AccessDenied"), "without a signature");
    world.ambient.pass(TimeDelta::seconds(61));
    assert!(get(&address).await.1.contains("Request has expired."));
}

#[tokio::test]
async fn the_servers_keep_what_they_had() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    bucket.put("kept", &Payload::from("hello".to_owned()), &Default::default()).await.unwrap();
    let world = world.restart().await;
    assert!(world.folder.path().join("oss").is_dir());
    let bucket = world.bucket_as(Credentials::new(KEY.0, KEY.1));
    assert_eq!(bucket.read("kept", &GetOptions::default()).await.unwrap(), "hello");
}
