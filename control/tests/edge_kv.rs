//! The edge KV of one machine.

use bytes::Bytes;
use miaobu_control::provider::local::LocalEdgeKv;
use miaobu_control::provider::{EdgeKv as _, KvEntry};

use crate::support::TestDatabase;

fn entry(key: &str, value: Option<&str>, generation: i64) -> KvEntry {
    KvEntry { key: key.to_owned(), value: value.map(|text| Bytes::copy_from_slice(text.as_bytes())), generation }
}

struct Kv {
    kv: LocalEdgeKv,
    _database: TestDatabase,
    _folder: tempfile::TempDir,
}

impl Kv {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = TestDatabase::create(folder.path()).await;
        Self { kv: LocalEdgeKv::new(database.db.clone()), _database: database, _folder: folder }
    }

    async fn write(&self, key: &str, value: Option<&str>, generation: i64) {
        self.kv.write(vec![entry(key, value, generation)]).await.expect("written");
    }

    async fn get(&self, key: &str) -> Option<String> {
        let value = self.kv.get(key).await.expect("readable")?;
        Some(String::from_utf8(value.to_vec()).expect("UTF-8"))
    }
}

#[tokio::test]
async fn a_late_writer_loses() {
    let kv = Kv::new().await;
    kv.write("a", Some("new"), 5).await;
    kv.write("a", Some("late"), 4).await;
    kv.write("a", Some("same"), 5).await;
    assert_eq!(kv.get("a").await.as_deref(), Some("new"));
    kv.write("a", None, 6).await;
    kv.write("a", Some("revived"), 5).await;
    assert_eq!(kv.get("a").await, None);
    kv.write("a", Some("newest"), 7).await;
    assert_eq!(kv.get("a").await.as_deref(), Some("newest"));
}

#[tokio::test]
async fn a_reader_learns_which_keys_changed_since_a_version() {
    let kv = Kv::new().await;
    kv.write("a", Some("1"), 1).await;
    kv.write("b", Some("1"), 1).await;
    let before = kv.kv.version().await.expect("a version");
    let mut newest = kv.kv.subscribe();
    newest.mark_unchanged();
    kv.write("a", Some("1"), 2).await;
    assert_eq!(kv.kv.changed_since(before).await.expect("changes"), [], "the value is the same");
    kv.kv.write(vec![entry("b", None, 2), entry("c", Some("1"), 1)]).await.expect("written");
    let after = kv.kv.version().await.expect("a version");
    assert!(newest.has_changed().expect("a writer") && *newest.borrow() == after);
    let mut changes = kv.kv.changed_since(before).await.expect("changes");
    changes.sort();
    assert_eq!(changes, [("b".to_owned(), after), ("c".to_owned(), after)]);
    assert_eq!(kv.kv.changed_since(after).await.expect("changes"), []);
}

#[tokio::test]
async fn writers_at_once_leave_the_largest_generation() {
    let kv = Kv::new().await;
    let texts: Vec<_> = (1..=30).map(|number: i64| (number, number.to_string())).collect();
    let writes = texts.iter().map(|(generation, text)| kv.write("a", Some(text), *generation));
    futures_util::future::join_all(writes).await;
    assert_eq!(kv.get("a").await.as_deref(), Some("30"));
}
