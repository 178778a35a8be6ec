use super::{best_coding, best_language, listed_codings, listed_languages, visitor_language};
use proptest::prelude::*;

const STORED: [&str; 4] = ["zstd", "br", "gzip", "identity"];

#[test]
fn the_heaviest_coding_wins_and_the_servers_order_breaks_ties() {
    for (header, expected) in [
        ("", Some("identity")),
        ("gzip, br", Some("br")),
        ("br;q=0.5, gzip;q=0.501", Some("gzip")),
        ("*", Some("zstd")),
        ("*;q=0.1, gzip", Some("gzip")),
        ("zstd;q=0, *", Some("br")),
        ("x-gzip", Some("gzip")),
        ("compress", Some("identity")),
        ("identity;q=0", None),
        ("identity;q=0, br;q=0.001", Some("br")),
        ("*;q=0", None),
        ("gzip;q=0", Some("identity")),
        ("BR;Q=0.3", Some("br")),
        ("br ; level=9 ; q=0.3, gzip;q=0.2", Some("br")),
        ("br;q=1.5, gzip;q=0.2", Some("gzip")),
        ("br;q=0.1234, gzip;q=0.2", Some("gzip")),
        ("br;q=, gzip;q=0.2", Some("gzip")),
        ("br;note=\"a, gzip;q=0\", identity;q=0", Some("br")),
        ("br;note=\"\\\", gzip", Some("br")),
        (" , ,gzip,", Some("gzip")),
    ] {
        assert_eq!(best_coding(header, &STORED).map(|index| STORED[index]), expected, "{header}");
    }
}

#[test]
fn the_closest_language_wins() {
    let available = ["de", "en-US", "zh-CN", "zh"];
    for (header, expected) in [
        ("zh-CN,zh;q=0.9,en;q=0.8", Some("zh-CN")),
        ("zh-TW, en;q=0.5", Some("zh")),
        ("en", Some("en-US")),
        ("fr, *;q=0.1", Some("de")),
        ("fr", None),
        ("", None),
        ("de;q=0, *", Some("en-US")),
        ("DE", Some("de")),
    ] {
        assert_eq!(best_language(header, &available).map(|index| available[index]), expected, "{header}");
    }
}

#[test]
fn what_a_header_lists_comes_out_best_first() {
    assert_eq!(listed_codings("gzip;q=0.2, br, *;q=0"), ["br", "gzip"]);
    assert_eq!(listed_codings("gzip;q=0.2, br"), ["br", "gzip", "identity"]);
    assert_eq!(listed_languages("en;q=0.5, *;q=0.1, fr, de;q=0"), ["fr", "en", "*"]);
}

#[test]
fn a_visitor_is_known_by_the_heaviest_language_named() {
    for (header, expected) in
        [("fr-CH, fr;q=0.9", Some("fr-CH")), ("*, it;q=0.3", Some("it")), ("en;q=0", None), ("*", None)]
    {
        assert_eq!(visitor_language(header), expected, "{header}");
    }
}

proptest! {
    #[test]
    fn any_header_gets_an_answer(header: String, near in "[a-z*;=q0-9., \"\\\\-]{0,40}") {
        for text in [&header, &near] {
            let _ = (best_coding(text, &STORED), best_language(text, &["en", "de"]));
            let _ = (listed_codings(text), listed_languages(text));
        }
    }

    #[test]
    fn the_best_coding_is_the_first_listed_when_weights_differ(first in 501u16..1000, second in 1u16..500) {
        let header = format!("gzip;q=0.{second:03}, br;q=0.{first:03}");
        prop_assert_eq!(best_coding(&header, &STORED).map(|index| STORED[index]), Some(listed_codings(&header)[0]));
    }
}
