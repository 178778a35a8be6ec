//! Object storage.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use miaobu_aliyun::oss::{
    Attributes, Bucket, Dialect, FormPolicy, GetOptions, ListOptions, Part, Payload, Range, UploadPlan,
};
use miaobu_aliyun::{Credentials, ErrorKind};

use crate::support::{KEY, World};

fn text(text: &str) -> Payload {
    Payload::from(text.to_owned())
}

async fn put(bucket: &Bucket, keys: &[&str]) {
    for key in keys {
        bucket.put(key, &text(key), &Attributes::default()).await.unwrap();
    }
}

fn html() -> Attributes {
    Attributes {
        content_type: Some("text/html; charset=utf-8".into()),
        cache_control: Some("no-cache".into()),
        content_encoding: Some("br".into()),
        content_disposition: Some("inline".into()),
        metadata: [("deployment".to_owned(), "7".to_owned())].into(),
        forbid_overwrite: false,
    }
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_stored() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    let stored = bucket.put("a b/你&<+.html", &text("hello world"), &html()).await.unwrap();
    assert_eq!(stored.etag, "\"5EB63BBBE01EEED093CB22BB8F5ACDC3\"");
    let head = bucket.head("a b/你&<+.html", &GetOptions::default()).await.unwrap();
    assert_eq!((head.size, head.attributes.clone(), head.etag.clone()), (11, html(), stored.etag));
    assert_eq!(
        (head.crc64, head.last_modified.as_str()),
        (Some(5_981_764_153_023_615_706), "Thu, 15 Jan 2026 08:30:00 GMT")
    );
    assert_eq!(bucket.read("a b/你&<+.html", &GetOptions::default()).await.unwrap(), "hello world");
    bucket.delete("a b/你&<+.html").await.unwrap();
    bucket.delete("a b/你&<+.html").await.unwrap();
    let error = bucket.head("a b/你&<+.html", &GetOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("NoSuchKey")));
    let error = bucket.read("a b/你&<+.html", &GetOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("NoSuchKey")));
}

#[tokio::test]
async fn parts_and_conditions_are_honoured() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    let etag = bucket.put("a", &text("hello world"), &Attributes::default()).await.unwrap().etag;
    let get = async |options: GetOptions| bucket.get("a", &options).await;
    let range = async |range| get(GetOptions { range: Some(range), ..GetOptions::default() }).await;
    for (wanted, expected) in [
        (Range::Between(0, 4), "hello"),
        (Range::From(6), "world"),
        (Range::Last(3), "rld"),
        (Range::Between(6, 999), "world"),
    ] {
        assert_eq!(range(wanted).await.unwrap().into_bytes().await.unwrap(), expected);
    }
    let error = range(Range::From(11)).await.unwrap_err();
    assert_eq!((error.status, error.code.as_deref()), (Some(416), Some("InvalidRange")));
    let status = async |options| get(options).await.map_err(|error| error.status).map(|object| object.length);
    let now = || Some("Thu, 15 Jan 2026 08:30:00 GMT".to_owned());
    let before = || Some("Thu, 15 Jan 2026 08:29:59 GMT".to_owned());
    let none = GetOptions::default;
    let other = || Some("\"other\"".to_owned());
    assert_eq!(status(GetOptions { if_none_match: Some(etag.clone()), ..none() }).await, Err(Some(304)));
    assert_eq!(status(GetOptions { if_none_match: other(), ..none() }).await, Ok(11));
    assert_eq!(status(GetOptions { if_match: Some(etag), ..none() }).await, Ok(11));
    assert_eq!(status(GetOptions { if_match: other(), ..none() }).await, Err(Some(412)));
    assert_eq!(status(GetOptions { if_modified_since: now(), ..none() }).await, Err(Some(304)));
    assert_eq!(status(GetOptions { if_modified_since: before(), ..none() }).await, Ok(11));
    assert_eq!(status(GetOptions { if_unmodified_since: now(), ..none() }).await, Ok(11));
    assert_eq!(status(GetOptions { if_unmodified_since: before(), ..none() }).await, Err(Some(412)));
}

#[tokio::test]
async fn lists_come_in_pages_in_the_order_of_bytes_and_by_folders() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    put(&bucket, &["p/a b", "p/d/1", "p/d/2", "p/e/1", "p/z", "p/你", "q", "P"]).await;
    let keys: Vec<_> = bucket.list_all("p/").await.unwrap().into_iter().map(|listed| listed.key).collect();
    assert_eq!(keys, ["p/a b", "p/d/1", "p/d/2", "p/e/1", "p/z", "p/你"]);
    assert_eq!(bucket.list_all("").await.unwrap().len(), 8);
    assert!(bucket.list_all("nothing").await.unwrap().is_empty());
    for most in 1..=6 {
        let options =
            ListOptions { prefix: "p/".into(), delimiter: Some("/".into()), max_keys: Some(most), start_after: None };
        let (mut objects, mut prefixes, mut next) = (Vec::new(), Vec::new(), None);
        loop {
            let page = bucket.list(&options, next.as_deref()).await.unwrap();
            assert!(page.objects.len() + page.prefixes.len() <= most as usize);
            objects.extend(page.objects.into_iter().map(|listed| listed.key));
            prefixes.extend(page.prefixes);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(objects, ["p/a b", "p/z", "p/你"], "{most} at a time");
        assert_eq!(prefixes, ["p/d/", "p/e/"], "{most} at a time");
    }
    let after = ListOptions { prefix: "p/".into(), start_after: Some("p/e/1".into()), ..ListOptions::default() };
    assert_eq!(bucket.list(&after, None).await.unwrap().objects.len(), 2);
}

#[tokio::test]
async fn objects_are_deleted_together_and_a_bucket_only_when_it_is_empty() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    put(&bucket, &["a/你 <&>", "b", "c"]).await;
    let error = bucket.delete_bucket().await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Conflict, Some("BucketNotEmpty")));
    bucket.delete_all(&["a/你 <&>", "b", "c", "never there"]).await.unwrap();
    assert!(bucket.list_all("").await.unwrap().is_empty());
    bucket.delete_bucket().await.unwrap();
    let error = bucket.list_all("").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("NoSuchBucket")));
}

#[tokio::test]
async fn an_object_is_copied_with_or_without_what_is_beside_it() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    bucket.put("from 你", &text("hello"), &html()).await.unwrap();
    bucket.copy("from 你", "to", None).await.unwrap();
    assert_eq!(bucket.head("to", &GetOptions::default()).await.unwrap().attributes, html());
    let other = Attributes { cache_control: Some("max-age=1".into()), ..Attributes::default() };
    bucket.copy("to", "to", Some(&other)).await.unwrap();
    let attributes = bucket.head("to", &GetOptions::default()).await.unwrap().attributes;
    assert_eq!((attributes.cache_control.as_deref(), attributes.metadata.len()), (Some("max-age=1"), 0));
    assert_eq!(bucket.copy("nothing", "to", None).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn what_must_not_be_overwritten_is_not() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    let only_new = Attributes { forbid_overwrite: true, ..Attributes::default() };
    bucket.put("a", &text("first"), &only_new).await.unwrap();
    let error = bucket.put("a", &text("second"), &only_new).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Conflict, Some("FileAlreadyExists")));
    assert_eq!(bucket.read("a", &GetOptions::default()).await.unwrap(), "first");
}

#[tokio::test]
async fn a_large_file_is_put_together_from_parts() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..750_000_u32).map(|index| index.to_be_bytes()[3] ^ index.to_be_bytes()[2]).collect();
    std::fs::write(file.path(), &bytes).unwrap();
    let plan = UploadPlan { part_size: 200_000, concurrency: 3 };
    let stored = bucket.put_file("big", file.path(), &html(), plan).await.unwrap();
    assert!(stored.etag.ends_with("-4\""), "{}", stored.etag);
    assert_eq!(bucket.read("big", &GetOptions::default()).await.unwrap(), bytes);
    assert_eq!(bucket.head("big", &GetOptions::default()).await.unwrap().attributes, html());
}

#[tokio::test]
async fn parts_have_their_rules() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    let upload = bucket.begin_upload("big", &Attributes::default()).await.unwrap();
    let small = |number| Part { number, etag: String::new(), size: 0 };
    let first = bucket.put_part("big", &upload, 1, &text("small")).await.unwrap();
    let second = bucket.put_part("big", &upload, 2, &text("small too")).await.unwrap();
    assert_eq!(bucket.list_parts("big", &upload).await.unwrap(), [first.clone(), second.clone()]);
    let code = async |parts: &[Part]| bucket.complete_upload("big", &upload, parts).await.unwrap_err().code.unwrap();
    assert_eq!(code(&[first.clone(), second.clone()]).await, "EntityTooSmall");
    assert_eq!(code(&[second.clone(), first.clone()]).await, "InvalidPartOrder");
    assert_eq!(code(&[small(3)]).await, "InvalidPart");
    assert_eq!(bucket.delete_bucket().await.unwrap_err().kind, ErrorKind::Conflict, "an upload is something too");
    bucket.complete_upload("big", &upload, &[second]).await.unwrap();
    assert_eq!(bucket.read("big", &GetOptions::default()).await.unwrap(), "small too");
    assert_eq!(code(&[first]).await, "NoSuchUpload");
    let upload = bucket.begin_upload("other", &Attributes::default()).await.unwrap();
    bucket.abort_upload("other", &upload).await.unwrap();
    bucket.abort_upload("other", &upload).await.unwrap();
}

#[tokio::test]
async fn a_form_allows_what_its_policy_says() {
    let world = World::new().await;
    let bucket = world.bucket().await;
    let policy = FormPolicy { key: "up/a.js".into(), size: (1, 10), expires_in: Duration::from_secs(60) };
    let form = bucket.form(&policy).await.unwrap();
    bucket.put_form(&form, "text/javascript", Bytes::from_static(b"code\r\n--x")).await.unwrap();
    assert_eq!(bucket.read("up/a.js", &GetOptions::default()).await.unwrap(), "code\r\n--x");
    let head = bucket.head("up/a.js", &GetOptions::default()).await.unwrap();
    assert_eq!(head.attributes.content_type.as_deref(), Some("text/javascript"));
    let put = async |form, file| bucket.put_form(form, "text/plain", Bytes::from_static(file)).await.unwrap_err();
    assert!(put(&form, b"eleven byte").await.has_code("EntityTooLarge"));
    assert!(put(&form, b"").await.has_code("AccessDenied"));
    let mut other = form.clone();
    other.fields.iter_mut().filter(|(name, _)| name == "key").for_each(|(_, key)| *key = "elsewhere".into());
    let error = put(&other, b"code").await;
    assert!(error.has_code("AccessDenied") && error.message.contains("Policy Condition failed"), "{error}");
    let mut forged = form.clone();
    forged.fields.iter_mut().filter(|(name, _)| name == "policy").for_each(|(_, policy)| policy.insert(0, 'e'));
    assert!(put(&forged, b"code").await.has_code("SignatureDoesNotMatch"));
    world.ambient.pass(TimeDelta::seconds(61));
    assert!(put(&form, b"code").await.message.contains("Policy expired"));
}

#[tokio::test]
async fn the_same_bucket_is_spoken_to_in_the_dialect_of_s3() {
    let world = World::new().await;
    let ours = world.bucket().await;
    let s3 = |secret: &str| world.bucket_in(Dialect::S3, Credentials::new(KEY.0, secret));
    let bucket = s3(KEY.1);
    let key = "a b/你&<+.html";
    bucket.put(key, &text("hello world"), &html()).await.unwrap();
    let head = bucket.head(key, &GetOptions::default()).await.unwrap();
    assert_eq!((head.size, head.attributes), (11, html()));
    assert_eq!(ours.read(key, &GetOptions::default()).await.unwrap(), "hello world", "it is one store");
    let only_new = Attributes { forbid_overwrite: true, ..html() };
    let error = bucket.put(key, &text("again"), &only_new).await.unwrap_err();
    assert_eq!(error.status, Some(412), "{error:?}");
    bucket.copy(key, "copy/1", None).await.unwrap();
    put(&bucket, &["copy/2", "copy/3"]).await;
    let options = ListOptions { prefix: "copy/".into(), max_keys: Some(2), ..ListOptions::default() };
    let page = bucket.list(&options, None).await.unwrap();
    assert_eq!(page.objects.len(), 2);
    assert_eq!(bucket.list(&options, page.next.as_deref()).await.unwrap().objects[0].key, "copy/3");
    bucket.delete_all(&["copy/1", "copy/2", "copy/3"]).await.unwrap();
    assert_eq!(bucket.list_all("copy/").await.unwrap(), []);
    let address = bucket.presign(reqwest::Method::GET, key, Duration::from_secs(60), &[]).await.unwrap();
    assert_eq!(reqwest::get(&address).await.unwrap().text().await.unwrap(), "hello world");
    let forged = reqwest::get(address.replace("X-Amz-Expires=60", "X-Amz-Expires=90")).await.unwrap();
    assert_eq!(forged.status(), 403);
    world.ambient.pass(TimeDelta::minutes(2));
    assert_eq!(reqwest::get(&address).await.unwrap().status(), 403, "its time is over");
    let error = bucket.read("nothing", &GetOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("NoSuchKey")));
    let error = s3("wrong").read(key, &GetOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, Some("SignatureDoesNotMatch")));
}
