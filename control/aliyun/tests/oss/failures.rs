//! What goes wrong on the way to and from object storage.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use miaobu_aliyun::oss::{Attributes, Bucket, GetOptions, Location, Payload};
use miaobu_aliyun::{Error, ErrorKind};

use super::{CRC64, attributes, bucket, hello, location};
use crate::support::{Reply, Server, TestAmbient, settings};

#[tokio::test]
async fn what_was_stored_otherwise_than_it_was_sent_is_stored_again() {
    let wrong = Reply::ok("").with("x-oss-hash-crc64ecma", "1");
    let right = Reply::ok("").with("x-oss-hash-crc64ecma", CRC64);
    let server = Server::script([wrong, right]).await;
    bucket(&server).put("a", &hello(), &Attributes::default()).await.unwrap();
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_file_is_sent_from_its_start_at_every_attempt() {
    let right = Reply::ok("").with("x-oss-hash-crc64ecma", CRC64);
    let server = Server::script([Reply::Close, Reply::Silence, Reply::xml(500, "InternalError"), right]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hello world").unwrap();
    let payload = Payload::file(file.path()).await.unwrap();
    bucket(&server).put("a", &payload, &Attributes::default()).await.unwrap();
    assert!(server.received().iter().all(|request| request.body == b"hello world"));
    assert_eq!(server.received().len(), 4);
}

#[tokio::test]
async fn a_stream_is_never_sent_twice() {
    let server = Server::script([Reply::xml(503, "SlowDown"), Reply::ok("")]).await;
    let payload = Payload::stream(2, futures_util::stream::iter([Ok(Bytes::from_static(b"ab"))]));
    let error = bucket(&server).put("a", &payload, &Attributes::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_told_of() {
    let server = Server::script([Reply::ok("")]).await;
    let chunks = [Ok(Bytes::from_static(b"ab")), Err(std::io::Error::other("the disk is gone"))];
    let payload = Payload::stream(4, futures_util::stream::iter(chunks));
    let error = bucket(&server).put("a", &payload, &Attributes::default()).await.unwrap_err();
    assert!(!error.to_string().is_empty());
    assert!(server.received().is_empty(), "half an object is never stored");
}

#[tokio::test]
async fn storing_only_where_nothing_is_is_not_repeated_once_it_may_have_happened() {
    let only_new = Attributes { forbid_overwrite: true, ..attributes() };
    let server = Server::script([Reply::Close, Reply::ok("")]).await;
    let error = bucket(&server).put("a", &hello(), &only_new).await.unwrap_err();
    assert!(error.may_have_happened());
    let server = Server::script([Reply::xml(503, "SlowDown"), Reply::xml(409, "FileAlreadyExists")]).await;
    let error = bucket(&server).put("a", &hello(), &only_new).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(server.received()[1].header("x-oss-forbid-overwrite"), Some("true"));
}

#[tokio::test]
async fn an_object_that_is_cut_short_on_its_way_is_read_anew() {
    let whole = || Reply::ok("hello world").with("x-oss-hash-crc64ecma", CRC64);
    for broken in [
        Reply::Truncated(b"hello".to_vec()),
        Reply::Stalled(b"hello".to_vec()),
        Reply::ok("hello w0rld").with("x-oss-hash-crc64ecma", CRC64),
    ] {
        let server = Server::script([broken.clone(), whole()]).await;
        let bytes = bucket(&server).read("a", &GetOptions::default()).await.unwrap();
        assert_eq!(bytes, "hello world", "{broken:?}");
        assert_eq!(server.received().len(), 2, "{broken:?}");
    }
}

#[tokio::test]
async fn a_stream_of_an_object_that_is_cut_short_ends_with_an_error() {
    for broken in [
        Reply::Truncated(b"hello".to_vec()),
        Reply::Stalled(b"hello".to_vec()),
        Reply::ok("hello w0rld").with("x-oss-hash-crc64ecma", CRC64),
    ] {
        let server = Server::script([broken.clone()]).await;
        let object = bucket(&server).get("a", &GetOptions::default()).await.unwrap();
        let chunks: Vec<Result<Bytes, Error>> = object.into_stream().collect().await;
        let error = chunks.into_iter().last().unwrap().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Interrupted, "{broken:?}");
    }
}

#[tokio::test]
async fn a_failure_inside_of_a_success_is_a_failure() {
    let late = Reply::ok("<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><RequestId>R</RequestId></Error>");
    let copied = Reply::ok("<CopyObjectResult><ETag>\"E\"</ETag></CopyObjectResult>");
    let server = Server::script([late.clone(), copied, late.clone(), late.clone(), late.clone(), late]).await;
    let bucket = bucket(&server);
    assert_eq!(bucket.copy("a", "b", None).await.unwrap().etag, "\"E\"");
    let error = bucket.copy("a", "b", None).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Failing, Some("InternalError")));
}

#[tokio::test]
async fn a_list_that_is_none_is_read_again_and_then_given_up() {
    let server = Server::start(|_| Reply::ok("<html>Welcome</html>")).await;
    let error = bucket(&server).list_all("p").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted, "an empty list would have all of it deleted, or stored again");
    assert_eq!(server.received().len(), 4);
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_by_the_services() {
    let skewed = Reply::xml(403, "RequestTimeTooSkewed").with("date", "Thu, 15 Jan 2026 11:00:00 GMT");
    let server = Server::script([skewed, Reply::status(204, "")]).await;
    bucket(&server).delete("a").await.unwrap();
    let dates: Vec<_> =
        server.received().iter().map(|request| request.header("x-oss-date").unwrap().to_owned()).collect();
    assert_eq!(dates, ["20260115T083000Z", "20260115T110000Z"]);
}

#[tokio::test]
async fn a_key_that_would_be_taken_for_a_path_is_refused_before_it_is_sent() {
    let server = Server::script([]).await;
    let bucket = bucket(&server);
    for key in ["", "/a", "\\a", "a/../b", "..", "a/.", &"k".repeat(1024)] {
        let error = bucket.delete(key).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{key}");
    }
    assert!(server.received().is_empty());
}

#[test]
fn a_name_that_is_no_buckets_is_refused() {
    let ambient = Arc::new(TestAmbient::new());
    for name in ["", "ab", "Sites", "a/b", "a b", &"a".repeat(64)] {
        let location = Location { bucket: name.to_owned(), ..location("http://127.0.0.1:9") };
        assert_eq!(Bucket::new(location, settings(&ambient)).unwrap_err().kind, ErrorKind::Invalid, "{name}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_ours_already_is_made() {
    let server = Server::script([
        Reply::ok(""),
        Reply::xml(409, "BucketAlreadyOwnedByYou"),
        Reply::xml(409, "BucketAlreadyExists"),
    ])
    .await;
    let bucket = bucket(&server);
    bucket.create().await.unwrap();
    bucket.create().await.unwrap();
    assert_eq!(bucket.create().await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(server.received()[0].header("x-oss-acl"), Some("private"));
}
