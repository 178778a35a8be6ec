//! Sites, records, custom hostnames, purges.

use chrono::TimeDelta;
use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::esa::hostnames::{
    CertStatus, CertType, CreateCustomHostname, CustomHostname, DeleteCustomHostname, GetCustomHostname,
    HostnameStatus, ListCustomHostnames, UpdateCustomHostname, VerifyCustomHostname,
};
use miaobu_aliyun::esa::purge::{DescribePurgeTasks, GetPurgeQuota, PurgeCaches, PurgeStatus, PurgeType};
use miaobu_aliyun::esa::sites::{
    CreateRecord, DeleteRecord, GetMatchSite, GetRecord, ListRecords, ListSites, RecordData, UpdateRecord,
};
use miaobu_aliyun::esa::{Esa, Switch};
use miaobu_aliyun::{Credentials, Error};

use crate::support::{KEY, SITE, World};

async fn record(esa: &Esa) -> i64 {
    let create = CreateRecord {
        site_id: SITE,
        record_name: "origin.sites.example".into(),
        r#type: "CNAME".into(),
        data: RecordData { value: Some("bucket.oss.example".into()), ..RecordData::default() },
        ttl: 1,
        proxied: Some(true),
        ..CreateRecord::default()
    };
    esa.call(&create).await.unwrap().record_id
}

async fn create(esa: &Esa, record_id: i64, hostname: &str) -> Result<i64, Error> {
    let create = CreateCustomHostname {
        site_id: SITE,
        hostname: hostname.into(),
        record_id,
        ssl_flag: Switch::On,
        cert_type: Some(CertType::Free),
        ..CreateCustomHostname::default()
    };
    esa.call(&create).await.map(|created| created.hostname_id)
}

async fn get(esa: &Esa, hostname_id: i64) -> CustomHostname {
    esa.call(&GetCustomHostname { hostname_id }).await.unwrap().custom_hostname_model
}

#[tokio::test]
async fn a_hostname_is_served_once_its_owner_proved_it() {
    let world = World::new().await;
    let esa = world.esa().await;
    let hostname_id = create(&esa, record(&esa).await, "www.customer.example").await.unwrap();
    let pending = get(&esa, hostname_id).await;
    assert_eq!((pending.status, pending.cert_status), (HostnameStatus::Pending, CertStatus::Applying));
    assert_eq!(pending.verify_host, "_esa_custom_hostname.www.customer.example");
    assert!(pending.verify_code.starts_with("verify_") && pending.verify_code.len() == 39, "{}", pending.verify_code);
    assert!(!esa.call(&VerifyCustomHostname { hostname_id }).await.unwrap().passed());
    world.emulator.outside().prove("www.customer.example");
    assert!(esa.call(&VerifyCustomHostname { hostname_id }).await.unwrap().passed());
    let active = get(&esa, hostname_id).await;
    assert_eq!((active.status, active.cert_status), (HostnameStatus::Active, CertStatus::Applying));
    world.ambient.pass(TimeDelta::seconds(10));
    assert_eq!(get(&esa, hostname_id).await.cert_status, CertStatus::Ok);
    let off = UpdateCustomHostname { hostname_id, ssl_flag: Some(Switch::Off), ..UpdateCustomHostname::default() };
    esa.call(&off).await.unwrap();
    assert_eq!(get(&esa, hostname_id).await.cert_status, CertStatus::Unknown);
    esa.call(&DeleteCustomHostname { hostname_id }).await.unwrap();
    assert!(esa.call(&DeleteCustomHostname { hostname_id }).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_hostname_may_be_taken_or_lack_its_filing() {
    let world = World::new().await;
    let esa = world.esa().await;
    let record = record(&esa).await;
    world.emulator.outside().take_hostname("taken.example", "existing_site");
    let taken = get(&esa, create(&esa, record, "taken.example").await.unwrap()).await;
    assert_eq!((taken.status, taken.conflict_with.as_str()), (HostnameStatus::Conflicted, "existing_site"));
    create(&esa, record, "twice.example").await.unwrap();
    let again = get(&esa, create(&esa, record, "twice.example").await.unwrap()).await;
    assert_eq!(again.conflict_with, "existing_custom_hostname");

    world.emulator.outside().take_filing("unfiled.example");
    let error = create(&esa, record, "unfiled.example").await.unwrap_err();
    assert!(error.code.unwrap().contains("InvalidICP"));
    let filed = create(&esa, record, "filed.example").await.unwrap();
    world.emulator.outside().take_filing("filed.example");
    let offline = get(&esa, filed).await;
    assert_eq!((offline.status, offline.offline_reason.as_str()), (HostnameStatus::Offline, "missing_icp"));
}

#[tokio::test]
async fn a_hundred_hostnames_are_made_in_an_hour() {
    let world = World::new().await;
    let esa = world.esa().await;
    let record = record(&esa).await;
    for number in 0..100 {
        create(&esa, record, &format!("h{number}.example")).await.unwrap();
    }
    assert_eq!(create(&esa, record, "one-more.example").await.unwrap_err().kind, ErrorKind::Throttled);
    let list = |hostname: &str, kind: &str| ListCustomHostnames {
        site_id: SITE,
        hostname: Some(hostname.into()),
        name_match_type: Some(kind.into()),
        page_size: Some(5),
        ..ListCustomHostnames::default()
    };
    let page = esa.call(&list("h1", "prefix")).await.unwrap();
    assert_eq!((page.total_count, page.hostnames.len()), (11, 5));
    assert_eq!(esa.call(&list("h1", "exact")).await.unwrap().total_count, 0);
    world.ambient.pass(TimeDelta::hours(1));
    create(&esa, record, "one-more.example").await.unwrap();
}

#[tokio::test]
async fn records_belong_to_their_site_and_stay_while_they_are_used() {
    let world = World::new().await;
    let esa = world.esa().await;
    let sites = esa.call(&ListSites { site_name: Some("sites.example".into()), ..ListSites::default() }).await.unwrap();
    assert_eq!((sites.sites[0].site_id, sites.total_count), (SITE, 1));
    let site = esa.call(&GetMatchSite { record_name: "a.b.sites.example".into() }).await.unwrap();
    assert_eq!(site.site_id, SITE);
    assert!(esa.call(&GetMatchSite { record_name: "elsewhere.example".into() }).await.is_err());
    let record_id = record(&esa).await;
    let data = RecordData { value: Some("other.example".into()), ..RecordData::default() };
    esa.call(&UpdateRecord { record_id, data: data.clone(), ..UpdateRecord::default() }).await.unwrap();
    let its = esa.call(&GetRecord { record_id }).await.unwrap().record_model;
    assert_eq!((its.record_name.as_str(), its.data, its.proxied), ("origin.sites.example", data, true));
    let list =
        ListRecords { site_id: SITE, record_name: Some("origin.sites.example".into()), ..ListRecords::default() };
    assert_eq!(esa.call(&list).await.unwrap().records[0].record_id, record_id);
    let hostname_id = create(&esa, record_id, "www.customer.example").await.unwrap();
    assert_eq!(esa.call(&DeleteRecord { record_id }).await.unwrap_err().kind, ErrorKind::Conflict);
    esa.call(&DeleteCustomHostname { hostname_id }).await.unwrap();
    esa.call(&DeleteRecord { record_id }).await.unwrap();
    let missing = ListRecords { site_id: 7, ..ListRecords::default() };
    assert!(esa.call(&missing).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_purge_is_done_after_a_while() {
    let world = World::new().await;
    let esa = world.esa().await;
    let hostnames = vec!["a.example".to_owned(), "b.example".to_owned()];
    let task = esa.call(&PurgeCaches::hostnames(SITE, hostnames)).await.unwrap().task_id;
    let list = || DescribePurgeTasks { site_id: SITE, ..DescribePurgeTasks::default() };
    let tasks = esa.call(&list()).await.unwrap().tasks;
    assert_eq!((tasks[0].task_id.as_str(), tasks[0].status), (task.as_str(), PurgeStatus::Refreshing));
    assert_eq!(tasks[0].content, "a.example,b.example");
    world.ambient.pass(TimeDelta::seconds(5));
    assert_eq!(esa.call(&list()).await.unwrap().tasks[0].status, PurgeStatus::Complete);
    let quota = esa.call(&GetPurgeQuota { site_id: SITE, r#type: PurgeType::Hostname }).await.unwrap();
    assert_eq!(quota.usage, 1);
    let nothing = PurgeCaches::hostnames(SITE, Vec::new());
    assert_eq!(esa.call(&nothing).await.unwrap_err().kind, ErrorKind::Rejected);
}

#[tokio::test]
async fn hostnames_and_records_outlive_the_servers() {
    let world = World::new().await;
    let esa = world.esa().await;
    let hostname_id = create(&esa, record(&esa).await, "www.customer.example").await.unwrap();
    let world = world.restart().await;
    let esa = world.esa_as(Credentials::new(KEY.0, KEY.1));
    assert_eq!(get(&esa, hostname_id).await.hostname, "www.customer.example");
}
