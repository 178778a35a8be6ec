//! S3: the worked examples of its documentation.

use miaobu_aliyun::sign::sigv4::{Request, Signer};
use miaobu_aliyun::sign::{UNSIGNED_PAYLOAD, sha256_hex};

use super::{at, pairs};

const HOST: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");
const DATE: (&str, &str) = ("x-amz-date", "20130524T000000Z");

fn signer() -> Signer<'static> {
    Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        access_key_secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
        service: "s3",
        time: at("2013-05-24T00:00:00Z"),
    }
}

#[test]
fn requests_are_signed_as_the_documentation_signs_them() {
    let empty = sha256_hex(b"");
    let body = sha256_hex(b"Welcome to Amazon S3.");
    let cases = [
        (
            Request { method: "GET", path: "/test.txt", query: &[], headers: &[], payload: &empty },
            vec![("Range", "bytes=0-9")],
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Request { method: "PUT", path: "/test%24file.text", query: &[], headers: &[], payload: &body },
            vec![("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            Request { method: "GET", path: "/", query: &pairs(&[("lifecycle", "")]), headers: &[], payload: &empty },
            vec![],
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            Request {
                method: "GET",
                path: "/",
                query: &pairs(&[("max-keys", "2"), ("prefix", "J")]),
                headers: &[],
                payload: &empty,
            },
            vec![],
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ];
    for (request, further, signature) in cases {
        let headers = pairs(&[vec![HOST, DATE, ("x-amz-content-sha256", request.payload)], further].concat());
        let request = Request { headers: &headers, ..request };
        let authorization = signer().authorization(&request);
        assert!(authorization.ends_with(&format!("Signature={signature}")), "{request:?}: {authorization}");
    }
}

#[test]
fn a_presigned_address_carries_its_signature() {
    let headers = pairs(&[HOST]);
    let request =
        Request { method: "GET", path: "/test.txt", query: &[], headers: &headers, payload: UNSIGNED_PAYLOAD };
    let query = signer().presigned_query(&request, 86_400, None);
    let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert_eq!(query.last(), Some(&("X-Amz-Signature".to_owned(), signature.to_owned())));
}
