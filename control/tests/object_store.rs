//! The suite that every object store passes, and what is special to the local one.

use std::os::unix::fs::symlink;
use std::path::Path;

use bytes::Bytes;
use miaobu_aliyun::oss::Dialect;
use miaobu_control::provider::local::LocalObjectStore;
use miaobu_control::provider::{ErrorKind, ObjectBody, ObjectKey, ObjectStore};
use miaobu_emulator::Fault;

use crate::support::Aliyun;

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("a key")
}

async fn read(store: &dyn ObjectStore, text: &str) -> Option<Vec<u8>> {
    let object = store.get(&key(text)).await.expect("the store works")?;
    let bytes = match object.body {
        ObjectBody::Bytes(bytes) => bytes.to_vec(),
        ObjectBody::File(mut file) => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).expect("readable");
            bytes
        }
    };
    assert_eq!(bytes.len() as u64, object.size_bytes);
    Some(bytes)
}

/// What the trait promises.
async fn keeps_its_promises(store: &dyn ObjectStore, folder: &Path) {
    assert_eq!(read(store, "a/b").await, None);
    store.put(&key("a/b"), Bytes::from_static(b"one")).await.expect("stored");
    store.put(&key("a/b"), Bytes::from_static(b"one")).await.expect("stored again");
    assert_eq!(read(store, "a/b").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(read(store, "a").await, None, "a folder is no object");
    store.put(&key("ü/空 %2e"), Bytes::new()).await.expect("stored");
    assert_eq!(read(store, "ü/空 %2e").await.as_deref(), Some(&b""[..]));

    let file = folder.join("incoming");
    std::fs::write(&file, "from a file").expect("written");
    store.put_file(&key("f/1"), &file).await.expect("stored");
    assert_eq!(read(store, "f/1").await.as_deref(), Some(&b"from a file"[..]));

    let pairs = vec![(key("a/b"), key("copy/b")), (key("f/1"), key("copy/deep/er/1"))];
    store.copy_all(pairs.clone()).await.expect("copied");
    store.copy_all(pairs).await.expect("copied again");
    assert_eq!(read(store, "copy/deep/er/1").await.as_deref(), Some(&b"from a file"[..]));
    let missing = store.copy_all(vec![(key("nothing"), key("copy/x"))]).await.expect_err("nothing to copy");
    assert_eq!(missing.kind, ErrorKind::NotFound);

    let mut keys: Vec<_> = store.list(&key("copy")).await.expect("listed").iter().map(ToString::to_string).collect();
    keys.sort();
    assert_eq!(keys, ["copy/b", "copy/deep/er/1"]);
    assert_eq!(store.list(&key("cop")).await.expect("listed"), [], "a prefix ends at a slash");

    store.delete_prefix(&key("copy")).await.expect("deleted");
    store.delete_prefix(&key("copy")).await.expect("deleted again");
    assert_eq!(store.list(&key("copy")).await.expect("listed"), []);
    assert_eq!(read(store, "a/b").await.as_deref(), Some(&b"one"[..]), "a copy is an object of its own");
    store.delete_all(vec![key("a/b"), key("never/was")]).await.expect("deleted");
    assert_eq!(read(store, "a/b").await, None);
}

#[tokio::test]
async fn the_local_store_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalObjectStore::open(folder.path().join("objects")).expect("opened");
    keeps_its_promises(&store, folder.path()).await;
}

#[tokio::test]
async fn a_bucket_keeps_the_same_promises() {
    let aliyun = Aliyun::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    keeps_its_promises(&aliyun.objects(), folder.path()).await;
}

#[tokio::test]
async fn a_bucket_that_speaks_s3_keeps_them_too() {
    let aliyun = Aliyun::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    keeps_its_promises(&aliyun.objects_in(Dialect::S3), folder.path()).await;
}

#[tokio::test]
async fn a_bucket_keeps_them_while_calls_fail_are_throttled_and_lose_their_answers() {
    let aliyun = Aliyun::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let faults = aliyun.emulator.faults();
    for method in ["PUT", "GET", "POST", "DELETE", "HEAD"] {
        faults.plan("oss", method, Fault::Throttle, 1);
        faults.plan("oss", method, Fault::Break, 1);
        faults.plan("oss", method, Fault::Fail, 1);
        faults.plan("oss-answer", method, Fault::Break, 1);
    }
    keeps_its_promises(&aliyun.objects(), folder.path()).await;
}

#[tokio::test]
async fn a_bucket_out_of_reach_fails_for_now_and_not_for_good() {
    let aliyun = Aliyun::start().await;
    let store = aliyun.objects();
    aliyun.emulator.faults().plan("oss", "", Fault::Fail, 1000);
    let error = store.put(&key("a"), Bytes::from_static(b"x")).await.expect_err("the service is broken");
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(store.get(&key("a")).await.expect_err("the service is broken").kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_large_object_of_a_bucket_comes_as_a_file_and_goes_in_parts() {
    let aliyun = Aliyun::start().await;
    let store = aliyun.objects();
    let folder = tempfile::tempdir().expect("a folder");
    let large: Vec<u8> = (0..9_000_000_u32).map(|number| (number % 251) as u8).collect();
    let file = folder.path().join("large");
    std::fs::write(&file, &large).expect("written");
    store.put_file(&key("large"), &file).await.expect("stored");
    assert!(!file.exists(), "the file is the store's");
    let object = store.get(&key("large")).await.expect("readable").expect("there");
    assert!(matches!(object.body, ObjectBody::File(_)));
    assert!(object.into_bytes().expect("readable") == large);
}

#[tokio::test]
async fn thousands_are_copied_in_one_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalObjectStore::open(folder.path()).expect("opened");
    store.put(&key("blob"), Bytes::from_static(b"x")).await.expect("stored");
    let pairs = (0..5000).map(|number| (key("blob"), key(&format!("tree/{}/{number}", number % 7)))).collect();
    store.copy_all(pairs).await.expect("copied");
    assert_eq!(store.list(&key("tree")).await.expect("listed").len(), 5000);
}

#[tokio::test]
async fn the_local_store_follows_no_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("objects");
    let store = LocalObjectStore::open(&root).expect("opened");
    std::fs::write(folder.path().join("secret"), "secret").expect("written");
    symlink(folder.path().join("secret"), root.join("link")).expect("linked");
    symlink(folder.path(), root.join("folder")).expect("linked");
    assert_eq!(read(&store, "link").await, None);
    assert_eq!(read(&store, "folder/secret").await, None);
}

#[tokio::test]
async fn no_key_leads_out_of_the_local_store_or_into_its_scratch_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalObjectStore::open(folder.path().join("objects")).expect("opened");
    for text in ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b"] {
        assert!(ObjectKey::parse(text).is_err(), "{text:?}");
    }
    let denied = store.put(&key(".scratch/x"), Bytes::new()).await.expect_err("denied");
    assert_eq!(denied.kind, ErrorKind::Denied);
}

#[tokio::test]
async fn what_a_former_process_left_half_written_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalObjectStore::open(folder.path()).expect("opened");
    store.put(&key("kept"), Bytes::from_static(b"x")).await.expect("stored");
    std::fs::write(folder.path().join(".scratch/7"), "half").expect("written");
    let store = LocalObjectStore::open(folder.path()).expect("opened again");
    assert!(!folder.path().join(".scratch/7").exists());
    assert_eq!(read(&store, "kept").await.as_deref(), Some(&b"x"[..]));
}

#[tokio::test]
async fn what_stands_in_the_way_is_an_error_and_not_a_wrong_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalObjectStore::open(folder.path()).expect("opened");
    store.put(&key("file"), Bytes::from_static(b"x")).await.expect("stored");
    assert!(store.put(&key("file/below"), Bytes::new()).await.is_err());
    assert_eq!(read(&store, "file/below").await, None);
    assert_eq!(read(&store, "file").await.as_deref(), Some(&b"x"[..]));
}
