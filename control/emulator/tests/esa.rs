//! Edge KV.

use std::time::Duration;

use chrono::TimeDelta;
use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::{
    BatchDeleteKv, BatchPutKv, BatchPutKvWithHighCapacity, CreateKvNamespace, DeleteKv, DeleteKvNamespace, GetKv,
    GetKvAccount, GetKvDetail, GetKvNamespace, ListKvs, Pair, PutKv, PutKvWithHighCapacity,
};
use miaobu_aliyun::esa::routine::GetRoutineAccessToken;
use miaobu_aliyun::oss::{Attributes, Payload};
use miaobu_aliyun::{Credentials, Error, ErrorKind};
use reqwest::Method;
use serde_json::json;

use crate::support::{KEY, World};

fn routes() -> String {
    "routes".into()
}

fn entry(key: &str, value: &str) -> PutKv {
    PutKv { namespace: routes(), key: key.into(), value: value.into(), ..PutKv::default() }
}

async fn get(esa: &Esa, key: &str) -> Result<String, Error> {
    esa.call(&GetKv { namespace: routes(), key: key.into(), base64: None }).await.map(|value| value.value)
}

async fn code(result: Result<impl Sized, Error>) -> (ErrorKind, u16, String) {
    let error = result.err().unwrap();
    (error.kind, error.status.unwrap(), error.code.unwrap())
}

#[tokio::test]
async fn a_value_comes_back_as_it_was_stored() {
    let world = World::new().await;
    let esa = world.esa().await;
    let value = "{\"a\": \"b c+é&=\u{1F600}\"}".repeat(40);
    let stored = esa.call(&entry("app.example.com", &value)).await.unwrap();
    assert_eq!(stored.length, value.len() as i64);
    assert_eq!(stored.value.chars().count(), 200, "of a long value only both ends are told");
    assert_eq!(get(&esa, "app.example.com").await.unwrap(), value);
    esa.call(&DeleteKv { namespace: routes(), key: "app.example.com".into() }).await.unwrap();
    let expected = (ErrorKind::NotFound, 404, "InvalidKey.NotFound".to_owned());
    assert_eq!(code(get(&esa, "app.example.com").await).await, expected);
}

#[tokio::test]
async fn values_outlive_the_servers() {
    let world = World::new().await;
    world.esa().await.call(&entry("a", "1")).await.unwrap();
    let world = world.restart().await;
    let esa = world.esa_as(Credentials::new(KEY.0, KEY.1));
    assert_eq!(get(&esa, "a").await.unwrap(), "1");
    let namespace = esa.call(&GetKvNamespace { namespace: routes() }).await.unwrap();
    assert_eq!((namespace.description.as_str(), namespace.capacity_used), ("of sites", 1));
}

#[tokio::test]
async fn a_value_ends_when_it_was_told_to() {
    let world = World::new().await;
    let esa = world.esa().await;
    esa.call(&PutKv { expiration_ttl: Some(60), ..entry("a", "1") }).await.unwrap();
    let detail = || GetKvDetail { namespace: routes(), key: "a".into() };
    world.ambient.pass(TimeDelta::seconds(50));
    assert_eq!(esa.call(&detail()).await.unwrap().expiration_ttl, 10);
    world.ambient.pass(TimeDelta::seconds(10));
    assert!(esa.call(&detail()).await.unwrap_err().is_not_found());
    assert!(esa.call(&PutKv { expiration: Some(1), ..entry("a", "1") }).await.is_err(), "not in the past");
}

#[tokio::test]
async fn keys_and_values_have_their_limits() {
    let world = World::new().await;
    let esa = world.esa().await;
    for key in ["a b", "a/b", "é"] {
        assert_eq!(code(esa.call(&entry(key, "1")).await).await.2, "InvalidKey.Malformed", "{key}");
    }
    let expected = (ErrorKind::Rejected, 400, "InvalidKey.ExceedsMaximum".to_owned());
    assert_eq!(code(esa.call(&entry(&"k".repeat(513), "1")).await).await, expected);
    esa.call(&entry(&"k".repeat(512), &"v".repeat(2_000_000))).await.unwrap();
    let expected = (ErrorKind::Rejected, 400, "InvalidValue.ExceedsMaximum".to_owned());
    assert_eq!(code(esa.call(&entry("a", &"v".repeat(2_000_001))).await).await, expected);
    let missing = PutKv { namespace: "nothing".into(), ..entry("a", "1") };
    let expected = (ErrorKind::NotFound, 404, "InvalidNameSpace.NotFound".to_owned());
    assert_eq!(code(esa.call(&missing).await).await, expected);
}

#[tokio::test]
async fn an_account_has_ten_namespaces() {
    let world = World::new().await;
    let esa = world.esa().await;
    let create = async |name: &str| esa.call(&CreateKvNamespace { namespace: name.into(), description: None }).await;
    let expected = (ErrorKind::Conflict, 406, "InvalidNameSpace.Duplicate".to_owned());
    assert_eq!(code(create("routes").await).await, expected);
    assert_eq!(code(create("a b").await).await.2, "InvalidNameSpace.Malformed");
    for number in 1..10 {
        create(&format!("n{number}")).await.unwrap();
    }
    let expected = (ErrorKind::Full, 406, "InvalidNameSpace.QuotaFull".to_owned());
    assert_eq!(code(create("one-more").await).await, expected);
    let account = esa.call(&GetKvAccount {}).await.unwrap();
    assert_eq!((account.namespace_used, account.namespace_quota, account.namespace_list.len()), (10, 10, 10));
    esa.call(&DeleteKvNamespace { namespace: "n1".into() }).await.unwrap();
    create("one-more").await.unwrap();
}

#[tokio::test]
async fn many_values_are_stored_listed_and_deleted_at_once() {
    let world = World::new().await;
    let esa = world.esa().await;
    let pair = |key: String| Pair { value: format!("of {key}"), key, ..Pair::default() };
    let keys: Vec<_> = (0..250).map(|number| format!("host-{number:03}")).collect();
    let mut kv_list: Vec<_> = keys.iter().cloned().map(pair).collect();
    kv_list.push(pair("not allowed".into()));
    let batch = esa.call(&BatchPutKv { namespace: routes(), kv_list }).await.unwrap();
    assert_eq!((batch.success_keys.len(), batch.fail_keys), (250, vec!["not allowed".to_owned()]));
    let page = async |page_number| {
        let list = ListKvs {
            namespace: routes(),
            prefix: Some("host-".into()),
            page_number: Some(page_number),
            page_size: Some(100),
        };
        esa.call(&list).await.unwrap()
    };
    let third = page(3).await;
    assert_eq!((third.total_count, third.keys.len(), third.keys[0].name.as_str()), (250, 50, "host-200"));
    let batch = esa.call(&BatchDeleteKv { namespace: routes(), keys }).await.unwrap();
    assert_eq!(batch.success_keys.len(), 250);
    assert_eq!(page(1).await.total_count, 0);
    let large =
        BatchPutKv { namespace: routes(), kv_list: vec![Pair { value: "v".repeat(2_000_001), ..pair("a".into()) }] };
    assert_eq!(code(esa.call(&large).await).await.2, "InvalidValue.ExceedsMaximum");
}

#[tokio::test]
async fn values_too_large_for_a_request_are_fetched_from_a_file() {
    let world = World::new().await;
    let (bucket, esa) = (world.bucket().await, world.esa().await);
    let value = "v".repeat(3_000_000);
    let keep = async |name: &str, file: serde_json::Value| {
        bucket.put(name, &Payload::from(file.to_string()), &Attributes::default()).await.unwrap();
        bucket.presign(Method::GET, name, Duration::from_secs(60), &[]).await.unwrap()
    };
    let put =
        async |url: String| esa.call(&PutKvWithHighCapacity { namespace: routes(), key: "large".into(), url }).await;
    let url = keep("one.json", json!({ "Namespace": "routes", "Key": "large", "Value": value })).await;
    assert_eq!(put(url).await.unwrap().length, 3_000_000);
    assert_eq!(get(&esa, "large").await.unwrap(), value);
    let url = keep("one.json", json!({ "Key": "large", "Value": "another" })).await;
    let (bare, _) = url.split_once('?').unwrap();
    let forged = url.replace("x-oss-expires=60", "x-oss-expires=61");
    for unsigned in [bare.to_owned(), format!("{bare}?x-oss-signature=of-a-presigned-one"), forged] {
        assert_eq!(code(put(unsigned.clone()).await).await.2, "InvalidUrl", "{unsigned}");
    }
    world.ambient.pass(TimeDelta::seconds(61));
    assert_eq!(code(put(url).await).await.2, "InvalidUrl", "its time is over");
    assert_eq!(get(&esa, "large").await.unwrap(), value);
    let url = keep("wrong.json", json!({ "Key": "another" })).await;
    assert_eq!(put(url).await.unwrap().length, 0, "and nothing is said");
    let missing = put(format!("{}/sites/missing.json", world.emulator.oss())).await;
    assert_eq!(code(missing).await.2, "InvalidUrl");
    let too_large = json!({ "Key": "large", "Value": "v".repeat(25_000_001) });
    let url = keep("too-large.json", too_large).await;
    assert_eq!(code(put(url).await).await.2, "InvalidValue.ExceedsMaximum");
    let many = json!({ "KvList": [{ "Key": "a", "Value": "1" }, { "Key": "a/b", "Value": "2" }] });
    let url = keep("many.json", many).await;
    let batch = esa.call(&BatchPutKvWithHighCapacity { namespace: routes(), url }).await.unwrap();
    assert_eq!((batch.success_keys, batch.fail_keys), (vec!["a".to_owned()], vec!["a/b".to_owned()]));
}

#[tokio::test]
async fn what_the_emulator_does_not_have_is_told() {
    let world = World::new().await;
    let esa = world.esa().await;
    let expected = (ErrorKind::Rejected, 404, "InvalidApi.NotFound".to_owned());
    assert_eq!(code(esa.call(&GetRoutineAccessToken { name: "router".into() }).await).await, expected);
}
