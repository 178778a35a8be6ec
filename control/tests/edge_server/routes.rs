//! Route records: followed, replaced, missing, damaged, out of reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use miaobu_edge::RouteRecord;
use miaobu_edge::record::{site_key, site_object};

use super::support::Edge;

const HOST: &str = "site.localhost";

#[tokio::test]
async fn a_host_leads_to_the_record_that_was_written_last() {
    let edge = Edge::start().await;
    assert_eq!(edge.get(HOST, "/a.txt").await.status, 421);
    for id in 1..=5 {
        edge.deploy(HOST, id, &[("/a.txt", format!("{id}").as_bytes())]).await;
        let answer =
            edge.get_until(HOST, "/a.txt", |answer| answer.header("x-miaobu-deployment") == Some(&*id.to_string()));
        assert_eq!(answer.await.text(), format!("{id}"));
    }
    edge.write(HOST, None, 6).await;
    edge.get_until(HOST, "/a.txt", |answer| answer.status == 421).await;
}

#[tokio::test]
async fn writes_of_another_process_are_seen_by_asking() {
    use miaobu_control::provider::local::LocalEdgeKv;
    use miaobu_control::provider::{EdgeKv as _, KvEntry};
    use miaobu_control::store::{Access, Db, Location};

    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"1")]).await;
    edge.get_until(HOST, "/a.txt", |answer| answer.status == 200).await;
    let record = edge.store(2, &[("/a.txt", b"2")]).await;
    let database = Location::Sqlite(edge.folder.path().join("miaobu.db"));
    let other = LocalEdgeKv::new(Db::open(&database, Access::ReadWrite).await.expect("the same database"));
    let entry = KvEntry { key: HOST.to_owned(), value: Some(record.to_json().into()), generation: 2 };
    other.write(vec![entry]).await.expect("a write");
    edge.get_until(HOST, "/a.txt", |answer| answer.text() == "2").await;
}

#[tokio::test]
async fn no_answer_mixes_two_deployments_while_records_change() {
    let edge = Arc::new(Edge::start().await);
    let body_of = |id: i64, path: &str| format!("{id} {path} ").repeat(3 * usize::try_from(id).unwrap_or(1) * 1000);
    let mut records = Vec::new();
    for id in 1..=8_i64 {
        let (small, large) = (format!("{id}"), body_of(id, "/large.txt"));
        let own = format!("/only-{id}.txt");
        records.push(
            edge.store(id, &[("/small.txt", small.as_bytes()), ("/large.txt", large.as_bytes()), (&own, b"own")]).await,
        );
    }
    edge.point(HOST, &records[0]).await;
    edge.get_until(HOST, "/small.txt", |answer| answer.status == 200).await;
    let flipping = Arc::new(AtomicBool::new(true));
    let visitors = (0..8).map(|_| {
        let (edge, flipping) = (Arc::clone(&edge), Arc::clone(&flipping));
        tokio::spawn(async move {
            let mut client = edge.connect().await;
            let mut seen = 0;
            while flipping.load(Ordering::SeqCst) {
                for path in ["/small.txt", "/large.txt", "/only-3.txt"] {
                    let answer = client.ask("GET", HOST, path, "").await;
                    let id: i64 = answer.header("x-miaobu-deployment").and_then(|id| id.parse().ok()).expect("an id");
                    match path {
                        "/small.txt" => assert_eq!(answer.text(), format!("{id}")),
                        "/large.txt" => assert_eq!(answer.text(), body_of(id, path)),
                        _ => assert_eq!(answer.status, if id == 3 { 200 } else { 404 }),
                    }
                    seen += 1;
                }
            }
            seen
        })
    });
    let visitors: Vec<_> = visitors.collect();
    for generation in 10..210 {
        let record = &records[generation % records.len()];
        edge.write(HOST, Some(record.to_json().into()), i64::try_from(generation).unwrap_or(0)).await;
        edge.get_until(HOST, "/small.txt", |answer| answer.text() == format!("{}", record.deployment_id)).await;
    }
    flipping.store(false, Ordering::SeqCst);
    let seen: i32 = join_all(visitors).await.into_iter().map(|seen| seen.expect("no visitor saw a mixture")).sum();
    assert!(seen > 0);
}

#[tokio::test]
async fn known_hosts_are_served_while_the_edge_kv_is_down_and_followed_afterwards() {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"1"), ("/not-asked-for-yet.txt", b"too")]).await;
    edge.deploy("unvisited.localhost", 2, &[("/a.txt", b"2")]).await;
    edge.get_until(HOST, "/a.txt", |answer| answer.status == 200).await;
    edge.kv.break_down(true);
    edge.deploy(HOST, 3, &[("/a.txt", b"3")]).await;
    for _ in 0..100 {
        assert_eq!(edge.get(HOST, "/a.txt").await.text(), "1");
    }
    assert_eq!(edge.get(HOST, "/not-asked-for-yet.txt").await.text(), "too");
    let unknown = edge.get("unvisited.localhost", "/a.txt").await;
    assert_eq!(unknown.status, 503);
    assert!(unknown.header("retry-after").is_some());
    edge.kv.break_down(false);
    edge.get_until(HOST, "/a.txt", |answer| answer.text() == "3").await;
    assert_eq!(edge.get("unvisited.localhost", "/a.txt").await.text(), "2");
}

#[tokio::test]
async fn known_hosts_are_served_without_the_database_file() {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"1")]).await;
    edge.get_until(HOST, "/a.txt", |answer| answer.status == 200).await;
    for name in ["miaobu.db", "miaobu.db-wal", "miaobu.db-shm"] {
        std::fs::remove_file(edge.folder.path().join(name)).expect("a file of the database");
    }
    for _ in 0..100 {
        assert_eq!(edge.get(HOST, "/a.txt").await.text(), "1");
    }
}

#[tokio::test]
async fn a_record_of_the_older_system_is_served_by_looking_for_its_files() {
    let edge = Edge::start().await;
    let record = r#"{"type":"static","oss_path":"projects/old/7","project_slug":"old","deployment_id":7,"commit_sha":"abc","updated_at":"2025-01-01T00:00:00Z"}"#;
    edge.write("old.localhost", Some(record.into()), 1).await;
    for (path, content) in [("index.html", "home"), ("docs/index.html", "docs"), ("app.js", "code")] {
        edge.put(&format!("projects/old/7/{path}"), content.as_bytes()).await;
    }
    for (path, body, content_type) in [
        ("/", "home", "text/html; charset=utf-8"),
        ("/docs/", "docs", "text/html; charset=utf-8"),
        ("/app.js", "code", "text/javascript; charset=utf-8"),
        ("/some/page", "home", "text/html; charset=utf-8"),
    ] {
        let answer = edge.get("old.localhost", path).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
    }
    let head = edge.ask("HEAD", "old.localhost", "/app.js", "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("4")));
}

#[tokio::test]
async fn a_site_blob_is_read_from_its_copy_when_the_edge_kv_lacks_it() {
    let edge = Edge::start().await;
    let record = edge.store(1, &[("/a.txt", b"1")]).await;
    edge.write(&site_key(1), None, 2).await;
    edge.point(HOST, &record).await;
    assert_eq!(edge.get(HOST, "/a.txt").await.text(), "1");

    let record = edge.store(3, &[("/a.txt", b"3")]).await;
    edge.write(&site_key(3), Some("broken".into()), 4).await;
    edge.point("other.localhost", &record).await;
    assert_eq!(edge.get("other.localhost", "/a.txt").await.text(), "3");
}

#[tokio::test]
async fn what_is_damaged_or_missing_is_said_and_never_guessed() {
    let edge = Edge::start().await;
    edge.write("damaged.localhost", Some("{\"type\":".into()), 1).await;
    assert_eq!(edge.get("damaged.localhost", "/").await.status, 500);

    let record = RouteRecord { site: Some(site_key(9)), ..RouteRecord::of_static("site", "projects/site/9", 9) };
    edge.point("absent.localhost", &record).await;
    assert_eq!(edge.get("absent.localhost", "/").await.status, 503);
    edge.put(&site_object("projects/site/9"), b"broken").await;
    edge.get_until("absent.localhost", "/", |answer| answer.status == 500).await;

    let record = edge.store(2, &[("/a.txt", b"whole"), ("/b.txt", b"gone")]).await;
    edge.put("projects/site/2/a.txt", b"of another length").await;
    std::fs::remove_file(edge.folder.path().join("objects/projects/site/2/b.txt")).expect("a stored file");
    edge.point(HOST, &record).await;
    for path in ["/a.txt", "/b.txt"] {
        let answer = edge.get(HOST, path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (502, Some("no-store")), "{path}");
    }
}

#[tokio::test]
async fn a_site_whose_value_only_leads_to_shards_is_read_from_its_whole_copy() {
    use miaobu_edge::build::{SiteBuilder, SiteSettings};

    let edge = Edge::start().await;
    let pages: Vec<_> = (0..100).map(|page| format!("/{page}.txt")).collect();
    let files: Vec<_> = pages.iter().map(|page| (page.as_str(), page.as_bytes())).collect();
    let record = edge.store(1, &files).await;
    let mut builder = SiteBuilder::new(SiteSettings::default());
    pages.iter().for_each(|page| builder.file(page, &[1; 32], 1).expect("a valid file"));
    let shards = builder.finish_within(2_000).expect("a site").shards.expect("a site in shards");
    edge.write(&site_key(1), Some(shards.main.into()), 2).await;
    edge.point(HOST, &record).await;
    let answer = edge.get_until(HOST, "/42.txt", |answer| answer.status != 421).await;
    assert_eq!((answer.status, answer.text()), (200, "/42.txt".to_owned()));
    assert_eq!(edge.get(HOST, "/none.txt").await.status, 404);
}

#[tokio::test]
async fn a_write_is_seen_by_whoever_asks_after_it_is_done_also_where_nothing_was_before() {
    let edge = Edge::start().await;
    for id in 1..=30 {
        let (known, new) = ("known.localhost", format!("new-{id}.localhost"));
        let record = edge.store(id, &[("/index.html", id.to_string().as_bytes())]).await;
        // Asked for at the same time, so that it may be read before the write and kept after it.
        let (asked, ()) = tokio::join!(edge.get(&new, "/"), edge.point(&new, &record));
        assert!(asked.status == 421 || asked.text() == id.to_string(), "{} {}", asked.status, asked.text());
        edge.point(known, &record).await;
        assert_eq!(edge.get(&new, "/").await.text(), id.to_string());
        assert_eq!(edge.get(known, "/").await.text(), id.to_string());
    }
}

#[tokio::test]
async fn a_panic_while_a_route_is_read_costs_one_answer_and_the_edge_goes_on_to_follow() {
    let edge = Edge::start().await;
    edge.deploy(HOST, 1, &[("/a.txt", b"1")]).await;
    edge.kv.panics_once.store(true, Ordering::SeqCst);
    assert_eq!(edge.get(HOST, "/a.txt").await.status, 503, "what nobody knows yet");
    assert_eq!(edge.get(HOST, "/a.txt").await.text(), "1");
    edge.kv.panics_once.store(true, Ordering::SeqCst);
    edge.deploy(HOST, 2, &[("/a.txt", b"2")]).await;
    edge.get_until(HOST, "/a.txt", |answer| answer.text() == "2").await;
    assert!(!edge.kv.panics_once.load(Ordering::SeqCst), "it did panic");
}
