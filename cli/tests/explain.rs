//! `miaobu explain`.

use crate::platform::Platform;
use crate::support::Person;

const REDIRECTS: &str = "# moved\n/old/* /about 301\n/about /elsewhere\n";
const HEADERS: &str = "/about\n  X-A: 1\n  ! Referrer-Policy\n";

/// Deploys a site with rules; returns its address.
fn site(person: &Person) -> String {
    let files = [("index.html", "one"), ("about.html", "about"), ("_redirects", REDIRECTS), ("_headers", HEADERS)];
    let deployed = person.deploy(&person.site("shop", &files), "shop");
    deployed["url"].as_str().unwrap().trim_end_matches('/').to_owned()
}

#[test]
fn the_rule_the_file_and_the_headers_are_told() {
    let platform = Platform::start();
    let person = platform.person();
    let site = site(&person);
    let told = person.run(&["explain", &format!("{site}/old/page?a=1"), "--json"]).succeeded().json();
    assert_eq!((told["status"].as_i64(), told["step"].as_str()), (Some(301), Some("redirect_rule")));
    assert_eq!(told["rules"], serde_json::json!([{ "file": "_redirects", "line": 2 }]));
    assert_eq!(told["location"], "/about?a=1");
    let told = person.run(&["explain", &format!("{site}/about"), "-H", "Range: bytes=0-1"]).succeeded().stdout;
    for line in [
        "status\t206\tfile",
        "passed over\t_redirects, line 3\ta file or a route came first",
        "x-a\t1\trule: _headers, line 1",
        "referrer-policy\t-\tremoved: _headers, line 1",
        "content-range\tbytes 0-1/5\trequest",
    ] {
        assert!(told.lines().any(|told| told == line), "{line:?} is not in\n{told}");
    }
    assert!(told.contains("\nfile\t/about.html\tprojects/shop/"), "{told}");
    assert!(told.contains("\nrecord\tshop."), "{told}");
    let told = person.run(&["explain", &format!("{site}/about"), "-X", "post", "--json"]).succeeded().json();
    assert_eq!((told["status"].as_i64(), told["step"].as_str()), (Some(405), Some("platform")));
}

#[test]
fn what_is_told_is_what_the_edge_answers() {
    let platform = Platform::start();
    let person = platform.person();
    let site = site(&person);
    for path in ["/", "/about", "/about.html", "/old/x", "/nowhere"] {
        let told = person.run(&["explain", &format!("{site}{path}"), "--json"]).succeeded().json();
        assert_eq!(told["status"].as_i64(), Some(crate::platform::status(&site, path)), "{path}");
    }
}

#[test]
fn a_host_that_is_not_ones_own_is_not_found() {
    let platform = Platform::start();
    let person = platform.person();
    site(&person);
    let refused = person.run(&["explain", "http://nobody.localhost/"]);
    refused.failed(4, &["error: "]);
    person.run(&["explain", "ftp://shop.localhost/"]).failed(1, &["ftp://shop.localhost/"]);
    person.run(&["explain", "http://shop.localhost/", "-H", "nothing"]).failed(2, &["no header field", "-H"]);
}
