//! The edge that ESA is, told by the providers: keys and values, purges, custom hostnames.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use miaobu_aliyun::esa::hostnames::CreateCustomHostname;
use miaobu_aliyun::esa::purge::DescribePurgeTasks;
use miaobu_aliyun::esa::sites::ListRecords;
use miaobu_control::domain::{DomainName, EdgeState, EsaStatus, SslStatus};
use miaobu_control::provider::aliyun::EsaHostnames;
use miaobu_control::provider::local::LocalEdgeKv;
use miaobu_control::provider::{EdgeHostnames as _, EdgeKv as _, ErrorKind, KvEntry};
use miaobu_edge::record::KeyEncoding;
use miaobu_emulator::Fault;

use crate::support::{Aliyun, TestDatabase};

struct World {
    aliyun: Aliyun,
    ledger: Arc<LocalEdgeKv>,
    _database: TestDatabase,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = TestDatabase::create(folder.path()).await;
        let ledger = Arc::new(LocalEdgeKv::new(database.db.clone()));
        Self { aliyun: Aliyun::start().await, ledger, _database: database, _folder: folder }
    }

    async fn purged(&self) -> Vec<String> {
        let list = DescribePurgeTasks { site_id: 1, ..DescribePurgeTasks::default() };
        let page = self.aliyun.esa.call(&list).await.expect("listed");
        page.tasks.into_iter().map(|task| task.content).collect()
    }
}

fn entry(key: &str, value: Option<&str>, generation: i64) -> KvEntry {
    KvEntry { key: key.to_owned(), value: value.map(|text| Bytes::copy_from_slice(text.as_bytes())), generation }
}

const HOST: &str = "a.sites.example";

#[tokio::test]
async fn what_is_written_is_at_the_edge_and_its_hosts_are_purged() {
    let world = World::new().await;
    let kv = world.aliyun.edge_kv(world.ledger.clone()).await;
    let blob = Bytes::from_static(&[0, 159, 146, 150]);
    let entries = vec![
        entry(HOST, Some("{\"x\":\"\u{79d2}\"}"), 1),
        KvEntry { key: "d-7".into(), value: Some(blob.clone()), generation: 1 },
    ];
    kv.write(entries.clone()).await.expect("written");
    assert_eq!(world.aliyun.stored(HOST).await.as_deref(), Some("{\"x\":\"\u{79d2}\"}".as_bytes()));
    let base64 = world.aliyun.stored("d-7").await.expect("stored");
    assert_eq!(BASE64.decode(&base64).expect("Base64"), blob);
    assert_eq!(world.purged().await, [HOST], "a site blob is no host");
    kv.write(entries).await.expect("written again");
    assert_eq!(world.purged().await.len(), 1, "nothing changed");
    kv.write(vec![entry(HOST, None, 2), entry("d-7", None, 2)]).await.expect("deleted");
    assert_eq!((world.aliyun.stored(HOST).await, world.aliyun.stored("d-7").await), (None, None));
    assert_eq!(world.ledger.get(HOST).await.expect("readable"), None);
}

#[tokio::test]
async fn a_late_writer_loses_at_the_edge_elsewhere_too() {
    let world = World::new().await;
    let kv = world.aliyun.edge_kv(world.ledger.clone()).await;
    for (text, generation) in [("new", 5), ("late", 4), ("same", 5)] {
        kv.write(vec![entry(HOST, Some(text), generation)]).await.expect("written");
        assert_eq!(world.aliyun.stored(HOST).await.as_deref(), Some(&b"new"[..]));
    }
    let texts: Vec<_> = (6..=25).map(|number: i64| (number, number.to_string())).collect();
    let writes = texts.iter().map(|(generation, text)| kv.write(vec![entry(HOST, Some(text), *generation)]));
    for written in futures_util::future::join_all(writes).await {
        written.expect("written");
    }
    assert_eq!(world.aliyun.stored(HOST).await.as_deref(), Some(&b"25"[..]));
}

#[tokio::test]
async fn what_could_not_be_delivered_is_delivered_later() {
    let world = World::new().await;
    let kv = world.aliyun.edge_kv(world.ledger.clone()).await;
    kv.write(vec![entry(HOST, Some("one"), 1)]).await.expect("written");
    for action in ["BatchPutKv", "PurgeCaches"] {
        world.aliyun.emulator.faults().plan("esa", action, Fault::Fail, 6);
        let generation = world.ledger.version().await.expect("a version") + 1;
        let error = kv.write(vec![entry(HOST, Some(action), generation)]).await.expect_err("ESA is broken");
        assert!(error.is_retryable(), "{error:?}");
        assert_eq!(world.ledger.get(HOST).await.expect("readable").as_deref(), Some(action.as_bytes()));
        assert_eq!(kv.reconcile().await.expect("delivered"), 1, "{action}");
        assert_eq!(world.aliyun.stored(HOST).await.as_deref(), Some(action.as_bytes()));
        assert_eq!(kv.reconcile().await.expect("nothing is left"), 0);
    }
    world.aliyun.emulator.faults().plan("esa", "BatchPutKv", Fault::Break, 2);
    world.aliyun.emulator.faults().plan("esa-answer", "BatchPutKv", Fault::Break, 2);
    kv.write(vec![entry(HOST, Some("last"), 99)]).await.expect("the client tries again");
    assert_eq!(world.aliyun.stored(HOST).await.as_deref(), Some(&b"last"[..]));
}

#[tokio::test]
async fn whichever_call_is_out_the_rest_is_delivered_later() {
    let world = World::new().await;
    let kv = world.aliyun.edge_kv(world.ledger.clone()).await;
    let blob = || KvEntry { key: "d-7".into(), value: Some(Bytes::from_static(&[0, 159])), generation: 0 };
    let gone = || KvEntry { value: None, ..blob() };
    let actions = ["CreateKvNamespace", "PutKv", "BatchPutKv", "BatchDeleteKv", "ListSites", "PurgeCaches"];
    let mut failed = BTreeSet::from([["esa", "GetKv"].map(str::to_owned)]);
    for (round, action) in (1..).zip(actions) {
        // Nothing is known of the account yet.
        let kv_anew = world.aliyun.edge_kv(world.ledger.clone()).await;
        world.aliyun.emulator.faults().plan("esa", action, Fault::Fail, 6);
        failed.insert(["esa", action].map(str::to_owned));
        let other = if action == "BatchDeleteKv" { gone() } else { blob() };
        let entries = vec![entry(HOST, Some(action), round), KvEntry { generation: round, ..other }];
        let error = kv_anew.write(entries).await.expect_err(action);
        assert!(error.is_retryable(), "{action}: {error:?}");
        // A call that may have been carried out is not repeated by the client, so that more faults than one are left.
        while kv.reconcile().await.is_err() {}
        assert_eq!(world.aliyun.stored(HOST).await.as_deref(), Some(action.as_bytes()), "{action}");
    }
    let asked: BTreeSet<_> = world.aliyun.emulator.faults().calls().into_keys().collect();
    assert_eq!(asked, failed, "each call was out");
}

#[tokio::test]
async fn whichever_call_about_a_domain_is_out_the_next_time_goes_on() {
    let aliyun = Aliyun::start().await;
    drop(aliyun.hostnames().await);
    let name = DomainName::parse("www.customer.example").expect("a name");
    let anew = || EsaHostnames::new(aliyun.account());
    let faults = aliyun.emulator.faults();
    let mut failed = BTreeSet::from([["esa", "CreateRecord"].map(str::to_owned)]);
    for action in [
        "ListSites",
        "ListRecords",
        "ListCustomHostnames",
        "CreateCustomHostname",
        "GetCustomHostname",
        "VerifyCustomHostname",
    ] {
        failed.insert(["esa", action].map(str::to_owned));
        faults.plan("esa", action, Fault::Fail, 6);
        let error = anew().attach(&name).await.expect_err(action);
        assert_eq!(error.kind, ErrorKind::Unavailable, "{action}");
        // A call that may have been carried out is not repeated by the client, so that more faults than one are left.
        while anew().attach(&name).await.is_err() {}
        assert_eq!(anew().attach(&name).await.expect("attached").esa_status, EsaStatus::Pending, "{action}");
        assert_eq!(aliyun.emulator.hostnames().len(), 1, "{action}");
        if action != "VerifyCustomHostname" {
            anew().detach(&name, None).await.expect("detached");
        }
    }
    failed.insert(["esa", "DeleteCustomHostname"].map(str::to_owned));
    faults.plan("esa", "DeleteCustomHostname", Fault::Fail, 6);
    assert_eq!(anew().detach(&name, None).await.expect_err("broken").kind, ErrorKind::Unavailable);
    anew().detach(&name, None).await.expect("detached");
    assert!(aliyun.emulator.hostnames().is_empty());
    assert_eq!(faults.calls().into_keys().collect::<BTreeSet<_>>(), failed, "each call was out");
}

#[tokio::test]
async fn thousands_of_records_come_in_a_few_batches_and_again_on_demand() {
    let world = World::new().await;
    let entries: Vec<_> = (0..3000).map(|number| entry(&format!("h{number}.example"), Some("{}"), 1)).collect();
    world.ledger.write(entries).await.expect("noted");
    let kv = world.aliyun.edge_kv(world.ledger.clone()).await;
    assert_eq!(kv.reconcile().await.expect("delivered"), 3000);
    assert!(world.aliyun.stored("h2999.example").await.is_some());
    // What nobody has changed since is delivered again when it is asked for, and where the store is another one.
    let purges = || world.aliyun.emulator.faults().calls()[&["esa".to_owned(), "PurgeCaches".to_owned()]];
    assert_eq!(purges(), 30);
    assert_eq!(kv.resync().await.expect("delivered"), 3000);
    assert_eq!(purges(), 30, "no record changed");
    world.ledger.write(vec![entry("h7.example", Some("{ }"), 2)]).await.expect("noted");
    assert_eq!(kv.resync().await.expect("delivered"), 3000);
    assert_eq!((purges(), world.purged().await.first().map(String::as_str)), (31, Some("h7.example")));
    let same = world.aliyun.edge_kv(world.ledger.clone()).await;
    assert_eq!(same.reconcile().await.expect("nothing is left"), 0);
    let encoded = world.aliyun.edge_kv_with(world.ledger.clone(), KeyEncoding::Encoded).await;
    assert_eq!(encoded.reconcile().await.expect("delivered"), 3000);
    assert!(world.aliyun.stored("h2999_example").await.is_some());
}

#[tokio::test]
async fn a_domain_goes_from_pending_to_served() {
    let aliyun = Aliyun::start().await;
    let hostnames = aliyun.hostnames().await;
    let name = DomainName::parse("www.customer.example").expect("a name");
    let pending = hostnames.attach(&name).await.expect("attached");
    assert_eq!((pending.esa_status, pending.ssl_status), (EsaStatus::Pending, SslStatus::Pending));
    let id = pending.esa_saas_id.clone().expect("an id");
    assert_eq!(hostnames.attach(&name).await.expect("attached again"), pending, "asking twice makes one");
    aliyun.emulator.outside().prove(name.as_str());
    let online = hostnames.attach(&name).await.expect("attached");
    assert_eq!((online.esa_status, online.esa_saas_id.as_deref()), (EsaStatus::Online, Some(id.as_str())));
    hostnames.detach(&name, Some(&id)).await.expect("detached");
    hostnames.detach(&name, Some(&id)).await.expect("detached again");
    hostnames.detach(&name, None).await.expect("unknown is detached");
    let again = hostnames.attach(&name).await.expect("attached anew");
    assert_ne!(again.esa_saas_id.as_deref(), Some(id.as_str()));
    hostnames.detach(&name, None).await.expect("found by its name");
    assert!(aliyun.emulator.hostnames().is_empty());
}

#[tokio::test]
async fn of_two_hostnames_with_one_name_the_older_stays_and_giving_it_up_takes_both() {
    let aliyun = Aliyun::start().await;
    let hostnames = aliyun.hostnames().await;
    let name = DomainName::parse("www.customer.example").expect("a name");
    let first = hostnames.attach(&name).await.expect("attached").esa_saas_id;
    let record = aliyun.esa.call(&ListRecords { site_id: 1, ..ListRecords::default() }).await.expect("listed");
    let second = CreateCustomHostname {
        site_id: 1,
        hostname: name.to_string(),
        record_id: record.records[0].record_id,
        ..CreateCustomHostname::default()
    };
    aliyun.esa.call(&second).await.expect("made by somebody who found none");
    assert_eq!(aliyun.emulator.hostnames().len(), 2);
    assert_eq!(hostnames.attach(&name).await.expect("attached").esa_saas_id, first);
    assert_eq!(aliyun.emulator.hostnames().len(), 1);
    let id = aliyun.esa.call(&second).await.expect("made again").hostname_id.to_string();
    hostnames.detach(&name, Some(&id)).await.expect("detached");
    assert!(aliyun.emulator.hostnames().is_empty(), "{:?}", aliyun.emulator.hostnames());
    let (one, other) = tokio::join!(hostnames.attach(&name), hostnames.attach(&name));
    one.expect("attached");
    other.expect("attached");
    hostnames.attach(&name).await.expect("attached");
    assert_eq!(aliyun.emulator.hostnames().len(), 1);
}

#[tokio::test]
async fn a_domain_may_lack_its_filing_or_belong_to_another_account() {
    let aliyun = Aliyun::start().await;
    let hostnames = aliyun.hostnames().await;
    let outside = aliyun.emulator.outside();
    outside.take_filing("unfiled.example");
    let name = DomainName::parse("unfiled.example").expect("a name");
    let missing = EdgeState { icp_required: true, ..EdgeState::pending() };
    assert_eq!(hostnames.attach(&name).await.expect("told"), missing);
    let name = DomainName::parse("late.example").expect("a name");
    outside.prove(name.as_str());
    assert_eq!(hostnames.attach(&name).await.expect("attached").esa_status, EsaStatus::Online);
    outside.take_filing(name.as_str());
    let offline = hostnames.attach(&name).await.expect("told");
    assert_eq!((offline.esa_status, offline.icp_required), (EsaStatus::Pending, true));
    outside.take_hostname("taken.example", "existing_site");
    let name = DomainName::parse("taken.example").expect("a name");
    let conflicted = hostnames.attach(&name).await.expect("told");
    assert_eq!((conflicted.esa_status, conflicted.ssl_status), (EsaStatus::Pending, SslStatus::Failed));
}

#[tokio::test]
async fn a_hostname_whose_answer_was_lost_is_found_and_not_made_twice() {
    let aliyun = Aliyun::start().await;
    let hostnames = aliyun.hostnames().await;
    aliyun.emulator.faults().plan("esa-answer", "CreateCustomHostname", Fault::Break, 1);
    let name = DomainName::parse("www.customer.example").expect("a name");
    hostnames.attach(&name).await.expect("attached");
    assert_eq!(aliyun.emulator.hostnames().len(), 1);
    aliyun.emulator.faults().plan("esa", "GetCustomHostname", Fault::Fail, 6);
    assert_eq!(hostnames.attach(&name).await.expect_err("broken").kind, ErrorKind::Unavailable);
}
