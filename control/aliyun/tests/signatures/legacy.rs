//! The schemes before those.

use miaobu_aliyun::encode::sorted_query;
use miaobu_aliyun::sign::legacy::{OssRequest, oss_signature, oss_string_to_sign, rpc_signature, rpc_string_to_sign};

use super::{KEY_ID, KEY_SECRET, pairs};

#[test]
fn the_first_version_of_oss_signs_headers() {
    let headers = pairs(&[("Content-Type", "text/html"), ("x-oss-meta-deployment", "dep-1")]);
    let text = oss_string_to_sign(&OssRequest {
        method: "PUT",
        bucket: Some("examplebucket"),
        key: Some("sites/demo/index.html"),
        query: &[],
        headers: &headers,
        date: "Sat, 07 Jun 2025 08:09:10 GMT",
    });
    assert_eq!(oss_signature(KEY_SECRET, &text), "yjzXWJ8v6Kcvphvjxnu34CQkrOw=");
}

#[test]
fn the_first_version_of_oss_signs_addresses() {
    let query = pairs(&[("response-content-type", "text/plain"), ("prefix", "not signed")]);
    let request = OssRequest {
        method: "GET",
        bucket: Some("examplebucket"),
        key: Some("a.txt"),
        query: &query,
        headers: &[],
        date: "1749287350",
    };
    assert_eq!(oss_signature(KEY_SECRET, &oss_string_to_sign(&request)), "MmgcUX3+R7pKpMp9oV4ga5T57Ag=");
}

#[test]
fn the_first_version_of_oss_signs_the_policy_of_a_form() {
    let policy = concat!(
        "eyJleHBpcmF0aW9uIjoiMjAyNS0wNi0wN1QwOTowOToxMC4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tl",
        "dCJ9LFsic3RhcnRzLXdpdGgiLCIka2V5Iiwic3RhZ2UvIl1dfQ=="
    );
    assert_eq!(oss_signature(KEY_SECRET, policy), "IbaVSBnfBDsNKqQg4gqN+a6lMlc=");
}

#[test]
fn the_first_version_of_rpc_signs_all_parameters_together() {
    let common = |action, nonce| {
        pairs(&[
            ("Format", "JSON"),
            ("Version", "2015-01-09"),
            ("AccessKeyId", KEY_ID),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2025-06-07T08:09:10Z"),
            ("DomainName", "example.com"),
            ("Action", action),
            ("SignatureNonce", nonce),
        ])
    };
    let describe = [
        common("DescribeDomainRecords", "nonce-1"),
        pairs(&[("RRKeyWord", "www"), ("PageNumber", "1"), ("PageSize", "100")]),
    ];
    let wildcard = [
        common("AddDomainRecord", "nonce-2"),
        pairs(&[
            ("RR", "*.app"),
            ("Type", "CNAME"),
            ("Value", "5492000000000000.cn-hangzhou.fc.aliyuncs.com"),
            ("TTL", "600"),
        ]),
    ];
    let challenge = [
        common("AddDomainRecord", "nonce-3"),
        pairs(&[
            ("RR", "_acme-challenge"),
            ("Type", "TXT"),
            ("Value", "gfj9Xq...Rg85nM + \"x\"/~"),
            ("SecurityToken", "tok/en+1="),
        ]),
    ];
    let cases = [
        ("GET", describe.concat(), "mF0g+YZmtqlk6cOJk9o5nYYPuF4="),
        ("POST", wildcard.concat(), "vTjwWvLd4K9wb4HxrRVlBA9IWCc="),
        ("POST", challenge.concat(), "H1TVUiSGAX84topP+H3YJ7tPWzI="),
    ];
    for (method, parameters, signature) in cases {
        let text = rpc_string_to_sign(method, &parameters);
        assert_eq!(rpc_signature(KEY_SECRET, &text), signature, "{}", sorted_query(&parameters));
    }
}
