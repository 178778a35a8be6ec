use super::{Pattern, PatternSource, Prefix, State};
use crate::rules::pattern::Captures;
use proptest::prelude::*;

type Reading = fn(&str) -> Result<PatternSource, String>;

/// What each name took, or `None` when the path does not match.
fn found(reading: Reading, fold_case: bool, source: &str, path: &str) -> Option<Vec<(String, String)>> {
    let pattern = reading(source).unwrap_or_else(|reason| panic!("{source}: {reason}"));
    let captures = Pattern::new(&pattern.code, fold_case).find(path)?;
    Some((0..).zip(pattern.names).map(|(index, name)| (name, captures.get(index, path).to_owned())).collect())
}

fn named(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
    Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn netlifys_reading_takes_whole_segments_and_ignores_a_trailing_slash() {
    for (source, path, expected) in [
        ("/", "/", named(&[])),
        ("/a", "/a/", named(&[])),
        ("/a/", "/a", named(&[])),
        ("/a", "/a//", None),
        ("/a", "/A", None),
        ("/a/*", "/a", named(&[("splat", "")])),
        ("/a/*", "/a/", named(&[("splat", "")])),
        ("/a/*", "/a/b/c/", named(&[("splat", "b/c/")])),
        ("/a/*", "/ab", None),
        ("/a*", "/abc", named(&[("splat", "bc")])),
        ("/a*", "/a/b", named(&[("splat", "b")])),
        ("/*/z", "/z", named(&[("splat", "")])),
        ("/*/z", "/x/z/y/z", named(&[("splat", "x/z/y")])),
        ("/a/*/b/*", "/a/1/b/2/b/3", named(&[("splat", "1/b/2")])),
        ("/:year/:slug", "/2024/hello/", named(&[("year", "2024"), ("slug", "hello")])),
        ("/:year/:slug", "/2024/", None),
        ("/:a-b/:a", "/x/y", named(&[("a-b", "x"), ("a", "y")])),
        ("/:x/:x", "/1/2", named(&[("x", "1")])),
        ("/x:y", "/x:y", named(&[])),
        ("/:x.html", "/:x.html", named(&[])),
        ("/caf\u{e9} x", "/caf%C3%A9%20x", named(&[])),
    ] {
        assert_eq!(found(PatternSource::netlify, false, source, path), expected, "{source} {path}");
    }
}

#[test]
fn cloudflares_reading_takes_anything_anywhere_but_exactly() {
    for (source, path, expected) in [
        ("/a", "/a/", None),
        ("/a/*", "/a", None),
        ("/a/*", "/a/b/", named(&[("splat", "b/")])),
        ("/a*c", "/ab/c", named(&[("splat", "b/")])),
        ("/:id.json", "/7.json", named(&[("id", "7")])),
        ("/:a-:b", "/1-2-3", named(&[("a", "1-2"), ("b", "3")])),
        ("/:a/*", "/x/", named(&[("a", "x"), ("splat", "")])),
        ("/:1", "/:1", named(&[])),
        ("https://:sub.test/:x", "https://a.test/b", named(&[("sub", "a"), ("x", "b")])),
        ("https://:sub.test/", "https://a.b.test/", None),
        ("https://*.test/", "https://a.b.test/", named(&[("splat", "a.b")])),
        ("https://Shop.test/", "https://shop.test/", named(&[])),
    ] {
        assert_eq!(found(PatternSource::cloudflare, false, source, path), expected, "{source} {path}");
    }
}

#[test]
fn gitlabs_reading_forgives_slashes_and_case() {
    for (source, path, expected) in [
        ("/a/b", "//A///b//", named(&[])),
        ("/a/*/c", "/a/c", named(&[("splat", "")])),
        ("/a/:x", "/a//y/", named(&[("x", "y")])),
        ("/a/:x1", "/a/:x1", named(&[])),
    ] {
        assert_eq!(found(PatternSource::gitlab, true, source, path), expected, "{source} {path}");
    }
}

#[test]
fn a_header_path_of_netlify_matches_as_its_regular_expression_does() {
    for (source, path, expected) in [
        ("/*", "/anything/at/all", true),
        ("/a/*", "/A", true),
        ("/a/*", "/abc", true),
        ("/a/:x/c", "/a/b/c/", true),
        ("/a/:x/c", "/a/b/b/c", false),
        ("/a/b*d", "/a/bccd", true),
        ("", "/", true),
        ("a", "/a", true),
        ("/a.", "/ab", false),
    ] {
        assert_eq!(found(PatternSource::netlify_header, true, source, path).is_some(), expected, "{source} {path}");
    }
}

#[test]
fn a_pattern_is_filed_under_the_whole_segments_that_it_begins_with() {
    let folder = |text: &str| Prefix::Folder(text.to_owned());
    for (reading, source, expected) in [
        (PatternSource::netlify as Reading, "/a/b/", Prefix::Whole("/a/b".to_owned())),
        (PatternSource::netlify, "/", Prefix::Whole(String::new())),
        (PatternSource::netlify, "/a/b/*", folder("/a/b")),
        (PatternSource::netlify, "/a/b*", folder("/a")),
        (PatternSource::netlify, "/a/:b/c", folder("/a")),
        (PatternSource::netlify, "/:a", folder("")),
        (PatternSource::cloudflare, "/a/", Prefix::Whole("/a/".to_owned())),
        (PatternSource::cloudflare, "/a/b*", folder("/a")),
        (PatternSource::gitlab, "/a/b", folder("")),
    ] {
        assert_eq!(reading(source).map(|pattern| pattern.prefix), Ok(expected), "{source}");
    }
}

#[test]
fn a_source_that_cannot_match_is_refused() {
    let wild = "/:a".repeat(20);
    for (reading, source) in [
        (PatternSource::netlify as Reading, "a"),
        (PatternSource::netlify, "/a*b"),
        (PatternSource::netlify, "/a?b=c"),
        (PatternSource::netlify, "/a/../b"),
        (PatternSource::netlify, "/%2e/b"),
        (PatternSource::cloudflare, "/*/*"),
        (PatternSource::cloudflare, "/:a/:a"),
        (PatternSource::cloudflare, "/*/:splat"),
        (PatternSource::gitlab, &wild),
    ] {
        assert!(reading(source).is_err(), "{source}");
    }
}

/// Steps that a match takes.
fn steps(code: &[u8], text: &str) -> usize {
    let mut state = State {
        text: text.as_bytes(),
        fold_case: false,
        captures: Captures::default(),
        smallest_end: [u32::MAX; super::MAX_RUNS],
        steps: 0,
    };
    state.matches(code, 0, 0);
    state.steps
}

#[test]
fn a_hostile_path_costs_no_more_than_its_length_times_the_wildcards() {
    let pattern = PatternSource::netlify(&format!("{}/x", "/*/a".repeat(8))).expect("a valid pattern");
    let path = format!("{}/y", "/a".repeat(4_000));
    let runs = 10;
    assert!(steps(&pattern.code, &path) < runs * 2 * (path.len() + 2), "{}", steps(&pattern.code, &path));
}

/// The same instructions with no memory of what was tried.
fn slow(code: &[u8], text: &[u8]) -> bool {
    match code {
        [] => text.is_empty(),
        [super::LITERAL, length, rest @ ..] => {
            let (literal, rest) = rest.split_at(usize::from(*length));
            text.strip_prefix(literal).is_some_and(|text| slow(rest, text))
        }
        [super::TAIL, _, rest @ ..] => match text.first() {
            Some(b'/') => slow(rest, text) || (1..=text.len()).any(|end| slow(rest, &text[end..])),
            Some(_) => false,
            None => slow(rest, text),
        },
        [_, kind, _, rest @ ..] => {
            let taken = text.iter().take_while(|byte| super::is_in(kind & 3, **byte)).count();
            let most = if kind & super::AT_MOST_ONE == 0 { taken } else { taken.min(1) };
            (usize::from(kind & super::AT_LEAST_ONE != 0)..=most).any(|end| slow(rest, &text[end..]))
        }
        _ => unreachable!("a compiled pattern"),
    }
}

proptest! {
    #[test]
    fn it_agrees_with_trying_everything(source in "(/(\\*|:[xy]|a|ab|a\\*)){1,5}/?", path in "(/|/a|/ab|a|b){0,9}") {
        let readings: [Reading; 4] =
            [PatternSource::netlify, PatternSource::cloudflare, PatternSource::gitlab, PatternSource::netlify_header];
        for reading in readings {
            let Ok(pattern) = reading(&source) else { continue };
            let fast = Pattern::new(&pattern.code, false).find(&path).is_some();
            prop_assert_eq!(fast, slow(&pattern.code, path.as_bytes()), "{} {}", source, path);
            prop_assert_eq!(fast, Pattern::new(&pattern.code, false).matches(&path), "{} {}", source, path);
        }
    }

    #[test]
    fn steps_stay_within_their_bound(source in "(/(\\*|:[a-f]|a|a\\*)){1,8}", path in "(/|/a|a){0,60}") {
        let readings: [Reading; 3] = [PatternSource::netlify, PatternSource::gitlab, PatternSource::netlify_header];
        for reading in readings {
            let Ok(pattern) = reading(&source) else { continue };
            let instructions = pattern.code.len();
            prop_assert!(steps(&pattern.code, &path) <= instructions * (path.len() + 2), "{} {}", source, path);
        }
    }

    #[test]
    fn any_bytes_and_any_text_are_matched_without_panic(code: Vec<u8>, text: String, fold: bool) {
        let pattern = Pattern::new(&code, fold);
        prop_assert_eq!(pattern.find(&text).is_some(), pattern.matches(&text));
    }

    #[test]
    fn any_source_is_compiled_or_refused(source: String) {
        for reading in
            [PatternSource::netlify, PatternSource::cloudflare, PatternSource::gitlab, PatternSource::netlify_header]
        {
            let _ = reading(&source).map(|pattern| Pattern::new(&pattern.code, false).find(&source));
        }
    }
}
