//! Names.

use miaobu_aliyun::alidns::{
    AddDomainRecord, Alidns, Change, DeleteDomainRecord, DescribeDomainInfo, DescribeDomains, DescribeSubDomainRecords,
    GetMainDomainName, UpdateDomainRecord, Wanted,
};
use miaobu_aliyun::{Credentials, Error, ErrorKind};

use crate::support::{KEY, World};

const ZONE: &str = "sites.example";

fn alidns(world: &World) -> Alidns {
    Alidns::new(&world.emulator.alidns(), world.settings(Credentials::new(KEY.0, KEY.1))).unwrap()
}

fn add(rr: &str, r#type: &str, value: &str) -> AddDomainRecord {
    AddDomainRecord {
        domain_name: ZONE.into(),
        rr: rr.into(),
        r#type: r#type.into(),
        value: value.into(),
        ..AddDomainRecord::default()
    }
}

fn code(result: Result<impl Sized, Error>) -> String {
    result.err().unwrap().code.unwrap()
}

#[tokio::test]
async fn records_are_added_changed_listed_and_removed() {
    let world = World::new().await;
    let alidns = alidns(&world);
    let id = alidns.call(&add("*.app", "CNAME", "edge.example")).await.unwrap().record_id;
    let update = |value: &str| UpdateDomainRecord {
        record_id: id.clone(),
        rr: "*.app".into(),
        r#type: "CNAME".into(),
        value: value.into(),
        ..UpdateDomainRecord::default()
    };
    assert_eq!(code(alidns.call(&update("edge.example")).await), "DomainRecordDuplicate", "nothing changes");
    alidns.call(&update("other.example")).await.unwrap();
    let list = |name: &str| DescribeSubDomainRecords { sub_domain: name.into(), ..DescribeSubDomainRecords::default() };
    let records = alidns.call(&list("*.app.sites.example")).await.unwrap().into_records();
    assert_eq!(
        (records[0].record_id.clone(), records[0].value.as_str(), records[0].ttl),
        (id.clone(), "other.example", 600)
    );
    assert!(records[0].is_enabled());
    let delete = DeleteDomainRecord { record_id: id };
    alidns.call(&delete).await.unwrap();
    assert_eq!(alidns.call(&delete).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn records_have_their_rules() {
    let world = World::new().await;
    let alidns = alidns(&world);
    alidns.call(&add("www", "A", "192.0.2.1")).await.unwrap();
    alidns.call(&add("www", "A", "192.0.2.2")).await.unwrap();
    assert_eq!(code(alidns.call(&add("www", "A", "192.0.2.1")).await), "DomainRecordDuplicate");
    assert_eq!(code(alidns.call(&add("www", "CNAME", "edge.example")).await), "DomainRecordConflict");
    alidns.call(&add("_acme-challenge", "TXT", "one")).await.unwrap();
    alidns.call(&add("_acme-challenge", "TXT", "two")).await.unwrap();
    let short = AddDomainRecord { ttl: Some(60), ..add("short", "A", "192.0.2.1") };
    assert_eq!(code(alidns.call(&short).await), "InvalidTTL");
    let elsewhere = AddDomainRecord { domain_name: "elsewhere.example".into(), ..add("a", "A", "192.0.2.1") };
    let error = alidns.call(&elsewhere).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("InvalidDomainName.NoExist")));
}

#[tokio::test]
async fn a_name_is_set_and_removed_among_others_that_are_like_it() {
    let world = World::new().await;
    let alidns = alidns(&world);
    alidns.call(&add("www2", "CNAME", "theirs.example")).await.unwrap();
    let wanted = |value: &str| Wanted {
        zone: ZONE.into(),
        rr: "www".into(),
        r#type: "CNAME".into(),
        value: value.into(),
        ttl: 600,
        remark: "miaobu".into(),
    };
    assert_eq!(alidns.set(&wanted("one.example")).await.unwrap(), Change::Added);
    assert_eq!(alidns.set(&wanted("one.example")).await.unwrap(), Change::Nothing);
    assert_eq!(alidns.set(&wanted("two.example")).await.unwrap(), Change::Updated);
    alidns.remove(&wanted("two.example")).await.unwrap();
    assert_eq!(alidns.set(&wanted("three.example")).await.unwrap(), Change::Added);
}

#[tokio::test]
async fn zones_are_known() {
    let world = World::new().await;
    let alidns = alidns(&world);
    assert_eq!(alidns.call(&DescribeDomains::default()).await.unwrap().into_zones()[0].domain_name, ZONE);
    let info = alidns.call(&DescribeDomainInfo { domain_name: ZONE.into() }).await.unwrap();
    assert_eq!((info.min_ttl, info.dns_servers.dns_server.len()), (600, 2));
    for (name, zone, rr) in [
        (format!("a.b.{ZONE}"), ZONE, "a.b"),
        (ZONE.to_owned(), ZONE, "@"),
        ("www.elsewhere.example".to_owned(), "elsewhere.example", "www"),
    ] {
        let split = alidns.call(&GetMainDomainName { input_string: name }).await.unwrap();
        assert_eq!((split.domain_name.as_str(), split.rr.as_str()), (zone, rr));
    }
    let error = alidns.call(&GetMainDomainName { input_string: "a..example".into() }).await.unwrap_err();
    assert!(error.has_code("InvalidDomainName.Format"), "{error}");
}
