use super::{Path, is_storable, push_encoded, push_target};
use proptest::prelude::*;

#[test]
fn paths_are_decoded_segment_by_segment_and_know_whether_they_were_canonical() {
    for (raw, key, canonical) in [
        ("/", "/", true),
        ("/a/b.css", "/a/b.css", true),
        ("/a/", "/a/", true),
        ("//a", "/a", false),
        ("/a//b///", "/a/b/", false),
        ("/%61", "/a", false),
        ("/caf%C3%A9", "/café", true),
        ("/caf%c3%a9", "/café", false),
        ("/café", "/café", true),
        ("/a%20b", "/a b", true),
        ("/a b", "/a b", true),
        ("/%5Bx%5D", "/[x]", true),
        ("/[x]", "/[x]", false),
        ("/a%2Fb", "/a/b", false),
        ("/a%2F%2Fb", "/a/b", false),
        ("/%2Fa", "/a", false),
        ("/@a+b", "/@a+b", true),
        ("/%40a%2Bb", "/@a+b", true),
        ("/%", "/%", false),
        ("/%zz/%61", "/%zz/a", false),
        ("/%ff", "/%ff", false),
        ("/%252F", "/%2F", true),
        ("/a/./b", "/a/b", true),
        ("/a/../b", "/b", true),
        ("/a/%2E%2e/b", "/b", true),
        ("/../../b", "/b", true),
        ("/a/..", "/", true),
        ("/a/b/.", "/a/b/", true),
        ("/a\\b", "/a/b", true),
        ("/\\a", "/a", false),
        ("/...", "/...", true),
        ("/.well-known/x", "/.well-known/x", true),
        ("/a#b", "/a", true),
        ("/a%00b", "/a\0b", true),
    ] {
        let path = Path::read(raw);
        assert_eq!((&*path.key, path.canonical), (key, canonical), "{raw}");
    }
}

#[test]
fn names_that_a_store_might_not_take_literally_are_not_storable() {
    for (path, expected) in [
        ("/", true),
        ("/a/b", true),
        ("/a/", true),
        ("/...", true),
        ("/é b", true),
        ("", false),
        ("a", false),
        ("//", false),
        ("/a//b", false),
        ("/..", false),
        ("/a/../b", false),
        ("/./a", false),
        ("/a\\b", false),
        ("/a\0", false),
        ("/a\n", false),
        ("/a\u{7f}", false),
    ] {
        assert_eq!(is_storable(path), expected, "{path:?}");
    }
}

#[test]
fn a_target_is_passed_on_as_a_url_parser_leaves_it() {
    for (target, expected) in [
        ("/", "/"),
        ("//a//b", "//a//b"),
        ("/a%2Fb/%7e", "/a%2Fb/%7e"),
        ("/a/../b/./c", "/b/c"),
        ("/a/%2e%2E", "/"),
        ("/a\\b", "/a/b"),
        ("/a b\"<>`{}|'é", "/a%20b%22%3C%3E%60%7B%7D|'%C3%A9"),
        ("/a?b=../c&d='\"é{}", "/a?b=../c&d=%27%22%C3%A9{}"),
        ("/a?", "/a?"),
        ("/a?b?c#d", "/a?b?c"),
    ] {
        let mut url = String::new();
        push_target(&mut url, target);
        assert_eq!(url, expected, "{target}");
    }
}

fn encoded(path: &str) -> String {
    let mut url = String::new();
    push_encoded(&mut url, path);
    url
}

proptest! {
    #[test]
    fn any_path_gives_a_clean_key(raw in "/.{0,40}") {
        let path = Path::read(&raw);
        prop_assert!(path.key.starts_with('/') && !path.key.contains("//"), "{:?}", path);
    }

    #[test]
    fn hostile_paths_give_clean_keys(raw in "(/|\\\\|%2[fFeE]|\\.|%5[cC]|%|a|%00|%c3%a9){0,16}") {
        let path = Path::read(&raw);
        prop_assert!(raw.is_empty() || raw.starts_with('%') || !path.key.contains("//"), "{:?}", path);
    }

    #[test]
    fn an_encoded_name_reads_back_as_itself(name in "(/[^/\\\\\\x00-\\x1f]{1,8}){1,4}") {
        prop_assume!(is_storable(&name));
        let url = encoded(&name);
        let path = Path::read(&url);
        prop_assert_eq!((&*path.key, path.canonical), (&*name, true));
    }
}
