use super::{CONFIGURATION_FILES, IgnoreRules};
use proptest::prelude::*;

#[test]
fn the_last_pattern_that_matches_decides() {
    for (text, path, expected) in [
        ("notes.txt", "notes.txt", true),
        ("notes.txt", "a/b/notes.txt", true),
        ("/notes.txt", "a/notes.txt", false),
        ("a/notes.txt", "b/a/notes.txt", false),
        ("NOTES.txt", "notes.TXT", true),
        ("drafts/", "drafts/x/y.md", true),
        ("drafts/", "drafts", false),
        ("drafts", "a/drafts/x.md", true),
        ("*.map", "assets/app.js.map", true),
        ("a/*.map", "a/b/x.map", false),
        ("a/**/x", "a/x", true),
        ("a/**/x", "a/b/c/x", true),
        ("**/x", "a/b/x", true),
        ("a/**", "a/b/c", true),
        ("a/**", "a", false),
        ("a?c", "abc", true),
        ("a?c", "a/c", false),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[!a-c]x", "dx", true),
        ("[]]x", "]x", true),
        ("[x", "[x", false),
        ("\\!keep", "!keep", true),
        ("\\#x", "#x", true),
        ("# comment", "# comment", false),
        ("x\\ ", "x ", true),
        ("x  ", "x", true),
        ("*\n!keep.js", "keep.js", false),
        ("*\n!keep.js", "other.js", true),
        ("lib\n!lib/keep.js", "lib/keep.js", true),
        ("lib/*\n!lib/keep.js", "lib/keep.js", false),
        ("a*b*c", "axbxbc", true),
        ("a*b*c", "axbxb", false),
        ("", "x", false),
        ("/", "x", false),
        ("x\r\ny\r\n", "x", true),
    ] {
        assert_eq!(IgnoreRules::parse([], text).ignores(path), expected, "{text:?} {path}");
    }
}

#[test]
fn configuration_files_are_left_out_unless_asked_for() {
    for (text, path, expected) in [
        ("", "_headers", true),
        ("", "sub/_headers", false),
        ("!_headers", "_headers", false),
        ("!_headers", "_redirects", true),
    ] {
        assert_eq!(IgnoreRules::parse(CONFIGURATION_FILES, text).ignores(path), expected, "{text:?} {path}");
    }
}

proptest! {
    #[test]
    fn any_pattern_gets_an_answer(text: String, near in "[ab*?/!\\[\\]\\\\ -]{0,12}", path in "[ab/\\[!]{0,12}") {
        let _ = IgnoreRules::parse([], &text).ignores(&path);
        let _ = IgnoreRules::parse([], &near).ignores(&path);
    }

    #[test]
    fn a_plain_name_is_ignored_in_any_folder(folders in "([a-c]{1,3}/){0,4}", name in "[d-f]{1,4}") {
        let path = format!("{folders}{name}");
        prop_assert!(IgnoreRules::parse([], &name).ignores(&path));
        let expected = folders.is_empty();
        prop_assert_eq!(IgnoreRules::parse([], &format!("/{name}")).ignores(&path), expected);
    }
}
