//! Globs with `*` only, matched against the whole text.

/// Whether `glob` matches all of `text`; `*` stands for any characters, slashes too, everything else for itself.
///
/// Cost is bounded by the product of the lengths: only the last `*` met is ever lengthened.
#[must_use]
pub fn matches(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.as_bytes(), text.as_bytes());
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (glob, text) {
            ([b'*', rest @ ..], _) => {
                retry = Some((rest, text));
                glob = rest;
            }
            ([], []) => return true,
            ([first, rest @ ..], [byte, after @ ..]) if first == byte => (glob, text) = (rest, after),
            _ => {
                let Some((rest, [_, after @ ..])) = retry else { return false };
                retry = Some((rest, after));
                (glob, text) = (rest, after);
            }
        }
    }
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
