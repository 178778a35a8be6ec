//! Objects in parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::oss::{Part, Payload, UploadPlan};
use tokio::sync::Barrier;

use super::{BUCKET, attributes, bucket};
use crate::support::{Received, Reply, Server, oss4_is_signed};

const PLAN: UploadPlan = UploadPlan { part_size: 100, concurrency: 4 };

fn file(length: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn initiated() -> Reply {
    Reply::ok("<InitiateMultipartUploadResult><UploadId>U/1</UploadId></InitiateMultipartUploadResult>")
}

fn completed() -> Reply {
    Reply::ok("<CompleteMultipartUploadResult><ETag>\"E-8\"</ETag></CompleteMultipartUploadResult>")
        // The checksum of the whole, and not of what was sent to complete it.
        .with("x-oss-hash-crc64ecma", "12345")
}

fn part(request: &Received) -> Option<usize> {
    request.parameter("partNumber").map(|number| number.parse().unwrap())
}

#[tokio::test]
async fn a_large_file_is_stored_in_parts_so_many_at_once_and_no_more() {
    let barrier = Arc::new(Barrier::new(4));
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let server = Server::start(move |request| match part(request) {
        Some(number) => {
            // Four requests have to be here before any is answered; a fifth would be counted.
            let here = now.fetch_add(1, Ordering::SeqCst) % 4 + 1;
            seen.fetch_max(here, Ordering::SeqCst);
            let etag = Reply::ok("").with("etag", format!("\"P{number}\""));
            Reply::Together(barrier.clone(), Box::new(etag))
        }
        None if request.parameter("uploads").is_some() => initiated(),
        None => completed(),
    })
    .await;
    let file = file(750);
    let stored = bucket(&server).put_file("big", file.path(), &attributes(), PLAN).await.unwrap();
    assert_eq!(stored.etag, "\"E-8\"");
    assert_eq!(most.load(Ordering::SeqCst), 4);

    let received = server.received();
    assert!(received.iter().all(|request| oss4_is_signed(request, BUCKET)));
    assert_eq!(received[0].header("x-oss-meta-deployment"), Some("7"), "attributes are given at the beginning");
    let mut parts: Vec<_> = received.iter().filter(|request| part(request).is_some()).collect();
    parts.sort_by_key(|request| part(request));
    let whole: Vec<u8> = parts.iter().flat_map(|request| request.body.clone()).collect();
    assert_eq!(whole, std::fs::read(file.path()).unwrap());
    assert_eq!(
        parts.iter().map(|request| request.body.len()).collect::<Vec<_>>(),
        [100, 100, 100, 100, 100, 100, 100, 50]
    );
    assert!(parts.iter().all(|request| request.parameter("uploadId") == Some("U/1")));
    let last = received.last().unwrap().text();
    assert!(
        last.starts_with("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;P1&quot;</ETag></Part>")
    );
    assert_eq!(last.matches("<Part>").count(), 8);
}

#[tokio::test]
async fn a_small_file_is_stored_in_one_piece() {
    let server = Server::script([Reply::ok("")]).await;
    bucket(&server).put_file("small", file(100).path(), &attributes(), PLAN).await.unwrap();
    assert_eq!(server.received()[0].method, "PUT");
}

#[tokio::test]
async fn a_part_that_fails_for_good_leaves_no_parts_behind() {
    let server = Server::start(|request| match (part(request), request.method.as_str()) {
        (Some(3), _) => Reply::xml(403, "AccessDenied"),
        (Some(_), _) => Reply::ok("").with("etag", "\"P\""),
        (None, "DELETE") => Reply::status(204, ""),
        (None, _) => initiated(),
    })
    .await;
    let error = bucket(&server).put_file("big", file(950).path(), &attributes(), PLAN).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    let last = server.received().pop().unwrap();
    assert_eq!((last.method.as_str(), last.parameter("uploadId")), ("DELETE", Some("U/1")));
}

#[tokio::test]
async fn one_part_that_fails_once_is_sent_again_alone() {
    let failed = AtomicUsize::new(0);
    let server = Server::start(move |request| match part(request) {
        Some(2) if failed.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Close,
        Some(_) => Reply::ok("").with("etag", "\"P\""),
        None if request.parameter("uploads").is_some() => initiated(),
        None => completed(),
    })
    .await;
    bucket(&server).put_file("big", file(300).path(), &attributes(), PLAN).await.unwrap();
    let mut numbers: Vec<_> = server.received().iter().filter_map(part).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 2, 3]);
}

#[tokio::test]
async fn completing_is_not_repeated_once_it_may_have_happened() {
    let server = Server::script([Reply::Close, completed()]).await;
    let parts = [Part { number: 1, etag: "\"P\"".into(), size: 1 }];
    let error = bucket(&server).complete_upload("big", "U", &parts).await.unwrap_err();
    assert!(error.may_have_happened());
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_upload_can_be_taken_up_again_by_its_parts() {
    let page = |part: &str, more: &str| Reply::ok(format!("<ListPartsResult>{part}{more}</ListPartsResult>"));
    let part = |number| format!("<Part><PartNumber>{number}</PartNumber><ETag>\"P\"</ETag><Size>100</Size></Part>");
    let server = Server::script([
        page(&part(1), "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"),
        page(&part(2), "<IsTruncated>false</IsTruncated>"),
        Reply::ok("").with("etag", "\"P\""),
        Reply::xml(404, "NoSuchUpload"),
    ])
    .await;
    let bucket = bucket(&server);
    let parts = bucket.list_parts("big", "U").await.unwrap();
    assert_eq!(parts.iter().map(|part| (part.number, part.size)).collect::<Vec<_>>(), [(1, 100), (2, 100)]);
    let payload = Payload::from(Bytes::from_static(b"x"));
    assert_eq!(bucket.put_part("big", "U", 3, &payload).await.unwrap().number, 3);
    bucket.abort_upload("big", "U").await.unwrap();
    assert_eq!(server.received()[1].parameter("part-number-marker"), Some("1"));
}
