//! The same, in the dialect of S3.

use std::sync::Arc;
use std::time::Duration;

use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::oss::{Attributes, Bucket, Dialect, FormPolicy, GetOptions, Location};
use miaobu_aliyun::sign::{UNSIGNED_PAYLOAD, sigv4};
use reqwest::Method;

use super::{attributes, hello, location};
use crate::support::{KEY_ID, KEY_SECRET, Received, Reply, Server, TestAmbient, settings};

fn bucket(server: &Server) -> Bucket {
    let location = Location { dialect: Dialect::S3, region: "eu-west-1".into(), ..location(&server.endpoint()) };
    Bucket::new(location, settings(&Arc::new(TestAmbient::new()))).unwrap()
}

fn is_signed(request: &Received) -> bool {
    let must = |name: &str| matches!(name, "host" | "content-type" | "content-md5") || name.starts_with("x-amz-");
    let authorization = request.header("authorization").unwrap();
    let names = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
    let names: Vec<_> = names.split(';').collect();
    let signed: Vec<_> = request.headers.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect();
    let signer = sigv4::Signer {
        access_key_id: KEY_ID,
        access_key_secret: KEY_SECRET,
        region: "eu-west-1",
        service: "s3",
        time: "2026-01-15T08:30:00Z".parse().unwrap(),
    };
    let again = sigv4::Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &signed,
        payload: UNSIGNED_PAYLOAD,
    };
    let all = request.headers.iter().all(|(name, _)| !must(name) || names.contains(&name.as_str()));
    all && authorization == signer.authorization(&again)
}

#[tokio::test]
async fn requests_are_signed_and_named_as_s3_wants_them() {
    let deleted = "<DeleteResult><Deleted><Key>a b</Key></Deleted></DeleteResult>";
    let server =
        Server::script([Reply::ok("").with("etag", "\"e\""), Reply::ok("x"), Reply::ok(deleted), Reply::ok("")]).await;
    let bucket = bucket(&server);
    let only_new = Attributes { forbid_overwrite: true, ..attributes() };
    assert_eq!(bucket.put("a b/你", &hello(), &only_new).await.unwrap().etag, "\"e\"");
    assert_eq!(bucket.read("a", &GetOptions::default()).await.unwrap(), "x");
    bucket.delete_all(&["a b"]).await.unwrap();
    bucket.create().await.unwrap();
    let received = server.received();
    assert!(received.iter().all(is_signed), "{received:#?}");
    assert!(received.iter().all(|request| request.headers.iter().all(|(name, _)| !name.starts_with("x-oss-"))));
    assert_eq!(received[0].header("x-amz-meta-deployment"), Some("7"));
    assert_eq!(received[0].header("if-none-match"), Some("*"));
    assert!(received[3].text().contains("<LocationConstraint>eu-west-1</LocationConstraint>"));
}

#[tokio::test]
async fn a_refusal_of_s3_is_understood() {
    let refused =
        Reply::status(404, "<Error><Code>NoSuchKey</Code><Message>m</Message><RequestId>Q</RequestId></Error>");
    let server = Server::script([refused, Reply::xml(503, "SlowDown"), Reply::ok("x")]).await;
    let bucket = bucket(&server);
    let error = bucket.read("a", &GetOptions::default()).await.unwrap_err();
    assert_eq!((error.service, error.kind, error.request_id.as_deref()), ("S3", ErrorKind::NotFound, Some("Q")));
    assert_eq!(bucket.read("a", &GetOptions::default()).await.unwrap(), "x");
}

#[tokio::test]
async fn addresses_are_given_away_and_forms_are_not() {
    let server = Server::script([]).await;
    let bucket = bucket(&server);
    let address = bucket.presign(Method::PUT, "a", Duration::from_secs(60), &[]).await.unwrap();
    assert!(address.contains("X-Amz-Expires=60") && address.contains("X-Amz-SignedHeaders=host"), "{address}");
    let policy = FormPolicy { key: "a".into(), size: (0, 1), expires_in: Duration::from_secs(1) };
    assert_eq!(bucket.form(&policy).await.unwrap_err().kind, ErrorKind::Invalid);
}
