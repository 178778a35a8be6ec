//! Names, and a zone that behaves as the service's do.

use std::sync::{Arc, Mutex};

use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::alidns::{Alidns, Change, DescribeDomainInfo, DescribeDomains, GetMainDomainName, Wanted};
use serde_json::{Value, json};

use crate::support::{Received, Reply, Server, TestAmbient, acs3_is_signed, settings};

const REMARK: &str = "miaobu";

fn wanted(value: &str) -> Wanted {
    Wanted {
        zone: "example.com".into(),
        rr: "www".into(),
        r#type: "CNAME".into(),
        value: value.into(),
        ttl: 600,
        remark: REMARK.into(),
    }
}

fn record(id: &str, rr: &str, value: &str, remark: &str) -> Value {
    json!({ "RecordId": id, "DomainName": "example.com", "RR": rr, "Type": "CNAME", "Value": value, "TTL": 600,
            "Line": "default", "Status": "ENABLE", "Remark": remark })
}

/// A zone with records. It finds names that merely contain what is asked for, as the service does.
struct Zone {
    records: Mutex<Vec<Value>>,
}

impl Zone {
    fn answer(&self, request: &Received) -> Reply {
        let mut records = self.records.lock().unwrap();
        let get = |name: &str| request.parameter(name).unwrap_or_default();
        let same = |record: &Value, id: &str| record["RecordId"] == id;
        match request.action() {
            "DescribeDomainRecords" => {
                let found = records.iter().filter(|record| record["RR"].as_str().unwrap().contains(get("RRKeyWord")));
                let found: Vec<_> = found.collect();
                Reply::ok(json!({ "DomainRecords": { "Record": found }, "TotalCount": found.len() }).to_string())
            }
            "AddDomainRecord" => {
                let id = format!("{}", 100 + records.len());
                records.push(record(&id, get("RR"), get("Value"), ""));
                Reply::ok(json!({ "RecordId": id }).to_string())
            }
            "UpdateDomainRecord" => {
                let found = records.iter_mut().find(|record| same(record, get("RecordId"))).unwrap();
                if found["Value"] == get("Value") {
                    return Reply::refusal(400, "DomainRecordDuplicate");
                }
                found["Value"] = get("Value").into();
                Reply::ok(json!({ "RecordId": found["RecordId"] }).to_string())
            }
            "UpdateDomainRecordRemark" => {
                let found = records.iter_mut().find(|record| same(record, get("RecordId"))).unwrap();
                found["Remark"] = get("Remark").into();
                Reply::ok("{}")
            }
            "DeleteDomainRecord" => {
                let before = records.len();
                records.retain(|record| !same(record, get("RecordId")));
                if before == records.len() {
                    Reply::refusal(400, "DomainRecordNotBelongToUser")
                } else {
                    Reply::ok("{}")
                }
            }
            other => Reply::refusal(404, other),
        }
    }
}

struct World {
    zone: Arc<Zone>,
    server: Server,
    alidns: Alidns,
}

async fn world(records: Vec<Value>) -> World {
    let zone = Arc::new(Zone { records: Mutex::new(records) });
    let answering = zone.clone();
    let server = Server::start(move |request| answering.answer(request)).await;
    let alidns = Alidns::new(&server.endpoint(), settings(&Arc::new(TestAmbient::new()))).unwrap();
    World { zone, server, alidns }
}

impl World {
    fn values(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.zone.records.lock().unwrap().iter().map(|record| (text(&record["RR"]), text(&record["Value"]))).collect()
    }

    fn actions(&self) -> Vec<String> {
        self.server.received().iter().map(|request| request.action().to_owned()).collect()
    }
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(rr, value)| ((*rr).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_name_that_is_free_is_taken_and_noted_as_ours() {
    let world = world(vec![record("1", "www2", "other", "")]).await;
    assert_eq!(world.alidns.set(&wanted("edge")).await.unwrap(), Change::Added);
    assert_eq!(world.alidns.set(&wanted("edge")).await.unwrap(), Change::Nothing);
    assert_eq!(world.values(), named(&[("www2", "other"), ("www", "edge")]));
    assert_eq!(world.zone.records.lock().unwrap()[1]["Remark"], REMARK);
    assert!(world.server.received().iter().all(acs3_is_signed));
}

#[tokio::test]
async fn a_record_of_ours_is_changed_and_those_that_are_too_many_removed() {
    let world = world(vec![record("1", "www", "old", REMARK), record("2", "www", "older", REMARK)]).await;
    assert_eq!(world.alidns.set(&wanted("new")).await.unwrap(), Change::Updated);
    assert_eq!(world.values(), named(&[("www", "new")]));
}

#[tokio::test]
async fn a_record_of_somebody_else_is_never_touched() {
    for remark in ["", "the mail server"] {
        let world = world(vec![record("1", "www", "theirs", remark)]).await;
        let error = world.alidns.set(&wanted("ours")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("www.example.com"), "{error}");
        world.alidns.remove(&wanted("ours")).await.unwrap();
        assert_eq!(world.values(), named(&[("www", "theirs")]));
        assert!(world.actions().iter().all(|action| action == "DescribeDomainRecords"));
    }
}

#[tokio::test]
async fn what_stopped_between_adding_and_noting_is_taken_up_again() {
    let world = world(vec![record("1", "www", "edge", "")]).await;
    assert_eq!(world.alidns.set(&wanted("edge")).await.unwrap(), Change::Nothing);
    assert_eq!(world.zone.records.lock().unwrap()[0]["Remark"], REMARK);
}

#[tokio::test]
async fn our_records_are_removed_and_again() {
    let world = world(vec![record("1", "www", "edge", REMARK), record("2", "www2", "edge", REMARK)]).await;
    world.alidns.remove(&wanted("edge")).await.unwrap();
    world.alidns.remove(&wanted("edge")).await.unwrap();
    assert_eq!(world.values(), named(&[("www2", "edge")]));
}

#[tokio::test]
async fn a_record_that_vanishes_while_it_is_removed_counts_as_removed() {
    let listed = json!({ "DomainRecords": { "Record": [record("1", "www", "edge", REMARK)] } }).to_string();
    let server = Server::script([Reply::ok(listed), Reply::refusal(400, "DomainRecordNotBelongToUser")]).await;
    let alidns = Alidns::new(&server.endpoint(), settings(&Arc::new(TestAmbient::new()))).unwrap();
    alidns.remove(&wanted("edge")).await.unwrap();
}

#[tokio::test]
async fn the_nesting_of_lists_is_read() {
    let server = Server::script([
        Reply::ok(r#"{"Domains":{"Domain":[{"DomainName":"example.com","DomainId":"1"}]},"TotalCount":1}"#),
        Reply::ok(
            r#"{"DomainName":"example.com","DnsServers":{"DnsServer":["a","b"]},"MinTtl":600,"VersionCode":"mianfei"}"#,
        ),
        Reply::ok(r#"{"DomainName":"example.co.uk","RR":"a.b","DomainLevel":2}"#),
        Reply::refusal(400, "Throttling.User"),
        Reply::refusal(404, "InvalidAccessKeyId.NotFound"),
    ])
    .await;
    let alidns = Alidns::new(&server.endpoint(), settings(&Arc::new(TestAmbient::new()))).unwrap();
    assert_eq!(alidns.call(&DescribeDomains::default()).await.unwrap().into_zones()[0].domain_name, "example.com");
    let info = alidns.call(&DescribeDomainInfo { domain_name: "example.com".into() }).await.unwrap();
    assert_eq!((info.dns_servers.dns_server, info.min_ttl), (vec!["a".into(), "b".into()], 600));
    let split = GetMainDomainName { input_string: "a.b.example.co.uk".into() };
    let main = alidns.call(&split).await.unwrap();
    assert_eq!((main.domain_name.as_str(), main.rr.as_str()), ("example.co.uk", "a.b"));
    assert_eq!(alidns.call(&split).await.unwrap_err().kind, ErrorKind::Denied);
}
