//! Object storage: headers, presigned addresses, form policies.

use data_encoding::{BASE64, HEXLOWER};
use miaobu_aliyun::encode::query;
use miaobu_aliyun::sign::oss4::{Request, Signer, canonical_request};
use miaobu_aliyun::sign::sha256_hex;

use super::{KEY_ID, KEY_SECRET, at, pairs};

const HOST: &str = "examplebucket.oss-cn-hangzhou.aliyuncs.com";
const CREDENTIAL: &str = "LTAItestAccessKeyId0001/20250607/cn-hangzhou/oss/aliyun_v4_request";

fn signer() -> Signer<'static> {
    Signer {
        access_key_id: KEY_ID,
        access_key_secret: KEY_SECRET,
        region: "cn-hangzhou",
        time: at("2025-06-07T08:09:10Z"),
    }
}

fn request<'a>(method: &'a str, key: Option<&'a str>) -> Request<'a> {
    Request { method, bucket: Some("examplebucket"), key, query: &[], headers: &[], additional_headers: &[] }
}

#[test]
fn the_key_is_derived_from_day_region_and_service() {
    let expected = "e431cdf101cb5aa3001d5d2a323631923278abe4283979de5481145e615e434e";
    assert_eq!(HEXLOWER.encode(&signer().signing_key()), expected);
}

#[test]
fn storing_an_object_signs_its_type_its_hash_and_its_attributes() {
    let headers = pairs(&[
        ("Content-Type", "text/html"),
        ("Content-MD5", "eB5eJF1ptWaXm4bijSPyxw=="),
        ("Cache-Control", "no-cache"),
        ("x-oss-meta-deployment", "dep-1"),
        ("x-oss-object-acl", "public-read"),
        ("x-oss-date", "20250607T080910Z"),
        ("Date", "Sat, 07 Jun 2025 08:09:10 GMT"),
        ("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
    ]);
    let request = Request { headers: &headers, ..request("PUT", Some("sites/demo/index page.html")) };
    assert_eq!(
        signer().string_to_sign(&canonical_request(&request)).lines().last(),
        Some("ea873f50141368f559afdec54e77e3a5df88f5add9aea4d417c932b11d29159d")
    );
    let signature = "3e2bdc2abc5f5e7131cd88cfae91d15ea59251cb076218a23d7f08fb5ee04403";
    assert_eq!(
        signer().authorization(&request),
        format!("OSS4-HMAC-SHA256 Credential={CREDENTIAL},Signature={signature}")
    );
}

#[test]
fn a_parameter_without_a_value_is_signed_as_its_bare_name() {
    let headers = pairs(&[("x-oss-date", "20250607T080910Z"), ("x-oss-content-sha256", "UNSIGNED-PAYLOAD")]);
    let query = pairs(&[
        ("list-type", "2"),
        ("prefix", "sites/demo/"),
        ("delimiter", "/"),
        ("max-keys", "100"),
        ("encoding-type", "url"),
        ("continuation-token", ""),
    ]);
    let request = Request { headers: &headers, query: &query, ..request("GET", None) };
    let canonical = canonical_request(&request);
    let head = "GET\n/examplebucket/\ncontinuation-token&delimiter=%2F&encoding-type=url&list-type=2&";
    assert!(canonical.starts_with(head), "{canonical}");
    assert_eq!(signer().signature(&request), "4aa2c83d904f15aa72510fa892ec72f3789747526038fc9a840e9ac9f66e9e5d");
}

#[test]
fn additional_headers_and_the_security_token_are_signed() {
    let headers = pairs(&[
        ("Content-Type", "application/xml"),
        ("Content-MD5", "s3LhJdwQ9whWgIToi+Vw/A=="),
        ("Host", HOST),
        ("Content-Length", "104"),
        ("x-oss-date", "20250607T080910Z"),
        ("x-oss-security-token", "testSecurityToken/+="),
        ("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
    ]);
    let query = pairs(&[("delete", ""), ("encoding-type", "url")]);
    let additional_headers = &["Host", "content-length"];
    let request = Request { headers: &headers, query: &query, additional_headers, ..request("POST", None) };
    let signature = "2a19f4ad74ac96bc180af5d582a6d7854a33ab23b673f19525bc23e807d637fe";
    let additional = "AdditionalHeaders=content-length;host";
    assert_eq!(
        signer().authorization(&request),
        format!("OSS4-HMAC-SHA256 Credential={CREDENTIAL},{additional},Signature={signature}")
    );
}

#[test]
fn a_presigned_address_carries_its_signature() {
    let query_text = query(&signer().presigned_query(&request("GET", Some("sites/demo/a+b 你.txt")), 3600, None));
    let signature = "4fcd1fa0b04a2b2b30382f3352deb442cc9acede5e564a320f96e804ba86c384";
    let credential = CREDENTIAL.replace('/', "%2F");
    let expected = format!(
        "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20250607T080910Z&x-oss-expires=3600&\
         x-oss-credential={credential}&x-oss-signature={signature}"
    );
    assert_eq!(query_text, expected);
}

#[test]
fn a_presigned_address_for_storing_binds_the_headers_that_have_to_come_with_it() {
    let headers = pairs(&[("Content-Type", "application/zip"), ("Host", HOST)]);
    let request = Request { headers: &headers, additional_headers: &["host"], ..request("PUT", Some("upload.zip")) };
    let query = signer().presigned_query(&request, 900, None);
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(value("x-oss-additional-headers"), Some("host"));
    assert_eq!(value("x-oss-signature"), Some("615e092d9a75e1f91c6438df201e1ef06ac97fe72def8cfe5100e04036b34cd6"));
}

#[test]
fn a_presigned_address_of_temporary_credentials_signs_their_token() {
    let with = |token| signer().presigned_query(&request("GET", Some("a")), 60, token);
    let token = with(Some("token/+="));
    assert!(token.contains(&("x-oss-security-token".to_owned(), "token/+=".to_owned())));
    assert_ne!(token.last(), with(None).last(), "the token makes a difference to the signature");
}

#[test]
fn the_policy_of_a_form_upload_is_what_is_signed() {
    let policy = format!(
        "{{\"expiration\":\"2025-06-07T09:09:10.000Z\",\"conditions\":[{{\"bucket\":\"examplebucket\"}},\
         [\"starts-with\",\"$key\",\"stage/\"],[\"content-length-range\",0,10485760],\
         {{\"x-oss-signature-version\":\"OSS4-HMAC-SHA256\"}},{{\"x-oss-credential\":\"{CREDENTIAL}\"}},\
         {{\"x-oss-date\":\"20250607T080910Z\"}}]}}"
    );
    let fields = signer().form_fields(&policy, None);
    let expected = pairs(&[
        ("policy", &BASE64.encode(policy.as_bytes())),
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
        ("x-oss-credential", CREDENTIAL),
        ("x-oss-date", "20250607T080910Z"),
        ("x-oss-signature", "59b41d37fec6f741ea98a0ffaf3e52d3c0eb046c53b6135cc10cc260560f7113"),
    ]);
    assert_eq!(fields, expected);
}

#[test]
fn a_request_for_the_service_has_the_root_as_its_path() {
    let request = Request { bucket: None, ..request("GET", None) };
    assert_eq!(canonical_request(&request), "GET\n/\n\n\n\nUNSIGNED-PAYLOAD");
    assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
