use super::{
    HeaderName, HeaderRule, HeaderRules, HeaderValue, State, compile, parse_cloudflare, parse_netlify, parse_table,
    regular_expression,
};
use crate::rules::Dialect;
use proptest::prelude::*;

fn image(dialect: Dialect, text: &str) -> Vec<u8> {
    let parsed = match dialect {
        Dialect::Netlify => parse_netlify(text),
        _ => parse_cloudflare(text, super::MAX_RULES, 2_000),
    };
    assert_eq!(parsed.refused, [], "{text}");
    compile(&parsed.rules, dialect).image
}

/// The fields for a path, `None` for one that is removed.
fn fields(dialect: Dialect, text: &str, host: &str, path: &str) -> Vec<(String, Option<String>)> {
    let image = image(dialect, text);
    let fields = HeaderRules::load(&image).expect("an image just made").fields(host, path);
    let shown = |state: &State| match state {
        State::Removed => None,
        State::Set(value) => Some(value.to_string()),
    };
    fields.iter().map(|(name, state)| (name.to_owned(), shown(state))).collect()
}

fn expected(pairs: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
}

#[test]
fn the_first_setting_replaces_and_later_ones_add() {
    let text = "/*\n  X-A: 1\n  ! Server-Timing\n/b/*\n  x-a: 2\n  x-a: 3\n/b/c\n  ! X-A\n/b/c/*\n  X-A: 4\n";
    for (path, pairs) in [
        ("/", &[("server-timing", None), ("x-a", Some("1"))][..]),
        ("/b/x", &[("server-timing", None), ("x-a", Some("1, 2, 3"))]),
        ("/b/c", &[("server-timing", None), ("x-a", None)]),
        ("/b/c/", &[("server-timing", None), ("x-a", Some("1, 2, 3, 4"))]),
    ] {
        assert_eq!(fields(Dialect::Cloudflare, text, "shop.test", path), expected(pairs), "{path}");
    }
}

#[test]
fn a_removal_takes_away_what_was_set_before_it() {
    let text = "/*\n  X-A: 1\n/b\n  ! X-A\n  X-A: 2\n";
    assert_eq!(fields(Dialect::Cloudflare, text, "", "/b"), expected(&[("x-a", Some("2"))]));
}

#[test]
fn netlifys_later_rule_replaces() {
    let text = "/*\n  X-A: 1\n  X-A: 2\n/b/*\n  X-A: 3\n";
    assert_eq!(fields(Dialect::Netlify, text, "", "/c"), expected(&[("x-a", Some("1, 2"))]));
    assert_eq!(fields(Dialect::Netlify, text, "", "/B/c"), expected(&[("x-a", Some("3"))]));
}

#[test]
fn values_take_captures_of_path_and_host() {
    let text = "https://:shop.test/*\n  X-Who: :shop at :splat, :shopping\n";
    for (host, path, value) in [("ada.test", "/x/y", Some("ada at x/y, :shopping")), ("ada.other", "/x/y", None)] {
        let pairs: Vec<_> = value.map(|value| ("x-who", Some(value))).into_iter().collect();
        assert_eq!(fields(Dialect::Cloudflare, text, host, path), expected(&pairs), "{host}");
    }
    let looks = |text| HeaderRules::load(&image(Dialect::Cloudflare, text)).expect("an image").look_at_hosts();
    assert!(looks(text));
    assert!(!looks("/*\n  X-A: 1\n"));
}

#[test]
fn fields_that_frame_a_message_are_refused_and_the_rest_of_the_rule_stays() {
    let text = "/*\n  Content-Length: 5\n  Transfer-Encoding: chunked\n  ! Location\n  X-Miaobu-Deployment: 9\n  Bad Name\n  X(Y): 1\n  X-Ok: 1\n";
    let parsed = parse_cloudflare(text, 100, 2_000);
    assert_eq!(parsed.refused.len(), 1);
    let compiled = compile(&parsed.rules, Dialect::Cloudflare);
    let names: Vec<_> = compiled.refused.iter().map(|refusal| refusal.text.as_str()).collect();
    assert_eq!(names, ["Location", "content-length", "transfer-encoding", "x-miaobu-deployment", "x(y)"]);
    assert_eq!(compiled.count, 1);
    assert_eq!(compile(&parsed.rules[..0], Dialect::Cloudflare).count, 0);
}

#[test]
fn a_value_cannot_break_out_of_its_line() {
    for (value, fits) in [
        ("a b\tc", true),
        ("", true),
        ("a\r\nSet-Cookie: b", false),
        ("a\nb", false),
        ("a\0b", false),
        ("caf\u{e9}", false),
        ("a\u{7f}", false),
    ] {
        assert_eq!(HeaderValue::parse(value).is_some(), fits, "{value:?}");
    }
    assert!(HeaderValue::parse(&"x".repeat(HeaderValue::MAX_LENGTH + 1)).is_none());
    for (name, fits) in [("X-A", true), ("", false), ("a b", false), ("a:", false), ("a\n", false), ("\u{e9}", false)] {
        assert_eq!(HeaderName::parse(name).is_some(), fits, "{name:?}");
    }
}

#[test]
fn a_line_is_refused_with_its_number_and_text() {
    for (text, line, shown) in [
        ("X-A: 1\n", Some(1), "X-A: 1"),
        ("/a\n  X-A\n  X-B: 1\n", Some(2), "X-A"),
        ("/a\n  X A: 1\n  X-B: 1\n", Some(2), "X A: 1"),
        ("/a\n  X-A:\n  X-B: 1\n", Some(2), "X-A:"),
        ("/a\n/b\n  X-B: 1\n", Some(2), "/a"),
        ("/a\n", None, "/a"),
        ("http://a.test/\n  X-A: 1\n", Some(1), "http://a.test/"),
        ("https://a.test:80/\n  X-A: 1\n", Some(1), "https://a.test:80/"),
    ] {
        let parsed = parse_cloudflare(text, 100, 2_000);
        let refused: Vec<_> = parsed.refused.iter().map(|refusal| (refusal.line, refusal.text.as_str())).collect();
        assert_eq!(refused, [(line, shown)], "{text:?}");
    }
    let parsed = parse_netlify("X-A: 1\n/a\n  : 2\n  X-B\n  X-C: 3\n");
    assert_eq!(parsed.rules.len(), 1);
    assert_eq!(parsed.refused.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [Some(1), Some(3), Some(4)]);
}

#[test]
fn a_table_of_headers_is_read() {
    let parsed = parse_table(
        "[[headers]]\nfor = \"/a\"\n[headers.values]\nX-A = [\"1\", \" 2\"]\nX-B = '''\n3,\n4'''\n\n[[headers]]\n[headers.values]\nX = 1\n",
    );
    assert_eq!(parsed.rules.len(), 1);
    assert_eq!(parsed.rules[0].set, [("X-A".to_owned(), "1, 2".to_owned()), ("X-B".to_owned(), "3, 4".to_owned())]);
    assert_eq!(parsed.refused.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [Some(9)]);
}

#[test]
fn the_regular_expression_of_a_path_is_told() {
    for (path, expected) in
        [("/img/*.png", r"^\/img\/(.*)\.png\/?$"), ("/:a/b", r"^\/([^/]+)\/b\/?$"), ("/b-c", r"^\/b\x2dc\/?$")]
    {
        assert_eq!(regular_expression(path), expected, "{path}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_and_compiled(text: String, near in "([/a:*! \\n-]|https://|x-a: b){0,40}") {
        for text in [&text, &near] {
            for (parsed, dialect) in [
                (parse_netlify(text), Dialect::Netlify),
                (parse_cloudflare(text, 10, 80), Dialect::Cloudflare),
                (parse_table(text), Dialect::Netlify),
            ] {
                let image = compile(&parsed.rules, dialect).image;
                let _ = HeaderRules::load(&image).expect("an image just made").fields("a.test", "/a/b");
            }
        }
    }

    #[test]
    fn a_rule_survives_writing_and_reading(
        path in "/[a-z:/]{0,8}\\*?", unset in prop::collection::vec("[a-z-]{1,6}", 0..3),
        set in prop::collection::btree_map("[a-z][a-z-]{0,6}", "[a-z0-9=;, ]{0,6}[a-z0-9]", 1..4),
    ) {
        let rule = HeaderRule { line: 1, path, set: set.into_iter().map(|(name, value)| (name, value.trim().to_owned())).collect(), unset };
        prop_assume!(!rule.path.contains("splat"));
        let parsed = parse_cloudflare(&rule.to_string(), 10, 2_000);
        prop_assert_eq!(parsed.refused, vec![]);
        prop_assert_eq!(parsed.rules, vec![rule]);
    }

    #[test]
    fn no_path_puts_a_line_break_into_a_value(path: String, host in "[a-z\\r\\n.]{0,8}") {
        let text = "/*\n  X-A: :splat\nhttps://:h.test/:x\n  X-B: :h :x\n";
        for (_, value) in fields(Dialect::Cloudflare, text, &host, &path) {
            prop_assert!(!value.unwrap_or_default().contains(['\r', '\n', '\0']));
        }
    }

    #[test]
    fn a_damaged_image_never_panics(byte: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index) {
        let mut image = image(Dialect::Cloudflare, "/*\n  X-A: :splat\n  ! X-B\nhttps://:h.test/:x\n  X-B: :h\n");
        let at = byte.index(image.len());
        image[at] ^= 1 << bit;
        for image in [&image[..], &image[..cut.index(image.len())]] {
            if let Some(rules) = HeaderRules::load(image) {
                let _ = rules.fields("a.test", "/b");
            }
        }
    }
}
