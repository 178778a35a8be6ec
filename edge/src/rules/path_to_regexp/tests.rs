use proptest::prelude::*;

use super::{Modifier, Name, Options, Params, PathError, Token, Value, compile, parse, path_to_regexp};

fn vercel() -> Options {
    Options { strict: true, sensitive: true, delimiter: "/".to_owned(), ..Options::default() }
}

#[test]
fn expressions_are_written_to_the_letter() {
    for (pattern, source) in [
        ("/shop/cart", r"^\/shop\/cart$"),
        ("/shop/:item", r"^\/shop(?:\/([^\/]+?))$"),
        ("/shop/:item?", r"^\/shop(?:\/([^\/]+?))?$"),
        ("/shop/:path*", r"^\/shop(?:\/((?:[^\/]+?)(?:\/(?:[^\/]+?))*))?$"),
        ("/shop/:path+", r"^\/shop(?:\/((?:[^\/]+?)(?:\/(?:[^\/]+?))*))$"),
        (r"/v:major(\d+).:minor(\d+)", r"^\/v(\d+)(?:\.(\d+))$"),
        ("/((?!api/).*)", r"^(?:\/((?!api\/).*))$"),
        ("/shop{-:lang}?", r"^\/shop(?:-([^\/]+?))?$"),
        ("/shop{/old}?", r"^\/shop(?:\/old)?$"),
        ("(.*)/x", r"^(.*)\/x$"),
        ("", "^$"),
    ] {
        assert_eq!(path_to_regexp(pattern, &vercel()).unwrap().source, source, "{pattern}");
    }
    let loose = Options { end: false, ..Options::default() };
    assert_eq!(path_to_regexp("/a", &loose).unwrap().source, r"^\/a(?:[\/#\?](?=[]|$))?(?=[\/#\?]|[]|$)");
    let ends = Options { ends_with: "?".to_owned(), start: false, ..Options::default() };
    assert_eq!(path_to_regexp("a", &ends).unwrap().source, r"a[\/#\?]?(?=[\?]|$)");
}

#[test]
fn unnamed_groups_are_numbered_and_a_slash_belongs_to_what_follows() {
    let tokens = parse(r"/:a/(\d+)-{x:b(y)z}*", &vercel()).unwrap();
    let keys: Vec<_> =
        tokens.iter().filter_map(|token| if let Token::Key(key) = token { Some(key) } else { None }).collect();
    assert_eq!(
        keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>(),
        [Name::Text("a".to_owned()), Name::Index(0), Name::Text("b".to_owned()),]
    );
    assert_eq!(keys.iter().map(|key| key.prefix.as_str()).collect::<Vec<_>>(), ["/", "/", "x"]);
    assert_eq!((keys[2].suffix.as_str(), keys[2].modifier), ("z", Modifier::AnyTimes));
}

#[test]
fn malformed_patterns_are_refused_with_their_place() {
    for (pattern, at) in
        [("/:", 1), ("/(?x)", 2), ("/((a))", 2), ("/(a", 1), ("/()", 1), ("/{a", 3), ("/a}", 2), ("/*", 1)]
    {
        match parse(pattern, &vercel()) {
            Err(PathError::Syntax { at: found, .. } | PathError::Unexpected { at: found, .. }) => {
                assert_eq!(found, at, "{pattern}")
            }
            other => panic!("{pattern}: {other:?}"),
        }
    }
    assert!(matches!(path_to_regexp("/(*.)", &vercel()), Err(PathError::Expression(_))));
    assert_eq!(path_to_regexp("/a\\", &vercel()).unwrap().source, r"^\/a$");
}

#[test]
fn compiling_fills_in_values() {
    let mut params = Params::default();
    params.set("id", Value::Text("7".to_owned()));
    params.set("path", Value::List(vec!["a".to_owned(), "b".to_owned()]));
    for (pattern, expected) in [
        ("/u/:id", Some("/u/7")),
        ("/u/:id?", Some("/u/7")),
        ("/u/:other?", Some("/u")),
        ("/u/:other", None),
        ("/u/:path*", Some("/u/a/b")),
        ("/u/:path", None),
        (r"/u/:id(\d+)", Some("/u/7")),
        ("/u/:id([a-z]+)", None),
        ("/u/([)", None),
    ] {
        assert_eq!(compile(pattern, &params, &Options::default()).ok().as_deref(), expected, "{pattern}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(pattern in "[a:/(){}*+?\\\\.\\[\\]|^$-]{0,20}") {
        if let Ok(path) = path_to_regexp(&pattern, &vercel()) {
            prop_assert!(crate::rules::regex::Pattern::parse(&path.source).is_ok());
        }
    }

    #[test]
    fn a_compiled_path_matches_its_pattern(first in "[a-z]{1,6}", rest in prop::collection::vec("[a-z0-9]{1,4}", 1..4)) {
        let pattern = "/x/:first/:rest+";
        let mut params = Params::default();
        params.set("first", Value::Text(first.clone()));
        params.set("rest", Value::List(rest.clone()));
        let path = compile(pattern, &params, &vercel()).unwrap();
        let program = crate::rules::regex::Pattern::parse(&path_to_regexp(pattern, &vercel()).unwrap().source).unwrap().compile(false).unwrap();
        let mut captures = crate::rules::regex::Captures::default();
        prop_assert!(crate::rules::regex::search(&program, &path, &mut captures, &mut crate::rules::regex::Budget::default()));
        prop_assert_eq!(captures.get(1, &path), Some(first.as_str()));
        let joined = rest.join("/");
        prop_assert_eq!(captures.get(2, &path), Some(joined.as_str()));
    }
}
