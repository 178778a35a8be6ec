//! Route records and the keys they lie under.

use super::answers::check;
use miaobu_edge::record::{KeyEncoding, RouteRecord, key};
use miaobu_edge::{Lookup, Method, Request};

/// Reads the bytes as a record: what is written of it is read back, and its answers stay in its folder.
pub fn record(data: &[u8]) {
    if let Ok(host) = std::str::from_utf8(data) {
        let encoded = key(host, KeyEncoding::Encoded);
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        assert!(encoded.bytes().all(is_known), "{encoded:?}");
        let plain = key(host, KeyEncoding::Plain);
        assert_eq!(plain, plain.to_ascii_lowercase(), "{host:?}");
    }
    let Ok(record) = RouteRecord::parse(data) else { return };
    let written = record.to_json();
    assert_eq!(RouteRecord::parse(written.as_bytes()).as_ref(), Ok(&record), "{written}");
    let lookup = Lookup::Found { record: &record, site: None };
    for target in ["/", "/a/b.html?c=d", "/..%2f../x", "*"] {
        check(&record, &lookup, &Request::new(Method::Get, "docs.localhost", target));
    }
}
