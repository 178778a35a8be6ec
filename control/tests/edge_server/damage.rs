//! Stored bytes that are not what was written: an error with a code, and never another project's bytes.

use bytes::Bytes;
use miaobu_control::provider::{EdgeKv as _, KvEntry};
use miaobu_edge::record::{KeyEncoding, key, site_key};
use miaobu_edge::{Kind, RouteRecord};

use super::client::Client;
use super::support::Edge;

const OTHERS: &[u8] = b"another project's secret";

/// Every text shorter by one or more bytes, and every one with one bit turned.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let cut = (0..bytes.len()).map(|end| bytes[..end].to_vec());
    let turned = (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    cut.chain(turned)
}

async fn write_all(edge: &Edge, entries: Vec<(String, Vec<u8>)>) {
    let entries =
        entries.into_iter().map(|(key, value)| KvEntry { key, value: Some(Bytes::from(value)), generation: 1 });
    edge.kv.kv.write(entries.collect()).await.expect("the edge KV takes the values");
}

/// Asks every host; each but `excepted` has to give an error with a code.
async fn all_fail(edge: &Edge, hosts: usize, excepted: impl Fn(usize) -> bool) {
    let mut client: Client = edge.connect().await;
    for number in 0..hosts {
        let host = format!("h{number}.localhost");
        let answer = client.ask("GET", &host, "/a.txt", "accept: application/json\r\n").await;
        let text = answer.text();
        if answer.status == 200 && excepted(number) {
            assert_eq!(text, "own", "{host}");
            continue;
        }
        assert!(matches!(answer.status, 500 | 502 | 503), "{host}: {} {text}", answer.status);
        assert!(text.contains("\"code\":\"") && !text.contains("secret"), "{host}: {text}");
    }
}

#[tokio::test]
async fn a_damaged_record_is_answered_with_an_error() {
    let edge = Edge::start().await;
    edge.deploy("other.localhost", 2, &[("/a.txt", OTHERS)]).await;
    let own = edge.store(1, &[("/a.txt", b"own")]).await;
    let function =
        RouteRecord { noindex: true, ..RouteRecord::of_function(Kind::Node, "api", "http://127.0.0.1:9", 3) };
    let records = [own.to_json(), function.to_json()];
    // A record without a checksum is one of the older system's: where the bit lies in the checksum's own name, all that
    // the record says is whole.
    let check = own.to_json().find(",\"check\":").expect("a checksum") * 8;
    let named = own.to_json().len() + check..own.to_json().len() + check + ",\"check\":\"".len() * 8;
    let values: Vec<_> = records.iter().flat_map(|record| damaged(record.as_bytes())).collect();
    let hosts = values.len();
    assert!(hosts > 2_000, "{hosts}");
    let names = (0..hosts).map(|number| key(&format!("h{number}.localhost"), KeyEncoding::Plain));
    write_all(&edge, names.zip(values).collect()).await;
    all_fail(&edge, hosts, |number| named.contains(&number)).await;
}

#[tokio::test]
async fn a_damaged_site_is_answered_with_an_error() {
    let edge = Edge::start().await;
    edge.deploy("other.localhost", 2, &[("/a.txt", OTHERS)]).await;
    let own = edge.store_configured(1, "/old /a.txt 301", &[("/a.txt", b"own")]).await;
    let blob = edge.kv.kv.get(&site_key(1)).await.expect("readable").expect("a blob");
    let sites: Vec<_> = damaged(&blob).collect();
    let hosts = sites.len();
    assert!(hosts > 3_000);
    let mut entries = Vec::new();
    for (number, site) in sites.into_iter().enumerate() {
        let name = format!("d-{}", 1_000 + number);
        // No copy stands in for what is damaged.
        let record =
            RouteRecord { site: Some(name.clone()), oss_path: format!("projects/none/{number}"), ..own.clone() };
        entries.push((key(&format!("h{number}.localhost"), KeyEncoding::Plain), record.to_json().into_bytes()));
        entries.push((name, site));
    }
    write_all(&edge, entries).await;
    all_fail(&edge, hosts, |_| false).await;
}
