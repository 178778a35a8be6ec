use proptest::prelude::*;

use super::{Budget, Captures, CompileError, Pattern, search};

/// The groups of the first match, the whole match first; `None` for no match.
fn find(pattern: &str, ignore_case: bool, text: &str) -> Option<Vec<Option<String>>> {
    let program = Pattern::parse(pattern).unwrap().compile(ignore_case).unwrap();
    let mut captures = Captures::default();
    search(&program, text, &mut captures, &mut Budget::default())
        .then(|| (0..=captures.groups()).map(|group| captures.get(group, text).map(str::to_owned)).collect())
}

#[test]
fn matches_as_javascript_does() {
    for (pattern, text, expected) in [
        ("", "x", Some(vec![Some("")])),
        ("b+", "abbc", Some(vec![Some("bb")])),
        ("^b", "ab", None),
        ("a|ab", "ab", Some(vec![Some("a")])),
        ("^(a|ab)c$", "abc", Some(vec![Some("abc"), Some("ab")])),
        ("^(a+)(a*)$", "aaa", Some(vec![Some("aaa"), Some("aaa"), Some("")])),
        ("^(a+?)(a*)$", "aaa", Some(vec![Some("aaa"), Some("a"), Some("aa")])),
        ("^(a{2,3}?)(.*)$", "aaaa", Some(vec![Some("aaaa"), Some("aa"), Some("aa")])),
        // A round that starts anew forgets what the round before captured.
        ("^(?:(a)|b)*$", "ab", Some(vec![Some("ab"), None])),
        // An empty round is not taken.
        ("^(a*)*$", "b", None),
        ("(?:a*)*c", "aac", Some(vec![Some("aac")])),
        ("^(?:a?)*?$", "aa", Some(vec![Some("aa")])),
        ("^(.*)+/x$", "a/b/x", Some(vec![Some("a/b/x"), Some("a/b")])),
        // A repeat of a repeat takes no longer for a longer text.
        (
            "^(.*)+/(.*)\\.(ttf|font\\.css)$",
            "dir/a-long-name.font.css",
            Some(vec![Some("dir/a-long-name.font.css"), Some("dir"), Some("a-long-name"), Some("font.css")]),
        ),
        ("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", None),
        ("^([ab]*)*c", "c", Some(vec![Some("c"), None])),
        ("^([ab]*)*c", "abc", Some(vec![Some("abc"), Some("ab")])),
        ("^([ab]*)+c", "c", Some(vec![Some("c"), Some("")])),
        ("^([ab]+)*(b?)c", "abbc", Some(vec![Some("abbc"), Some("abb"), Some("")])),
        ("^(?:(a*)*b)*$", "abb", Some(vec![Some("abb"), None])),
        // Where a group is named again, the rounds matter.
        ("^(a+)+\\1$", "aaa", Some(vec![Some("aaa"), Some("a")])),
        ("^(?!api|static)(.*)$", "api/x", None),
        ("^((?!api/).*)$", "apis", Some(vec![Some("apis"), Some("apis")])),
        ("^(?=(a+))a*b\\1", "aab", None),
        ("(?=(a+))a*b\\1", "baaabac", Some(vec![Some("aba"), Some("a")])),
        // A negative lookahead never captures.
        ("(.*?)a(?!(a+)b\\2c)\\2(.*)", "baaabaac", Some(vec![Some("baaabaac"), Some("ba"), None, Some("abaac")])),
        ("^(?<year>\\d{4})-\\k<year>$", "2024-2024", Some(vec![Some("2024-2024"), Some("2024")])),
        ("^\\w+\\.\\w+$", "a_b.c", Some(vec![Some("a_b.c")])),
        ("\\bfoo\\b", "a foo!", Some(vec![Some("foo")])),
        ("\\Boo", "foo", Some(vec![Some("oo")])),
        ("^[^/]+$", "zürich", Some(vec![Some("zürich")])),
        ("^.{6}$", "zürich", Some(vec![Some("zürich")])),
        ("^[ä-ü]$", "ö", Some(vec![Some("ö")])),
        ("^[\\w-]+$", "a-b", Some(vec![Some("a-b")])),
        ("^[a\\]b]+$", "a]b", Some(vec![Some("a]b")])),
        ("^a{,2}$", "a{,2}", Some(vec![Some("a{,2}")])),
        ("^]{}$", "]{}", Some(vec![Some("]{}")])),
        ("^\\0\\x41\\u0042\\cJ\\q$", "\0AB\nq", Some(vec![Some("\0AB\nq")])),
        ("^\\101\\8$", "A8", Some(vec![Some("A8")])),
        ("^.$", "\n", None),
        ("^[^]$", "\n", Some(vec![Some("\n")])),
        ("[]", "x", None),
    ] {
        let expected =
            expected.map(|groups| groups.into_iter().map(|group| group.map(str::to_owned)).collect::<Vec<_>>());
        assert_eq!(find(pattern, false, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn ignoring_case_follows_the_i_flag() {
    for (pattern, text, matches) in [
        ("^/ABC$", "/abc", true),
        ("^[a-c]+$", "AbC", true),
        ("^[^a]$", "A", false),
        ("^ß$", "ẞ", false),
        ("^É$", "é", true),
        // U+212A KELVIN SIGN folds to k only with the u flag.
        ("^k$", "\u{212a}", false),
        ("^(a)\\1$", "aA", true),
    ] {
        assert_eq!(find(pattern, true, text).is_some(), matches, "{pattern} on {text:?}");
    }
}

#[test]
fn refuses_what_javascript_refuses() {
    for pattern in [
        "(",
        ")",
        "a)",
        "[a",
        "*",
        "+a",
        "a**",
        "^*",
        "{1}",
        "a{2,1}",
        "[b-a]",
        "(?",
        "(?<>a)",
        "(?<1>a)",
        "(?<a",
        "(?<a>x)(?<a>y)",
        "(?<a>x)\\k<b>",
        "(?<a>x)\\k",
        "(?<a>x)[\\k<a>]",
        "\\",
        "^/(*.)\\.html$",
        "(?<=a)*",
        "(?x)",
    ] {
        assert!(Pattern::parse(pattern).is_err(), "{pattern}");
    }
    for pattern in ["\\k<a>", "a{", "a{1", "a{1,", "x{a}", "(?=a)*", "]", "}", "[", "\\c"] {
        assert_eq!(Pattern::parse(pattern).is_ok(), pattern != "[", "{pattern}");
    }
}

#[test]
fn says_what_the_edge_does_not_run() {
    for (pattern, error) in [
        ("(?<=a)b", CompileError::LookBehind),
        (&"(a)".repeat(32), CompileError::TooManyGroups),
        ("(?:abcdefgh){1,9999}", CompileError::TooLarge),
        (&format!("{}{}", "(?=".repeat(17), ")".repeat(17)), CompileError::TooDeep),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().compile(false), Err(error), "{pattern}");
    }
}

#[test]
fn a_pattern_that_explodes_is_given_up() {
    let program = Pattern::parse("^(a|aa)+$").unwrap().compile(false).unwrap();
    let mut budget = Budget::default();
    let before = budget.left();
    let text = format!("{}b", "a".repeat(60));
    assert!(!search(&program, &text, &mut Captures::default(), &mut budget));
    assert!(budget.exceeded());
    assert!(budget.left() > before / 2, "one search takes a part of the request's steps only");
}

#[test]
fn usual_paths_take_few_steps() {
    let path = "/blog/2024/a-rather-long-slug-for-an-article";
    for pattern in [
        "^\\/blog(?:\\/([^\\/]+?))(?:\\/([^\\/]+?))$",
        "^\\/blog(?:\\/((?:[^\\/]+?)(?:\\/(?:[^\\/]+?))*))?$",
        "^(?:\\/(.*))$",
        "^\\/blog(?:\\/((?!general).*))$",
    ] {
        let program = Pattern::parse(pattern).unwrap().compile(false).unwrap();
        let mut budget = Budget::default();
        let before = budget.left();
        assert!(search(&program, path, &mut Captures::default(), &mut budget), "{pattern}");
        assert!(before - budget.left() < 50, "{pattern}: {}", before - budget.left());
    }
}

#[test]
fn literals_and_prefixes_are_seen() {
    for (pattern, literal, segments) in [
        ("^\\/about$", Some("/about"), "/about"),
        ("^\\/blog(?:\\/([^\\/]+?))$", None, "/blog"),
        ("^/docs/api(?:/(.*))?$", None, "/docs/api"),
        ("^/docs/(.*)$", None, "/docs"),
        ("^/feature-([^/]+?)$", None, ""),
        ("^/docs.*$", None, ""),
        ("^/docs", None, ""),
        ("^/docs/", None, "/docs"),
        ("/about", None, ""),
        ("^/a?$", None, ""),
        ("^/a|b$", None, ""),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!(pattern.literal().as_deref(), literal);
        assert_eq!(pattern.first_segments(), segments);
    }
}

fn pattern_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "/", ".", "\\.", "\\w", "[^/]", "[ab]", "(", "(?:", "(?=", "(?!", ")", "|", "*", "+", "?", "+?",
        "*?", "{2}", "{1,3}", "^", "$", "\\1", "\\b", "ä", "-", "(?<n>", "\\k<n>",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_pattern_on_any_text_ends_within_its_steps(pattern in pattern_text(), text in "[ab/.ä-]{0,24}", fold: bool) {
        if let Ok(Ok(program)) = Pattern::parse(&pattern).map(|pattern| pattern.compile(fold)) {
            let mut captures = Captures::default();
            let mut budget = Budget::default();
            if search(&program, &text, &mut captures, &mut budget) {
                let whole = captures.get(0, &text).unwrap();
                prop_assert!(text.contains(whole));
            }
        }
    }

    #[test]
    fn any_bytes_are_safe_to_run(program in prop::collection::vec(0_u8..32, 0..80), text in ".{0,12}") {
        let mut captures = Captures::default();
        search(&program, &text, &mut captures, &mut Budget::default());
        for group in 0..=captures.groups() {
            let _ = captures.get(group, &text);
        }
    }

    #[test]
    fn any_text_parses_or_is_refused(text in ".{0,40}") {
        let _ = Pattern::parse(&text);
    }
}
