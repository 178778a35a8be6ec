//! Failing on purpose, and what clients make of it.

use std::time::Duration;

use miaobu_aliyun::esa::hostnames::CreateCustomHostname;
use miaobu_aliyun::esa::kv::{CreateKvNamespace, GetKvAccount, PutKv};
use miaobu_aliyun::esa::purge::PurgeCaches;
use miaobu_aliyun::esa::routine::CreateRoutine;
use miaobu_aliyun::esa::sites::{CreateRecord, RecordData};
use miaobu_aliyun::oss::{Attributes, GetOptions, Payload};
use miaobu_emulator::Fault;

use crate::support::{SITE, World};

#[tokio::test]
async fn a_client_gets_through_faults_that_pass() {
    let world = World::new().await;
    let (bucket, esa) = (world.bucket().await, world.esa().await);
    for fault in [Fault::Throttle, Fault::Fail, Fault::Break] {
        world.emulator.faults().plan("oss", "PUT /sites/a", fault, 2);
        bucket.put("a", &Payload::from("hello".to_owned()), &Attributes::default()).await.unwrap();
        world.emulator.faults().plan("esa", "PutKv", fault, 2);
        let put = PutKv { namespace: "routes".into(), key: "a".into(), value: "1".into(), ..PutKv::default() };
        esa.call(&put).await.unwrap();
    }
    assert_eq!(bucket.read("a", &GetOptions::default()).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_client_does_not_make_twice_what_was_made_and_not_heard_of() {
    let world = World::new().await;
    let esa = world.esa().await;
    world.emulator.faults().plan("esa-answer", "CreateKvNamespace", Fault::Break, 1);
    let create = CreateKvNamespace { namespace: "lost".into(), description: None };
    assert!(esa.call(&create).await.unwrap_err().may_have_happened());
    assert_eq!(esa.call(&GetKvAccount {}).await.unwrap().namespace_used, 2, "it was made");
}

#[tokio::test]
async fn an_answer_comes_late_when_the_page_is_told_so() {
    let world = World::new().await;
    let esa = world.esa().await;
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let tell = async |query: &str| {
        let address = format!("{}/fault?{query}", world.emulator.console());
        http.post(address).send().await.unwrap().status().as_u16()
    };
    assert_eq!(tell("service=esa&operation=PutKv&kind=delay").await, 400, "how late is not said");
    for service in ["esa", "esa-answer"] {
        let before = world.ambient.paused();
        assert_eq!(tell(&format!("service={service}&operation=PutKv&kind=delay&milliseconds=3000")).await, 200);
        let put = PutKv { namespace: "routes".into(), key: "a".into(), value: service.into(), ..PutKv::default() };
        esa.call(&put).await.unwrap();
        assert_eq!(world.ambient.paused() - before, Duration::from_secs(3), "{service}");
    }
}

#[tokio::test]
async fn a_page_shows_what_there_is() {
    let world = World::new().await;
    let (bucket, esa) = (world.bucket().await, world.esa().await);
    bucket.put("a", &Payload::from("hello".to_owned()), &Attributes::default()).await.unwrap();
    let put = PutKv { namespace: "routes".into(), key: "a".into(), value: "1".into(), ..PutKv::default() };
    esa.call(&put).await.unwrap();
    let record = CreateRecord {
        site_id: SITE,
        record_name: "origin.sites.example".into(),
        r#type: "CNAME".into(),
        data: RecordData { value: Some("bucket.oss.example".into()), ..RecordData::default() },
        ttl: 1,
        ..CreateRecord::default()
    };
    let record_id = esa.call(&record).await.unwrap().record_id;
    let hostname = "www.customer.example".to_owned();
    esa.call(&CreateCustomHostname { site_id: SITE, hostname, record_id, ..CreateCustomHostname::default() })
        .await
        .unwrap();
    esa.call(&CreateRoutine { name: "edge".into(), ..CreateRoutine::default() }).await.unwrap();
    esa.call(&PurgeCaches::hostnames(SITE, vec!["a.sites.example".to_owned()])).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let page = http.get(world.emulator.console()).send().await.unwrap().text().await.unwrap();
    for row in [
        "<td>sites</td><td>1</td><td>5</td>",
        "<td>routes</td><td>1</td>",
        "<td>www.customer.example</td><td>pending</td>",
        "<td>edge</td><td></td>",
        "<td>hostname</td><td>",
        "a.sites.example",
    ] {
        assert!(page.contains(row), "{row}: {page}");
    }
}
