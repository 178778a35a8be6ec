//! What the edge that ESA is really answers: seen before a deployment is called deployed, and mended where it differs.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use miaobu_aliyun::esa::kv::{BatchDeleteKv, PutKv};
use miaobu_control::provider::aliyun::{EsaEdgeKv, EsaView};
use miaobu_control::provider::local::LocalEdgeKv;
use miaobu_control::provider::{EdgeKv as _, EdgeView as _, KvEntry};
use miaobu_edge::record::RouteRecord;

use crate::support::aliyun::NAMESPACE;
use crate::support::{Aliyun, TestDatabase};

const HOST: &str = "shop-d7.sites.example";

struct World {
    aliyun: Aliyun,
    ledger: Arc<LocalEdgeKv>,
    kv: Arc<EsaEdgeKv>,
    _database: TestDatabase,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = TestDatabase::create(folder.path()).await;
        let ledger = Arc::new(LocalEdgeKv::new(database.db.clone()));
        let aliyun = Aliyun::start().await;
        let kv = Arc::new(aliyun.edge_kv(ledger.clone()).await);
        Self { aliyun, ledger, kv, _database: database, _folder: folder }
    }

    fn view(&self, address: &str) -> EsaView {
        EsaView::new(self.ledger.clone(), self.kv.clone(), address).expect("a view")
    }

    async fn write(&self, host: &str, value: String, generation: i64) {
        let entry = KvEntry { key: host.to_owned(), value: Some(value.into()), generation };
        self.kv.write(vec![entry]).await.expect("written");
    }

    /// Changes what ESA has behind everybody's back.
    async fn overwrite(&self, host: &str, value: &str) {
        let put = PutKv { namespace: NAMESPACE.into(), key: host.into(), value: value.into(), ..PutKv::default() };
        self.aliyun.esa.call(&put).await.expect("stored");
    }

    async fn lose(&self, hosts: &[&str]) {
        let keys = hosts.iter().map(|host| (*host).to_owned()).collect();
        self.aliyun.esa.call(&BatchDeleteKv { namespace: NAMESPACE.into(), keys }).await.expect("deleted");
    }
}

fn record(id: i64) -> String {
    RouteRecord::of_static("shop", &format!("projects/shop/{id}"), id).to_json()
}

/// A server that answers each request with the next of these heads, and its address.
fn answering(heads: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let heads: Vec<_> = heads.iter().map(|head| format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n")).collect();
    std::thread::spawn(move || {
        for head in heads {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("a request");
            let request = String::from_utf8_lossy(&request[..read]).to_ascii_lowercase();
            assert!(request.starts_with("head / ") && request.contains(&format!("host: {HOST}\r\n")), "{request}");
            stream.write_all(head.as_bytes()).expect("answered");
        }
    });
    address
}

#[tokio::test]
async fn a_deployment_is_there_once_esa_has_its_record() {
    let world = World::new().await;
    let view = world.view("");
    assert_eq!(view.deployment_at(HOST).await.expect("asked"), None, "nothing is written");
    world.write(HOST, record(7), 1).await;
    assert_eq!(view.deployment_at(HOST).await.expect("asked"), Some(7));
    world.overwrite(HOST, &record(6)).await;
    assert_eq!(view.deployment_at(HOST).await.expect("asked"), None, "it leads to another one there");
    world.lose(&[HOST]).await;
    assert_eq!(view.deployment_at(HOST).await.expect("asked"), None, "it is lost there");
}

#[tokio::test]
async fn where_the_routine_answers_it_is_asked_itself() {
    let world = World::new().await;
    world.write(HOST, record(7), 1).await;
    let address = answering(&[
        "200 OK\r\nx-miaobu-deployment: 7",
        "200 OK\r\nx-miaobu-deployment: 6",
        "421 Misdirected Request",
        "301 Moved Permanently\r\nlocation: https://elsewhere.example/",
    ]);
    let view = world.view(&address);
    for (expected, why) in [
        (Some(7), "it serves it"),
        (None, "it serves another one still"),
        (None, "it does not know the hostname yet"),
        (Some(7), "whoever redirects is not the routine, and ESA has the record"),
        (Some(7), "nobody is there any more, and ESA has the record"),
    ] {
        assert_eq!(view.deployment_at(HOST).await.expect("asked"), expected, "{why}");
    }
}

#[tokio::test]
async fn what_esa_has_lost_or_changed_is_found_and_delivered_again() {
    let world = World::new().await;
    let hosts: Vec<_> = (0..230).map(|number| format!("h{number:03}.sites.example")).collect();
    for host in &hosts {
        world
            .ledger
            .write(vec![KvEntry { key: host.clone(), value: Some(record(1).into()), generation: 1 }])
            .await
            .expect("noted");
    }
    world.kv.reconcile().await.expect("delivered");
    world
        .kv
        .write(vec![KvEntry { key: "d-7".into(), value: Some("a site blob".into()), generation: 1 }])
        .await
        .expect("written");
    let (mended, last) = world.kv.compare("").await.expect("compared");
    assert_eq!((mended, last.as_deref()), (0, Some("h199.sites.example")), "some at a time");
    assert_eq!(world.kv.compare("h199.sites.example").await.expect("compared"), (0, Some("h229.sites.example".into())));
    assert_eq!(world.kv.compare("h229.sites.example").await.expect("compared"), (0, None), "then all over again");

    world.lose(&["h003.sites.example"]).await;
    world.overwrite("h150.sites.example", &record(99)).await;
    assert_eq!(world.kv.compare("").await.expect("compared").0, 2);
    for host in ["h003.sites.example", "h150.sites.example"] {
        assert_eq!(world.aliyun.stored(host).await.as_deref(), Some(record(1).as_bytes()), "{host}");
    }
    assert_eq!(world.kv.compare("").await.expect("compared").0, 0);
}
