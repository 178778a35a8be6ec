//! Conditional requests (RFC 9110, 13). Ranges and the date conditions belong here too.

use crate::head::EntityTag;

/// Whether `If-None-Match` says that the visitor already holds `tag`: weak comparison, lists, `*`.
pub fn none_match_holds(header: &str, tag: EntityTag) -> bool {
    let expected = tag.to_header();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return false;
        }
        let (candidate, after) = split_tag(rest.strip_prefix("W/").unwrap_or(rest));
        if candidate == expected || candidate == "*" {
            return true;
        }
        rest = after;
    }
}

/// Splits the first tag off. A quoted one may hold commas.
fn split_tag(text: &str) -> (&str, &str) {
    let quoted = text
        .strip_prefix('"')
        .and_then(|inner| inner.find('"'))
        .map(|end| end.saturating_add(2));
    let end = quoted.or_else(|| text.find(',')).unwrap_or(text.len());
    let (tag, after) = text.split_at_checked(end).unwrap_or((text, ""));
    (tag.trim_end_matches([' ', '\t']), after)
}

#[cfg(test)]
mod tests {
    use super::none_match_holds;
    use crate::head::EntityTag;

    #[test]
    fn if_none_match_is_read_as_a_list_of_weakly_compared_tags() {
        let tag = "\"00000000000000ab\"";
        for (header, expected) in [
            (tag.to_owned(), true),
            (format!("W/{tag}"), true),
            (format!("\"x\", {tag}"), true),
            (format!("\"a,b\" ,\tW/{tag} , \"y\""), true),
            (format!(",,{tag}"), true),
            ("*".to_owned(), true),
            (" * ".to_owned(), true),
            (String::new(), false),
            ("\"x\"".to_owned(), false),
            (tag.replace('"', ""), false),
            (format!("\"x, {tag}"), false),
            (format!("w/{tag}"), false),
            ("\"00000000000000AB\"".to_owned(), false),
            ("W/".to_owned(), false),
            ("\"".to_owned(), false),
        ] {
            assert_eq!(
                none_match_holds(&header, EntityTag(0xab)),
                expected,
                "{header}"
            );
        }
    }
}
