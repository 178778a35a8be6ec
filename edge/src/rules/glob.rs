//! Globs with `*` only, matched against the whole text.

/// Whether `glob` matches all of `text`; `*` stands for any characters, slashes too, everything else for itself.
///
/// Cost is bounded by the product of the lengths: a `*` that did not work out is only ever lengthened, never tried anew.
#[must_use]
pub fn matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;
    use proptest::prelude::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (glob, text, expected) in [
            ("/api/*", "/api/", true),
            ("/api/*", "/api", false),
            ("/api*", "/apiary/x", true),
            ("*/x", "/a/b/x", true),
            ("/*.js", "/a/b.js", true),
            ("/*.js", "/a/b.jsx", false),
            ("/a*a", "/a", false),
            ("/a*b*c", "/abcbc", true),
            ("/a*b*c", "/acbb", false),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/(.+)", "/x", false),
            ("", "", true),
            ("*", "", true),
            ("**", "/x", true),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
    }

    fn slow(glob: &[u8], text: &[u8]) -> bool {
        match (glob, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) if slow(rest, text) => true,
            ([b'*', ..], [_, after @ ..]) => slow(glob, after),
            ([first, rest @ ..], [byte, after @ ..]) => first == byte && slow(rest, after),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_trying_everything(glob in "[ab*]{0,7}", text in "[ab]{0,9}") {
            prop_assert_eq!(matches(&glob, &text), slow(glob.as_bytes(), text.as_bytes()));
        }
    }
}
