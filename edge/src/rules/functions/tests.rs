use super::{
    ImageGuard, Route, Routing, compile, image_guard, is_blocked_content, keeps_not_found, parse, reserved_path, route,
};
use proptest::prelude::*;

fn rules(texts: &[&str]) -> Vec<u8> {
    let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    compile(&parse(&texts).expect("valid rules"))
}

#[test]
fn a_negative_rule_comes_before_a_positive_one() {
    let image = rules(&["/api/*", "/login", "!/api/docs/*"]);
    let routing = Routing { has_function: true, rules: &image, ..Routing::default() };
    for (path, expected) in [
        ("/api/users", Route::Function),
        ("/api/docs/x", Route::Assets),
        ("/login", Route::Function),
        ("/login/", Route::AssetsThenFunction),
        ("/", Route::AssetsThenFunction),
    ] {
        assert_eq!(route(routing, path), expected, "{path}");
        assert_eq!(route(Routing { has_function: false, ..routing }, path), Route::Assets, "{path}");
    }
    let all = Routing { function_first: true, ..routing };
    assert_eq!(route(all, "/anything"), Route::Function);
    assert_eq!(route(all, "/api/docs/x"), Route::Assets);
    assert_eq!(routing.refusal(), None);
    assert_eq!(Routing { function_limited: true, ..routing }.refusal(), Some(429));
}

#[test]
fn a_404_page_is_the_assets_own_answer_under_rules_and_for_navigations() {
    let image = rules(&["/api/*"]);
    let without = Routing { has_function: true, ..Routing::default() };
    let with = Routing { rules: &image, ..without };
    for (routing, prefers, mode, expected) in [
        (with, false, None, true),
        (without, false, Some("navigate"), false),
        (without, true, Some("navigate"), true),
        (without, true, Some("cors"), false),
        (without, true, None, false),
    ] {
        assert_eq!(keeps_not_found(routing, prefers, mode), expected, "{prefers} {mode:?}");
    }
}

#[test]
fn rules_that_cannot_mean_anything_are_refused() {
    let long = format!("/{}", "x".repeat(100));
    let fits = format!("/{}", "x".repeat(99));
    let crowd: Vec<_> = (0..101).map(|index| format!("/{index}")).collect();
    let crowd: Vec<_> = crowd.iter().map(String::as_str).collect();
    for (texts, problems) in [
        (&[][..], 1),
        (&["!/a"], 1),
        (&["a", "!b", "/c"], 2),
        (&["/a", "/a"], 1),
        (&["/a/*", "/a/b", "/a/c", "!/a/b"], 2),
        (&[&*long], 1),
        (&[&*fits], 0),
        (&crowd, 1),
        (&["/a/*", "!/a/b/*"], 0),
    ] {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(parse(&texts).map_or_else(|problems| problems.len(), |_| 0), problems, "{texts:?}");
    }
}

#[test]
fn reserved_paths_are_not_reached_by_a_backslash() {
    for (raw, expected) in [
        ("/cdn-cgi\\trace", true),
        ("/cdn-cgi\\a\\b?c=\\d", true),
        ("/cdn-cgi/trace", false),
        ("/cdn-cgi%5Ctrace", false),
        ("/x?y=/cdn-cgi\\z", false),
    ] {
        assert_eq!(reserved_path(raw), expected, "{raw}");
    }
}

#[test]
fn image_proxies_serve_foreign_images_to_pages_only() {
    use ImageGuard::{Block, CheckContent, Pass};
    for (path, query, get, dest, expected) in [
        ("/_next/image", "url=https%3A%2F%2Fother.test%2Fa.png&w=64", true, None, CheckContent),
        ("/docs/_next/image", "url=other.test", true, Some("document"), CheckContent),
        ("/_next/image", "url=https://other.test/a.png", true, Some("image"), Pass),
        ("/_next/image", "url=https://other.test/a.png", false, Some("image"), CheckContent),
        ("/_next/image", "url=%2Flocal.png", true, None, Pass),
        ("/_next/image", "", true, None, Pass),
        ("/_image", "href=//other.test/a.svg", true, None, Block),
        ("/_image", "href=%2F%2Fother.test", true, None, Block),
        ("/_image", "href=//shop.test@other.test/", true, None, Block),
        ("/_image", "href=///other.test/a.svg", true, None, Block),
        ("/_image", "href=/%5Cother.test", true, None, Block),
        ("/_image", "href=//other.test&href=/a.svg", true, None, Block),
        ("/_image", "href=/a.svg&h=//other.test", true, None, Pass),
        ("/_next/image", "url=https://other.test&url=/a.png", true, None, CheckContent),
        ("/_image", "href=//SHOP.test:8080/a.svg", true, None, Pass),
        ("/_image", "href=//other.test/a.svg", true, Some("image"), Pass),
        ("/_image", "href=/a.svg", true, None, Pass),
        ("/x/_image", "href=//other.test/a.svg", true, None, Pass),
    ] {
        assert_eq!(image_guard(path, query, "shop.test", get, dest), expected, "{path}?{query}");
    }
    for (status, content_type, expected) in [
        (200, Some("image/webp"), false),
        (400, Some("text/plain; charset=utf-8"), false),
        (200, Some("text/html"), true),
        (200, Some("image/png, text/html"), true),
        (200, None, true),
        (304, None, false),
    ] {
        assert_eq!(is_blocked_content(status, content_type), expected, "{status} {content_type:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_route_somewhere(rules: Vec<u8>, path: String) {
        let _ = route(Routing { has_function: true, rules: &rules, ..Routing::default() }, &path);
    }

    #[test]
    fn any_request_passes_the_guards(path: String, query: String, host: String) {
        let _ = (reserved_path(&path), image_guard(&path, &query, &host, true, None));
    }
}
