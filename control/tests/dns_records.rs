//! DNS records of the platform's own zone: what every engine promises.

use async_trait::async_trait;
use miaobu_aliyun::alidns::AddDomainRecord;
use miaobu_control::domain::DomainName;
use miaobu_control::provider::{CoveredNames, DnsRecords, Error, ErrorKind};
use miaobu_emulator::Fault;

use crate::support::Aliyun;
use crate::support::aliyun::{EDGE, SITE};

fn name(label: &str) -> DomainName {
    DomainName::parse(&format!("{label}.{SITE}")).expect("a name")
}

/// Each call once, and once more where another job finds its work done.
async fn keeps_its_promises(records: &dyn DnsRecords) {
    let name = name("docs");
    records.forget(&name).await.expect("what is not there is forgotten");
    for _ in 0..2 {
        records.lead(&name).await.expect("it leads there, again and again");
    }
    for _ in 0..2 {
        records.forget(&name).await.expect("it is forgotten, again and again");
    }
    records.lead(&name).await.expect("it leads there anew");
}

/// Tries again, as a job does, what may work later.
#[derive(Debug)]
struct AsJobsDo<R>(R);

const TRIES: usize = 5;

#[async_trait]
impl<R: DnsRecords> DnsRecords for AsJobsDo<R> {
    async fn lead(&self, name: &DomainName) -> Result<(), Error> {
        for _ in 1..TRIES {
            match self.0.lead(name).await {
                Err(error) if error.is_retryable() => {}
                told => return told,
            }
        }
        self.0.lead(name).await
    }

    async fn forget(&self, name: &DomainName) -> Result<(), Error> {
        for _ in 1..TRIES {
            match self.0.forget(name).await {
                Err(error) if error.is_retryable() => {}
                told => return told,
            }
        }
        self.0.forget(name).await
    }
}

#[tokio::test]
async fn names_of_one_machine_keep_their_promises() {
    keeps_its_promises(&CoveredNames).await;
}

#[tokio::test]
async fn a_zone_keeps_them_too() {
    let aliyun = Aliyun::start().await;
    keeps_its_promises(&aliyun.records()).await;
    assert_eq!(aliyun.emulator.records(), [[format!("docs.{SITE}"), "CNAME".to_owned(), EDGE.to_owned()]]);
}

#[tokio::test]
async fn a_zone_keeps_them_while_calls_fail_are_throttled_and_lose_their_answers() {
    const ACTIONS: [&str; 4] =
        ["DescribeDomainRecords", "AddDomainRecord", "UpdateDomainRecordRemark", "DeleteDomainRecord"];
    let aliyun = Aliyun::start().await;
    for fault in [Fault::Fail, Fault::Throttle, Fault::Break] {
        for action in ACTIONS {
            aliyun.emulator.faults().plan("alidns", action, fault, 1);
        }
    }
    let (records, name) = (AsJobsDo(aliyun.records()), name("lost"));
    keeps_its_promises(&records).await;
    for action in ACTIONS {
        aliyun.emulator.faults().plan("alidns-answer", action, Fault::Break, 1);
    }
    records.lead(&name).await.expect("it leads there in the end");
    let ours = |found: &[String; 3]| found[0] == name.as_str();
    assert_eq!(aliyun.emulator.records().iter().filter(|found| ours(found)).count(), 1, "nothing was made twice");
    records.forget(&name).await.expect("forgotten");
    assert!(!aliyun.emulator.records().iter().any(ours));
}

#[tokio::test]
async fn what_somebody_else_made_stays_and_other_zones_are_none_of_ours() {
    let aliyun = Aliyun::start().await;
    let theirs = AddDomainRecord {
        domain_name: SITE.into(),
        rr: "docs".into(),
        r#type: "CNAME".into(),
        value: "elsewhere.example".into(),
        ..AddDomainRecord::default()
    };
    aliyun.alidns().call(&theirs).await.expect("added");
    let records = aliyun.records();
    assert_eq!(records.lead(&name("docs")).await.expect_err("it is theirs").kind, ErrorKind::Conflict);
    records.forget(&name("docs")).await.expect("nothing of ours is there");
    assert_eq!(aliyun.emulator.records().len(), 1);
    let elsewhere = DomainName::parse("www.customer.example").expect("a name");
    assert_eq!(records.lead(&elsewhere).await.expect_err("no zone of ours").kind, ErrorKind::Rejected);
    aliyun.emulator.faults().plan("alidns", "", Fault::Fail, 20);
    assert_eq!(records.lead(&name("late")).await.expect_err("an outage").kind, ErrorKind::Unavailable);
}
