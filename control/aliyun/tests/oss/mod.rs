//! Object storage, of both dialects.

mod failures;
mod multipart;
mod s3;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use miaobu_aliyun::oss::{
    Addressing, Attributes, Bucket, Dialect, FormPolicy, GetOptions, ListOptions, Location, Payload, Range,
};
use miaobu_aliyun::{Credentials, ErrorKind, Settings};
use reqwest::Method;

use crate::support::{Reply, Server, TestAmbient, oss4_is_signed, settings};

const BUCKET: &str = "sites";
/// The checksum of `hello world`.
const CRC64: &str = "5981764153023615706";

fn location(endpoint: &str) -> Location {
    Location {
        endpoint: endpoint.to_owned(),
        region: "cn-hangzhou".to_owned(),
        bucket: BUCKET.to_owned(),
        dialect: Dialect::Oss,
        addressing: Addressing::Host,
    }
}

fn bucket(server: &Server) -> Bucket {
    Bucket::new(location(&server.endpoint()), settings(&Arc::new(TestAmbient::new()))).unwrap()
}

fn hello() -> Payload {
    Payload::from(Bytes::from_static(b"hello world"))
}

fn attributes() -> Attributes {
    Attributes {
        content_type: Some("text/html; charset=utf-8".into()),
        cache_control: Some("no-cache".into()),
        metadata: [("deployment".to_owned(), "7".to_owned())].into(),
        ..Attributes::default()
    }
}

#[tokio::test]
async fn an_object_is_stored_with_what_is_beside_its_bytes() {
    let stored = Reply::ok("").with("etag", "\"5EB63BBBE01EEED093CB22BB8F5ACDC3\"").with("x-oss-hash-crc64ecma", CRC64);
    let server = Server::script([stored]).await;
    let stored = bucket(&server).put("a b/你.html", &hello(), &attributes()).await.unwrap();
    assert_eq!(stored.etag, "\"5EB63BBBE01EEED093CB22BB8F5ACDC3\"");
    let [request] = &server.received()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/sites/a%20b/%E4%BD%A0.html"));
    assert_eq!(request.body, b"hello world");
    assert_eq!(request.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(request.header("cache-control"), Some("no-cache"));
    assert_eq!(request.header("x-oss-meta-deployment"), Some("7"));
    assert_eq!(request.header("x-oss-content-sha256"), Some("UNSIGNED-PAYLOAD"));
    assert!(oss4_is_signed(request, BUCKET));
}

#[tokio::test]
async fn the_bucket_stands_before_the_host_unless_the_address_says_otherwise() {
    let address = async |endpoint: &str, addressing| {
        let location = Location { addressing, ..location(endpoint) };
        let bucket = Bucket::new(location, settings(&Arc::new(TestAmbient::new()))).unwrap();
        let address = bucket.presign(Method::GET, "a b.txt", Duration::from_secs(60), &[]).await.unwrap();
        address.split('?').next().unwrap().to_owned()
    };
    for (endpoint, addressing, expected) in [
        ("oss-cn-hangzhou.aliyuncs.com", Addressing::Host, "https://sites.oss-cn-hangzhou.aliyuncs.com/a%20b.txt"),
        ("http://127.0.0.1:9", Addressing::Host, "http://127.0.0.1:9/sites/a%20b.txt"),
        ("http://localhost:9", Addressing::Host, "http://localhost:9/sites/a%20b.txt"),
        ("https://minio.example.com", Addressing::Path, "https://minio.example.com/sites/a%20b.txt"),
        ("https://files.example.com", Addressing::Domain, "https://files.example.com/a%20b.txt"),
        ("http://127.0.0.1:9", Addressing::Domain, "http://127.0.0.1:9/a%20b.txt"),
    ] {
        assert_eq!(address(endpoint, addressing).await, expected);
    }
}

#[tokio::test]
async fn an_address_can_be_given_away_for_a_while() {
    let ambient = Arc::new(TestAmbient::new());
    let credentials = Arc::new(Credentials::new("id", "secret").with_security_token("token"));
    let settings = Settings { credentials, ..settings(&ambient) };
    let bucket = Bucket::new(location("oss-cn-hangzhou.aliyuncs.com"), settings).unwrap();
    let address = bucket.presign(Method::GET, "a", Duration::from_secs(99_999_999), &[]).await.unwrap();
    let query = address.split_once('?').unwrap().1;
    for part in
        ["x-oss-expires=604800", "x-oss-date=20260115T083000Z", "x-oss-security-token=token", "x-oss-signature="]
    {
        assert!(query.contains(part), "{part}: {address}");
    }
}

#[tokio::test]
async fn an_object_is_read_in_whole_or_in_part() {
    let whole = Reply::ok("hello world")
        .with("etag", "\"E\"")
        .with("content-type", "text/plain")
        .with("last-modified", "Thu, 15 Jan 2026 08:00:00 GMT")
        .with("x-oss-meta-deployment", "7")
        .with("x-oss-hash-crc64ecma", CRC64);
    let part = Reply::status(206, "world").with("content-range", "bytes 6-10/11").with("x-oss-hash-crc64ecma", CRC64);
    let server = Server::script([whole, part.clone(), part]).await;
    let bucket = bucket(&server);
    let object = bucket.get("a", &GetOptions::default()).await.unwrap();
    assert_eq!((object.length, object.head.size, object.head.crc64), (11, 11, CRC64.parse().ok()));
    assert_eq!(object.head.attributes.content_type.as_deref(), Some("text/plain"));
    assert_eq!(object.head.attributes.metadata["deployment"], "7");
    assert_eq!(object.into_bytes().await.unwrap(), "hello world");
    for (range, header) in [(Range::Between(6, 10), "bytes=6-10"), (Range::Last(5), "bytes=-5")] {
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let object = bucket.get("a", &options).await.unwrap();
        assert_eq!((object.length, object.head.size), (5, 11));
        assert_eq!(object.into_bytes().await.unwrap(), "world", "the checksum is of the whole, and not looked at");
        let request = server.received().pop().unwrap();
        assert_eq!(request.header("range"), Some(header));
        assert_eq!(request.header("x-oss-range-behavior"), Some("standard"), "or OSS sends all of it");
        assert!(oss4_is_signed(&request, BUCKET));
    }
}

#[tokio::test]
async fn conditions_are_told_apart_by_their_status() {
    let server = Server::script([Reply::status(304, ""), Reply::xml(412, "PreconditionFailed")]).await;
    let bucket = bucket(&server);
    let unless = GetOptions { if_none_match: Some("\"E\"".into()), ..GetOptions::default() };
    let error = bucket.get("a", &unless).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Precondition, Some(304)));
    let only = GetOptions { if_match: Some("\"F\"".into()), ..GetOptions::default() };
    let error = bucket.get("a", &only).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Precondition, Some(412)));
    let received = server.received();
    assert_eq!(received[0].header("if-none-match"), Some("\"E\""));
    assert_eq!(received[1].header("if-match"), Some("\"F\""));
}

#[tokio::test]
async fn what_is_known_of_an_object_is_read_without_its_bytes() {
    let head = Reply::ok("").with("content-length", "12345").with("etag", "\"E\"");
    let missing = "PEVycm9yPjxDb2RlPk5vU3VjaEtleTwvQ29kZT48TWVzc2FnZT5nb25lPC9NZXNzYWdlPjwvRXJyb3I+";
    let missing = Reply::status(404, "").with("x-oss-err", missing).with("x-oss-request-id", "R-9");
    let server = Server::script([head, missing]).await;
    let bucket = bucket(&server);
    assert_eq!(bucket.head("a", &GetOptions::default()).await.unwrap().size, 12345);
    let error = bucket.head("a", &GetOptions::default()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("NoSuchKey")));
    assert_eq!((error.message.as_str(), error.request_id.as_deref()), ("gone", Some("R-9")));
    assert!(server.received().iter().all(|request| request.method == "HEAD" && oss4_is_signed(request, BUCKET)));
}

#[tokio::test]
async fn a_stream_of_known_length_is_stored_as_it_comes() {
    let server = Server::script([Reply::ok("").with("x-oss-hash-crc64ecma", CRC64)]).await;
    let chunks = ["hello", " ", "world"].map(|chunk| Ok(Bytes::from(chunk)));
    let payload = Payload::stream(11, futures_util::stream::iter(chunks));
    bucket(&server).put("a", &payload, &Attributes::default()).await.unwrap();
    assert_eq!(server.received()[0].body, b"hello world");
}

#[tokio::test]
async fn all_pages_of_a_list_are_read_and_keys_decoded() {
    let page = |contents: &str, more: &str| {
        Reply::ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>sites</Name><Prefix>p%2F</Prefix>\
             <EncodingType>url</EncodingType>{contents}{more}</ListBucketResult>"
        ))
    };
    let object = |key: &str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2020-05-18T05:45:43.000Z</LastModified><ETag>\"E\"</ETag>\
             <Size>7</Size><StorageClass>Standard</StorageClass></Contents>"
        )
    };
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t/+</NextContinuationToken>";
    let server = Server::script([
        page(&[object("p/a%20b"), object("p/%E4%BD%A0%26")].concat(), more),
        page(&object("p/z%2B"), "<IsTruncated>false</IsTruncated>"),
        page(
            "<CommonPrefixes><Prefix>p/d%C3%A9/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>p/e/</Prefix></CommonPrefixes>",
            "<IsTruncated>false</IsTruncated>",
        ),
        page("", "<IsTruncated>true</IsTruncated>"),
    ])
    .await;
    let bucket = bucket(&server);
    let keys: Vec<_> = bucket.list_all("p/").await.unwrap().into_iter().map(|listed| listed.key).collect();
    assert_eq!(keys, ["p/a b", "p/你&", "p/z+"]);
    let options = ListOptions { prefix: "p/".into(), delimiter: Some("/".into()), ..ListOptions::default() };
    let page = bucket.list(&options, None).await.unwrap();
    assert_eq!((page.prefixes, page.objects.len(), page.next), (vec!["p/dé/".into(), "p/e/".into()], 0, None));
    let error = bucket.list(&options, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted, "a list that does not say how it goes on is not taken for whole");
    let received = server.received();
    assert_eq!(received[1].parameter("continuation-token"), Some("t/+"));
    assert!(received.iter().all(|request| oss4_is_signed(request, BUCKET)));
}

#[tokio::test]
async fn the_lines_of_a_list_may_come_in_any_order() {
    let object = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
    let prefix = |prefix: &str| format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>");
    let lines = [object("a"), prefix("b/"), object("c"), prefix("d/")].concat();
    let server = Server::script([Reply::ok(format!("<ListBucketResult>{lines}</ListBucketResult>"))]).await;
    let page = bucket(&server).list(&ListOptions::default(), None).await.unwrap();
    assert_eq!(page.objects.into_iter().map(|listed| listed.key).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(page.prefixes, ["b/", "d/"]);
}

#[tokio::test]
async fn objects_are_deleted_by_the_thousand() {
    let server = Server::start(|request| {
        let keys = request.text().split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned());
        let deleted: String = keys.map(|key| format!("<Deleted><Key>{key}</Key></Deleted>")).collect();
        Reply::ok(format!("<DeleteResult>{deleted}</DeleteResult>"))
    })
    .await;
    let keys: Vec<_> = (0..2001).map(|number| format!("a<&>{number}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    bucket(&server).delete_all(&keys).await.unwrap();
    let received = server.received();
    let sizes: Vec<_> = received.iter().map(|request| request.text().matches("<Object>").count()).collect();
    assert_eq!(sizes, [1000, 1000, 1]);
    assert!(received[2].text().contains("<Key>a&lt;&amp;&gt;2000</Key>"), "{}", received[2].text());
    assert!(received.iter().all(|request| request.header("content-md5").is_some_and(|md5| md5.len() == 24)));
    assert!(received.iter().all(|request| oss4_is_signed(request, BUCKET)));
}

#[tokio::test]
async fn a_key_that_was_kept_is_a_failure() {
    let deleted = "<DeleteResult><EncodingType>url</EncodingType><Deleted><Key>a%2Fb</Key></Deleted></DeleteResult>";
    let server = Server::script([Reply::ok(deleted), Reply::ok(deleted)]).await;
    let bucket = bucket(&server);
    bucket.delete_all(&["a/b"]).await.unwrap();
    let error = bucket.delete_all(&["a/b", "c"]).await.unwrap_err();
    assert!(error.is_retryable() && error.message.contains("\"c\""), "{error}");
}

#[tokio::test]
async fn an_object_is_copied_inside_the_bucket() {
    let copied = "<CopyObjectResult><ETag>\"E\"</ETag><LastModified>x</LastModified></CopyObjectResult>";
    let server = Server::script([Reply::ok(copied), Reply::ok(copied)]).await;
    let bucket = bucket(&server);
    assert_eq!(bucket.copy("a b/你", "c", None).await.unwrap().etag, "\"E\"");
    bucket.copy("c", "c", Some(&attributes())).await.unwrap();
    let received = server.received();
    assert_eq!(received[0].header("x-oss-copy-source"), Some("/sites/a%20b/%E4%BD%A0"));
    assert_eq!(received[0].header("x-oss-metadata-directive"), None);
    assert_eq!(received[1].header("x-oss-metadata-directive"), Some("REPLACE"));
    assert_eq!(received[1].header("cache-control"), Some("no-cache"));
    assert!(received.iter().all(|request| oss4_is_signed(request, BUCKET)));
}

#[tokio::test]
async fn a_form_lets_others_store_one_file() {
    let server = Server::script([Reply::status(204, "")]).await;
    let bucket = bucket(&server);
    let policy = FormPolicy { key: "up/a.zip".into(), size: (1, 1000), expires_in: Duration::from_secs(600) };
    let form = bucket.form(&policy).await.unwrap();
    let field = |wanted: &str| form.fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(field("key"), Some("up/a.zip"));
    let document = data_encoding::BASE64.decode(field("policy").unwrap().as_bytes()).unwrap();
    let document = String::from_utf8(document).unwrap();
    for part in [
        r#""expiration":"2026-01-15T08:40:00.000Z""#,
        r#"{"bucket":"sites"}"#,
        r#"["eq","$key","up/a.zip"]"#,
        r#"["content-length-range",1,1000]"#,
        r#"{"x-oss-date":"20260115T083000Z"}"#,
    ] {
        assert!(document.contains(part), "{part}: {document}");
    }
    bucket.put_form(&form, "application/zip", Bytes::from_static(b"\x00\xff\r\n")).await.unwrap();
    let request = &server.received()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/sites/"));
    assert!(request.body.windows(8).any(|window| window == b"\r\n\r\n\x00\xff\r\n"), "{:?}", request.body);
}

#[tokio::test]
async fn bytes_come_as_a_stream() {
    let server = Server::script([Reply::ok(vec![7; 3_000_000])]).await;
    let object = bucket(&server).get("a", &GetOptions::default()).await.unwrap();
    let chunks: Vec<_> = object.into_stream().collect().await;
    assert!(chunks.len() > 1);
    assert_eq!(chunks.iter().map(|chunk| chunk.as_ref().unwrap().len()).sum::<usize>(), 3_000_000);
}
