use super::{KeyEncoding, Kind, RecordError, RouteRecord, key, site_key, site_object};
use crate::{Lookup, Method, Request, Settings, decide};
use proptest::prelude::*;

const OLDER: &str = r#"{ "type": "static", "oss_path": "projects/docs/123", "project_slug": "docs", "deployment_id": 123,
    "commit_sha": "0a1b2c", "updated_at": "2026-01-02T03:04:05Z" }"#;

#[test]
fn a_record_of_the_older_system_is_read_whole() {
    let expected = RouteRecord {
        commit_sha: "0a1b2c".to_owned(),
        updated_at: "2026-01-02T03:04:05Z".to_owned(),
        ..RouteRecord::of_static("docs", "projects/docs/123", 123)
    };
    assert_eq!(RouteRecord::parse(OLDER.as_bytes()), Ok(expected));
}

#[test]
fn fields_that_are_not_known_are_ignored() {
    let record = r#"{"type":"node","fc_endpoint":"https://x.fcapp.run","oss_path":null,"deployment_id":7,"split":{"b":[1,2.5]},"site":null}"#;
    let expected = RouteRecord::of_function(Kind::Node, "", "https://x.fcapp.run", 7);
    assert_eq!(RouteRecord::parse(record.as_bytes()), Ok(expected));
}

#[test]
fn records_that_do_not_say_where_to_go_are_refused() {
    for (record, error) in [
        (r#"{"#, RecordError::Json),
        (r#"[]"#, RecordError::Json),
        (r#"{"oss_path":"a","deployment_id":1}"#, RecordError::Field("type")),
        (r#"{"type":"php","oss_path":"a","deployment_id":1}"#, RecordError::Field("type")),
        (r#"{"type":"static","oss_path":"a"}"#, RecordError::Field("deployment_id")),
        (r#"{"type":"static","oss_path":"a","deployment_id":"1"}"#, RecordError::Field("deployment_id")),
        (r#"{"type":"static","deployment_id":1}"#, RecordError::Field("oss_path")),
        (r#"{"type":"static","oss_path":"a/../b","deployment_id":1}"#, RecordError::Field("oss_path")),
        (r#"{"type":"static","oss_path":"a//b","deployment_id":1}"#, RecordError::Field("oss_path")),
        (r#"{"type":"static","oss_path":"a?b","deployment_id":1}"#, RecordError::Field("oss_path")),
        (r#"{"type":"python","deployment_id":1}"#, RecordError::Field("fc_endpoint")),
        (r#"{"type":"node","fc_endpoint":"ftp://x","deployment_id":1}"#, RecordError::Field("fc_endpoint")),
        (r#"{"type":"node","fc_endpoint":"https://","deployment_id":1}"#, RecordError::Field("fc_endpoint")),
        (r#"{"type":"node","fc_endpoint":"https://a@b","deployment_id":1}"#, RecordError::Field("fc_endpoint")),
    ] {
        assert_eq!(RouteRecord::parse(record.as_bytes()), Err(error), "{record}");
    }
}

#[test]
fn a_hostname_has_one_key_in_each_encoding() {
    for (host, plain, encoded) in [
        ("docs.example.com", "docs.example.com", "docs_example_com"),
        ("Docs.Example.COM:8787", "docs.example.com", "docs_example_com"),
        ("docs.localhost.", "docs.localhost", "docs_localhost"),
        ("a_b.c", "a_b.c", "a_X5fb_c"),
        ("[::1]:80", "[::1]", "_X5b_X3a_X3a1_X5d"),
        ("", "", ""),
    ] {
        assert_eq!(key(host, KeyEncoding::Plain), plain);
        assert_eq!(key(host, KeyEncoding::Encoded), encoded);
    }
}

#[test]
fn the_site_blob_lies_beside_the_files() {
    assert_eq!(site_key(42), "d-42");
    assert_eq!(site_object("projects/docs/42"), "projects/docs/42.site");
}

fn sample() -> RouteRecord {
    RouteRecord {
        site: Some("d-42".to_owned()),
        noindex: true,
        commit_sha: "0a1b2c".to_owned(),
        updated_at: "2026-01-02T03:04:05.678Z".to_owned(),
        ..RouteRecord::of_static("docs", "projects/docs/42", 42)
    }
}

#[test]
fn no_flipped_bit_leads_anywhere_else() {
    let record = sample();
    let json = record.to_json().into_bytes();
    for bit in 0..json.len() * 8 {
        let mut damaged = json.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = RouteRecord::parse(&damaged) {
            assert_eq!(read, record, "bit {bit}");
        }
    }
}

#[test]
fn a_truncated_record_is_refused() {
    let json = sample().to_json().into_bytes();
    for length in 0..json.len() {
        assert!(RouteRecord::parse(&json[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        slug in "[a-z][a-z0-9-]{2,39}", id in 0i64.., sha in "[0-9a-f]{0,40}", site in proptest::option::of(any::<String>()), noindex: bool, hsts: bool,
    ) {
        let record = RouteRecord { commit_sha: sha, site, noindex, hsts, ..RouteRecord::of_static(&slug, &format!("projects/{slug}/{id}"), id) };
        prop_assert_eq!(RouteRecord::parse(record.to_json().as_bytes()), Ok(record));
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes: Vec<u8>) {
        let _ = RouteRecord::parse(&bytes);
    }

    #[test]
    fn encoded_keys_stay_in_the_documented_alphabet_and_apart(one in "[a-z0-9._:-]{0,12}", two in "[a-z0-9._:-]{0,12}") {
        let [one_key, two_key] = [&one, &two].map(|host| key(host, KeyEncoding::Encoded));
        prop_assert!(one_key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        prop_assert_eq!(one_key == two_key, key(&one, KeyEncoding::Plain) == key(&two, KeyEncoding::Plain));
    }
}

#[test]
fn a_protection_that_is_not_understood_opens_nothing() {
    let key = "07".repeat(32);
    for (protection, expected) in [
        ("null".to_owned(), true),
        (format!("\"{key} - - -\""), true),
        (format!("\"{key} - - - -\""), false),
        (format!("\"{key}0 - - -\""), false),
        (format!("\"{key} 0:00:00 - -\""), false),
        (format!("\"{key} - -\""), false),
        ("\"\"".to_owned(), false),
        ("true".to_owned(), false),
        ("{}".to_owned(), false),
        ("7".to_owned(), false),
    ] {
        let record = format!(r#"{{"type":"static","oss_path":"a/1","deployment_id":1,"protection":{protection}}}"#);
        let read = RouteRecord::parse(record.as_bytes()).unwrap();
        let lookup = Lookup::Found { record: &read, site: None };
        let decision = decide(&lookup, &Request::new(Method::Get, "a.localhost", "/"), &Settings::default());
        let status = decision.head().map(|head| head.status);
        assert_eq!(
            status,
            if expected { if read.protection.is_empty() { None } else { Some(401) } } else { Some(500) },
            "{record}"
        );
    }
}
