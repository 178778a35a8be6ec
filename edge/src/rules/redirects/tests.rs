use super::{
    Compiled, Found, Limits, RedirectRule, Redirects, RuleRequest, Values, compile, location, parse, parse_table,
};
use crate::rules::{Dialect, canonical_path};
use proptest::prelude::*;

/// Enough for every test.
const MANY: Limits = Limits { dynamic_rules: 10_000, ..Limits::SHARDED };

fn compiled(dialect: Dialect, text: &str) -> Compiled {
    let parsed = parse(text, dialect, MANY, true);
    assert_eq!(parsed.refused, [], "{text}");
    compile(&parsed.rules, dialect, MANY)
}

fn ask(image: &[u8], request: &RuleRequest<'_>) -> Found {
    Redirects::load(image).expect("an image just made").find(request)
}

fn at<'a>(path: &'a str) -> RuleRequest<'a> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    RuleRequest { secure: true, host: "shop.test", path, query, ..RuleRequest::default() }
}

/// Status and target for a path of `https://shop.test`.
fn answer(text: &str, path: &str) -> Option<(u16, String)> {
    let compiled = compiled(Dialect::Netlify, text);
    ask(&compiled.image, &at(path)).rule.map(|rule| (rule.status, rule.target))
}

#[test]
fn the_first_rule_in_the_file_wins_however_rules_are_filed() {
    let text = "/shop/old /1\n/shop/* /2\n/:any/new /3\n/shop/new /4\n/* /5\n/late /6\n";
    for (path, target) in
        [("/shop/old", "/1"), ("/shop/x", "/2"), ("/shop/new", "/2"), ("/blog/new", "/3"), ("/late", "/5"), ("/", "/5")]
    {
        assert_eq!(answer(text, path), Some((301, target.to_owned())), "{path}");
    }
}

#[test]
fn targets_take_captures_of_path_and_query() {
    for (rule, path, expected) in [
        ("/a/* /b/:splat", "/a/x/y", "/b/x/y"),
        ("/a/* /b/:splat", "/a", "/b/"),
        ("/:x/:y /:y/:x/:x", "/1/2", "/2/1/1"),
        ("/:x /:xy/:x-:x", "/1", "/:xy/1-1"),
        ("/a id=:id /b/:id", "/a?id=7", "/b/7"),
        ("/a id=:id /b/:id", "/a?id=1&id=%2F..%2Fx y", "/b/%2F..%2Fx+y"),
        ("/a/:id id=:id /b/:id", "/a/1?id=2", "/b/1"),
        ("/a /b\u{e9} 301", "/a", "/b%C3%A9"),
        ("/* https://new.test/:splat", "/x", "https://new.test/x"),
        ("/:lang/* https://:lang.new.test/:splat", "/de/x", "https://de.new.test/x"),
    ] {
        assert_eq!(answer(rule, path).map(|(_, target)| target), Some(expected.to_owned()), "{rule} {path}");
    }
}

#[test]
fn a_query_condition_needs_its_parameter() {
    let text = "/a page=news /news\n/a page=:p tag=:t /p/:p/:t\n/a page=:p /p/:p\n";
    for (path, expected) in [
        ("/a?page=news", Some("/news")),
        ("/a?x=1&page=ne%77s", Some("/news")),
        ("/a?page=2&tag=b", Some("/p/2/b")),
        ("/a?page=", Some("/p/")),
        ("/a?page", None),
        ("/a?Page=news", None),
        ("/a", None),
    ] {
        assert_eq!(answer(text, path).map(|(_, target)| target).as_deref(), expected, "{path}");
    }
}

#[test]
fn conditions_on_the_visitor_choose_and_are_told() {
    let text = "/ /au 302 Country=au,nz\n/ /de 302 Language=de\n/ /old 302 Cookie=legacy\n/ /team 302 Role=admin\n/ /all 302\n";
    let image = compiled(Dialect::Netlify, text).image;
    let base = at("/");
    for (request, target) in [
        (base, "/all"),
        (RuleRequest { country: Some("NZ"), ..base }, "/au"),
        (RuleRequest { language: Some("de-AT"), ..base }, "/de"),
        (RuleRequest { language: Some("den"), ..base }, "/all"),
        (RuleRequest { cookies: "a=b; legacy=1", ..base }, "/old"),
        (RuleRequest { cookies: "legacy=", ..base }, "/all"),
        (RuleRequest { roles: &["editor", "admin"], ..base }, "/team"),
        (RuleRequest { country: Some("au"), language: Some("de"), ..base }, "/au"),
    ] {
        let found = ask(&image, &request);
        assert_eq!(found.rule.map(|rule| rule.target).as_deref(), Some(target), "{request:?}");
        assert!(found.varies.country);
        assert_eq!(found.varies.language, target != "/au", "{request:?}");
    }
    assert!(ask(&compiled(Dialect::Netlify, "/* /x").image, &base).varies.nothing());
}

#[test]
fn rules_say_whether_any_of_them_asks_for_the_country() {
    for (text, expected) in [
        ("/a /b\n/ /au 302 country=au\n", true),
        ("/ /au 302 Language=de Country=au,nz\n", true),
        ("/ /de 302 Language=de Cookie=legacy\n/country /b\n", false),
        ("", false),
    ] {
        let image = compiled(Dialect::Netlify, text).image;
        assert_eq!(Redirects::load(&image).is_some_and(|rules| rules.any_country()), expected, "{text}");
    }
}

#[test]
fn the_choice_in_a_cookie_comes_before_what_is_measured() {
    assert_eq!(super::visitor_country("a=1; nf_country=fr", Some("de")), Some("fr"));
    assert_eq!(super::visitor_country("nf_country=", Some("de")), Some("de"));
    assert_eq!(super::visitor_language("nf_lang=it", "de;q=0.5, fr"), Some("it"));
    assert_eq!(super::visitor_language("", "de;q=0.5, fr"), Some("fr"));
}

#[test]
fn a_rule_for_a_host_applies_there_only() {
    let text = "http://shop.test/* https://shop.test/:splat 301!\nhttps://blog.test/* /blog/:splat\n";
    let image = compiled(Dialect::Netlify, text).image;
    let target = |request| ask(&image, &request).rule.map(|rule| (rule.target, rule.force));
    assert_eq!(target(at("/a")), None);
    assert_eq!(target(RuleRequest { secure: false, ..at("/a") }), Some(("https://shop.test/a".to_owned(), true)));
    assert_eq!(target(RuleRequest { host: "blog.test", ..at("/a") }), Some(("/blog/a".to_owned(), false)));
}

#[test]
fn a_location_never_leads_to_another_host_by_accident() {
    for (rule, path, expected) in [
        ("/go/* /:splat", "/go//evil.test", "/evil.test"),
        ("/go/* /:splat", "/go/%5Cevil.test", "/%5Cevil.test"),
        ("/go/* /:splat/x", "/go////evil.test", "/evil.test/x"),
        ("/a /b", "/a?c=d", "/b?c=d"),
        ("/a /b?x=1", "/a?c=d", "/b?x=1"),
        ("/a /b#f", "/a?c=d", "/b?c=d#f"),
        ("/a https://shop.test/b", "/a", "/b"),
        ("/a https://SHOP.test/b?c", "/a?d", "/b?c"),
        ("/a https://shop.test//evil.test", "/a", "https://shop.test//evil.test"),
        ("/a http://shop.test/b", "/a", "http://shop.test/b"),
        ("/a https://other.test", "/a?c", "https://other.test?c"),
    ] {
        let image = compiled(Dialect::Netlify, rule).image;
        let raw = at(path);
        let request = RuleRequest { path: &canonical_path(raw.path), ..raw };
        let rule_match = ask(&image, &request).rule.expect("a rule applies");
        assert_eq!(location(&rule_match, &request), expected, "{rule} {path}");
    }
}

#[test]
fn what_would_never_work_or_leads_astray_is_refused_with_its_line() {
    for rule in [
        "/a //evil.test/",
        "/* https://new.test:splat",
        "/:x https://:x/",
        "/:x https://:x.test/",
        "/a https://user@new.test/",
        "/a*b /c",
        "/a /b 299",
        "/a /b 301 Planet=mars",
        "https://shop.test /b",
    ] {
        let parsed = parse(&format!("# first\n{rule}\n"), Dialect::Netlify, Limits::INLINE, true);
        let compiled = compile(&parsed.rules, Dialect::Netlify, Limits::INLINE);
        assert_eq!(compiled.count, 0, "{rule}");
        let lines: Vec<_> = compiled.refused.iter().map(|refusal| refusal.line).collect();
        assert_eq!(lines, [Some(2)], "{rule}");
    }
}

#[test]
fn rules_beyond_the_limits_are_refused_one_by_one() {
    let text: String = (0..5).map(|index| format!("/s{index} /x\n/d{index}/* /y\n")).collect();
    let parsed = parse(&text, Dialect::Netlify, Limits::INLINE, true);
    let compiled =
        compile(&parsed.rules, Dialect::Netlify, Limits { static_rules: 3, dynamic_rules: 4, line_length: 80 });
    assert_eq!(compiled.count, 7);
    let lines: Vec<_> = compiled.refused.iter().filter_map(|refusal| refusal.line).collect();
    assert_eq!(lines, [7, 9, 10]);
}

#[test]
fn certificates_can_be_renewed_whatever_the_rules_say() {
    assert_eq!(answer("/* /gone 410", "/.well-known/acme-challenge/token"), None);
    assert_eq!(answer("/* /gone 410", "/.well-known/security.txt"), Some((410, "/gone".to_owned())));
}

#[test]
fn only_forced_rules_ask_to_be_looked_at_before_files() {
    let forced = |text: &str| Redirects::load(&compiled(Dialect::Netlify, text).image).expect("an image").any_forced();
    assert!(forced("/a /b\n/c /d 302!\n"));
    assert!(!forced("/a /b\n/c /d 302\n"));
}

#[test]
fn a_line_is_refused_with_its_number_and_text() {
    for (dialect, text, line, shown) in [
        (Dialect::Netlify, "/a /b\n\n  /c\n", 3, "/c"),
        (Dialect::Netlify, "/a b=c\n", 1, "/a b=c"),
        (Dialect::Netlify, "/a /b x301\r\n", 1, "/a /b x301"),
        (Dialect::Netlify, "https:// /b\n", 1, "https:// /b"),
        (Dialect::Cloudflare, "/a /b 301 x # y\n", 1, "/a /b 301 x # y"),
        (Dialect::Cloudflare, "/a /b\n/a /c\n", 2, "/a /c"),
        (Dialect::Cloudflare, "/a ftp://b\n", 1, "/a ftp://b"),
        (Dialect::Cloudflare, "/a/* /index.html 200\n", 1, "/a/* /index.html 200"),
        (Dialect::Cloudflare, "/a /b 404\n", 1, "/a /b 404"),
    ] {
        let parsed = parse(text, dialect, Limits::INLINE, true);
        let refused: Vec<_> = parsed.refused.iter().map(|refusal| (refusal.line, refusal.text.as_str())).collect();
        assert_eq!(refused, [(Some(line), shown)], "{text:?}");
    }
}

#[test]
fn a_table_is_read_with_older_names_and_its_line() {
    let text = "[build]\ncommand = \"x\"\n\n[[redirects]]\norigin = \"/a\"\ndestination = \"/b\"\nstatus = \"302!\"\n\n[[redirects]]\nfrom = 5\n";
    let parsed = parse_table(text);
    assert_eq!(parsed.rules.len(), 1);
    assert_eq!((parsed.rules[0].line, parsed.rules[0].status, &*parsed.rules[0].to), (4, Some(302), "/b"));
    assert_eq!(parsed.refused.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [Some(9)]);
    assert_eq!(parse_table("a = \n").refused.first().and_then(|refusal| refusal.line), Some(1));
}

#[test]
fn a_thousand_rules_are_found_by_their_folders() {
    let text: String =
        (0..1_000).map(|index| format!("/s{index}/a /x{index}\n/d{index}/* /y{index}/:splat\n")).collect();
    let image = compiled(Dialect::Netlify, &text).image;
    for index in [0, 1, 499, 999] {
        let target = |path: String| ask(&image, &at(&path)).rule.map(|rule| rule.target);
        assert_eq!(target(format!("/s{index}/a")), Some(format!("/x{index}")));
        assert_eq!(target(format!("/d{index}/z")), Some(format!("/y{index}/z")));
        assert_eq!(target(format!("/s{index}/b")), None);
    }
    assert!(image.len() < 2_000 * 90, "{} bytes", image.len());
}

/// The rule that applies by trying them one after the other.
fn one_by_one(text: &str, dialect: Dialect, request: &RuleRequest<'_>) -> Option<String> {
    let parsed = parse(text, dialect, MANY, true);
    parsed.rules.iter().find_map(|rule| {
        let compiled = compile(std::slice::from_ref(rule), dialect, MANY);
        ask(&compiled.image, request).rule.map(|rule| rule.target)
    })
}

proptest! {
    #[test]
    fn looking_up_agrees_with_trying_one_by_one(
        rules in prop::collection::vec("(/(\\*|:x|a|b|ab)){1,3} /t/:splat/:x", 1..8),
        path in "(/|/a|/b|/ab){1,4}",
        dialect in prop::sample::select(vec![Dialect::Netlify, Dialect::Cloudflare, Dialect::GitLab]),
    ) {
        let text: String = rules.iter().enumerate().map(|(index, rule)| format!("{rule}/{index}\n")).collect();
        let parsed = parse(&text, dialect, MANY, true);
        let compiled = compile(&parsed.rules, dialect, MANY);
        let target = ask(&compiled.image, &at(&path)).rule.map(|rule| rule.target);
        prop_assert_eq!(target, one_by_one(&text, dialect, &at(&path)), "{}", text);
    }

    #[test]
    fn a_rule_survives_writing_and_reading(
        from in "/[a-z:*/]{0,8}", to in "(/|https://)[a-z:/]{1,8}(#[a-z]{1,3})?", status in 200u16..600, force: bool,
        query in prop::collection::btree_map("[a-z]{1,3}", ":?[a-z]{0,3}", 0..3),
        conditions in prop::sample::subsequence(vec!["Country", "Language", "Role"], 0..=3),
        values in prop::collection::vec("[a-z]{1,3}", 1..3), cookie in prop::option::of("[a-z]{1,4}"),
    ) {
        let known = conditions.iter().map(|name| ((*name).to_owned(), Values::Several(values.clone())));
        let rule = RedirectRule {
            line: 1,
            from,
            query: query.into_iter().collect(),
            to,
            status: Some(status),
            force,
            conditions: known.chain(cookie.map(|name| ("Cookie".to_owned(), Values::One(name)))).collect(),
            ..RedirectRule::default()
        };
        let parsed = parse(&rule.to_string(), Dialect::Netlify, Limits::INLINE, true);
        prop_assert_eq!(parsed.refused, vec![]);
        prop_assert_eq!(parsed.rules, vec![rule]);
    }

    #[test]
    fn a_target_of_the_own_site_begins_with_one_slash(
        rule in "(/(\\*|:x|a)){1,3} /?(:splat|:x|\\\\|/|a){0,5}",
        path in "(/|/a|\\\\|%5C|/%2F){1,6}",
    ) {
        let parsed = parse(&rule, Dialect::Netlify, Limits::INLINE, true);
        let compiled = compile(&parsed.rules, Dialect::Netlify, Limits::INLINE);
        let path = canonical_path(&path);
        let request = at(&path);
        if let Some(rule_match) = ask(&compiled.image, &request).rule {
            let location = location(&rule_match, &request);
            prop_assert!(location.starts_with('/') && !location.starts_with("//"), "{}", location);
            prop_assert!(!location.contains('\\'), "{}", location);
        }
    }

    #[test]
    fn any_text_is_parsed_and_compiled(text: String, near in "([a/:*#=! \\n]|30[12]|http://|https://|Country=){0,40}") {
        for text in [&text, &near] {
            for dialect in [Dialect::Netlify, Dialect::Cloudflare, Dialect::GitLab] {
                let parsed = parse(text, dialect, Limits::INLINE, true);
                let compiled = compile(&parsed.rules, dialect, Limits::INLINE);
                prop_assert_eq!(compiled.count + compiled.refused.len(), parsed.rules.len());
                let _ = ask(&compiled.image, &at("/a/b?c=d"));
            }
            let _ = parse_table(text);
        }
    }

    #[test]
    fn a_damaged_image_never_panics(byte: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index, path in "(/a|/b){0,3}") {
        let text = "/a /b\n/a/* https://x.test/:splat 200! Country=de Language=fr Cookie=k Role=r\n/:x q=:y z=1 /:x/:y\n";
        let mut image = compiled(Dialect::Netlify, text).image;
        let at_byte = byte.index(image.len());
        image[at_byte] ^= 1 << bit;
        for image in [&image[..], &image[..cut.index(image.len())]] {
            if let Some(redirects) = Redirects::load(image) {
                let request = RuleRequest { cookies: "k=1", roles: &["r"], country: Some("de"), language: Some("fr"), ..at(&path) };
                let _ = redirects.find(&request);
            }
        }
    }

    #[test]
    fn any_bytes_are_an_image_or_not(bytes: Vec<u8>, path: String) {
        if let Some(redirects) = Redirects::load(&bytes) {
            let _ = redirects.find(&at(&path));
        }
    }
}
