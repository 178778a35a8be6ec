//! Globs of serve.json and firebase.json, by the rules of minimatch: `*`, `?`, `[…]`, `**` as a whole segment, braces,
//! extended groups such as `!(…)`, and a `!` in front. Segments that begin with a dot have to be asked for.

use std::iter::Peekable;
use std::str::Chars;

use super::regex::Pattern;

/// Most patterns that braces may make of one.
const MAX_EXPANSIONS: usize = 256;
/// Deepest nesting of groups and braces.
const MAX_DEPTH: usize = 16;

/// The regular expression of a glob that begins with a slash (or with `!` and a slash); `None` when it is too large.
pub(super) fn expression(glob: &str) -> Option<String> {
    let rest = glob.trim_start_matches('!');
    let negative = (glob.len() - rest.len()) % 2 == 1;
    let mut patterns = Vec::new();
    expand(rest, &mut patterns, 0)?;
    let alternatives: Vec<String> = patterns.iter().map(|pattern| path(pattern)).collect::<Option<_>>()?;
    let alternatives = match alternatives.as_slice() {
        [only] => only.clone(),
        several => format!("(?:{})", several.join("|")),
    };
    Some(if negative { format!("^(?!{alternatives}$).*$") } else { format!("^{alternatives}$") })
}

/// Replaces the first pair of braces by each thing that it stands for, and so on.
fn expand(pattern: &str, patterns: &mut Vec<String>, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH * 4 || patterns.len() >= MAX_EXPANSIONS {
        return None;
    }
    let mut from = 0;
    while let Some(open) = pattern.get(from..)?.find('{').map(|at| at + from) {
        let choices = pattern.get(open..).and_then(choices);
        let Some((choices, length)) = choices.filter(|_| !pattern.get(..open).is_some_and(|text| text.ends_with('\\')))
        else {
            from = open + 1;
            continue;
        };
        let (before, after) = (pattern.get(..open)?, pattern.get(open + length..)?);
        for choice in choices {
            expand(&[before, &choice, after].concat(), patterns, depth + 1)?;
        }
        return Some(());
    }
    patterns.push(pattern.to_owned());
    Some(())
}

/// What the braces at the start of `text` stand for, and their length; `None` when they are plain text.
fn choices(text: &str) -> Option<(Vec<String>, usize)> {
    let (mut depth, mut start) = (0, 1);
    let mut choices = Vec::new();
    for (at, char) in text.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                choices.push(text.get(start..at)?.to_owned());
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            let last = text.get(start..at)?;
            if choices.is_empty() {
                return Some((range(last)?, at + 1));
            }
            choices.push(last.to_owned());
            return Some((choices, at + 1));
        }
    }
    None
}

/// `1..3` or `a..c`.
fn range(text: &str) -> Option<Vec<String>> {
    let (from, to) = text.split_once("..")?;
    if let (Ok(from), Ok(to)) = (from.parse::<i32>(), to.parse::<i32>()) {
        let (low, high) = (from.min(to), from.max(to));
        let mut numbers: Vec<String> = (low..=high).take(MAX_EXPANSIONS).map(|number| number.to_string()).collect();
        if from > to {
            numbers.reverse();
        }
        return Some(numbers);
    }
    let letter = |text: &str| text.chars().next().filter(|char| text.len() == 1 && char.is_ascii_alphabetic());
    let (from, to) = (letter(from)?, letter(to)?);
    Some((from..=to).map(String::from).collect())
}

/// The expression of a pattern without braces, slashes included.
fn path(pattern: &str) -> Option<String> {
    let mut segments: Vec<&str> = pattern.split('/').collect();
    segments.dedup_by(|next, previous| next.is_empty() && previous.is_empty());
    let last = segments.len() - 1;
    let mut path = String::new();
    for (index, text) in segments.iter().enumerate().skip(1) {
        match (*text, index == last) {
            ("**", true) => return Some(path + "(?:/(?!\\.)[^/]*)+"),
            ("**", false) => path += "(?:/(?!\\.)[^/]*)*",
            _ => {
                path.push('/');
                path += &segment(text)?;
            }
        }
    }
    // A slash too many at the end of the path does not matter.
    Some(if pattern.ends_with('/') { path } else { path + "/?" })
}

fn segment(text: &str) -> Option<String> {
    let has_magic_first = text.starts_with(['*', '?', '[']) || is_group(text);
    let guard = if has_magic_first { "(?!\\.)(?=[^/])" } else { "" };
    let mut chars = text.chars().peekable();
    Some([guard, &part(&mut chars, 0)?].concat())
}

fn is_group(text: &str) -> bool {
    text.starts_with(['+', '@', '!', '*', '?']) && text.get(1..).is_some_and(|rest| rest.starts_with('('))
}

/// Reads up to the end, or up to the `|` or `)` that ends an alternative of a group.
fn part(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<String> {
    let mut out = String::new();
    while let Some(&char) = chars.peek() {
        if depth > 0 && matches!(char, '|' | ')') {
            break;
        }
        chars.next();
        let opens = chars.peek() == Some(&'(') && matches!(char, '+' | '@' | '!' | '*' | '?');
        let mut ahead = chars.clone();
        if opens && let Some(alternatives) = group(&mut ahead, depth + 1) {
            *chars = ahead;
            if char == '!' {
                let rest = part(chars, depth)?;
                out += &format!("(?:(?!(?:{alternatives}){rest}(?:/|$))[^/]*?){rest}");
                return Some(out);
            }
            let sign = if char == '@' { String::new() } else { char.to_string() };
            out += &format!("(?:{alternatives}){sign}");
            continue;
        }
        match char {
            '*' => {
                while chars.next_if_eq(&'*').is_some() {}
                out += "[^/]*?";
            }
            '?' => out += "[^/]",
            '[' => out += &class(chars),
            '\\' => push_literal(&mut out, chars.next().unwrap_or('\\')),
            _ => push_literal(&mut out, char),
        }
    }
    Some(out)
}

/// Reads a group from its `(`; `None` when it is not closed or too deep.
fn group(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    chars.next_if_eq(&'(')?;
    let mut alternatives = part(chars, depth)?;
    while chars.next_if_eq(&'|').is_some() {
        alternatives = format!("{alternatives}|{}", part(chars, depth)?);
    }
    chars.next_if_eq(&')').map(|_| alternatives)
}

/// Reads a class behind its `[`; one that is not closed is a plain bracket.
fn class(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut ahead = chars.clone();
    let negative = ahead.next_if(|char| matches!(char, '!' | '^')).is_some();
    let mut members = String::new();
    loop {
        match ahead.next() {
            None => return "\\[".to_owned(),
            Some(']') if !members.is_empty() => break,
            Some('\\') => {
                let Some(escaped) = ahead.next() else {
                    return "\\[".to_owned();
                };
                members.extend(['\\', escaped]);
            }
            Some('-') if members.is_empty() => members.push_str("\\-"),
            Some(char @ ('[' | ']' | '^')) => members.extend(['\\', char]),
            Some(char) => members.push(char),
        }
    }
    // A dash at either end is itself.
    if let Some(rest) = members.strip_suffix('-').filter(|rest| !rest.ends_with('\\')) {
        members = [rest, "\\-"].concat();
    }
    let class = if negative { format!("[^/{members}]") } else { format!("[{members}]") };
    if Pattern::parse(&class).is_err() {
        return "\\[".to_owned();
    }
    *chars = ahead;
    class
}

fn push_literal(out: &mut String, char: char) {
    if ".+*?^$(){}|[]\\/".contains(char) {
        out.push('\\');
    }
    out.push(char);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::expression;
    use crate::rules::regex::{Budget, Captures, Pattern, search};

    fn matches(glob: &str, path: &str) -> bool {
        let program = Pattern::parse(&expression(glob).unwrap()).unwrap().compile(false).unwrap();
        search(&program, path, &mut Captures::default(), &mut Budget::default())
    }

    #[test]
    fn globs_match_as_minimatch_has_it() {
        for (glob, yes, no) in [
            ("/a/*", &["/a/b", "/a/b/"][..], &["/a", "/a/", "/a/.b", "/a/b/c"][..]),
            ("/a/**", &["/a/", "/a/b", "/a/b/c"], &["/a", "/a/.b", "/a/b/.c", "/ab"]),
            ("/**", &["/", "/a", "/a/b"], &["/.a"]),
            ("/a/**/b", &["/a/b", "/a/x/b", "/a/x/y/b"], &["/a/.x/b", "/ab"]),
            ("/**/*.js", &["/a.js", "/x/a.js"], &["/a.jsx", "/.js"]),
            ("/a?c", &["/abc"], &["/ac", "/abbc"]),
            ("/[a-c]", &["/b"], &["/d", "/."]),
            ("/[!a-c]", &["/d"], &["/b", "/."]),
            ("/[", &["/["], &["/"]),
            ("/[!-x]", &["/a"], &["/-", "/x"]),
            ("/[x-]", &["/-", "/x"], &["/a"]),
            ("/[b-a]", &["/[b-a]"], &["/a"]),
            ("/.well-known/*", &["/.well-known/x"], &["/x"]),
            ("/{a,b{c,d}}.{1..2}", &["/a.1", "/bd.2"], &["/b.1", "/a.3"]),
            ("/{a}", &["/{a}"], &["/a"]),
            ("/@(a|b).html", &["/a.html", "/b.html"], &["/c.html", "/ab.html"]),
            ("/+(a|b)", &["/a", "/abba"], &["/", "/c"]),
            ("/!(a|b)", &["/c", "/ab"], &["/a", "/b", "/"]),
            ("/!(a).js", &["/b.js", "/aa.js"], &["/a.js"]),
            ("!/a/**", &["/b", "/a"], &["/a/b"]),
            ("/a.b", &["/a.b"], &["/axb"]),
        ] {
            yes.iter().for_each(|path| assert!(matches(glob, path), "{glob} {path}"));
            no.iter().for_each(|path| assert!(!matches(glob, path), "{glob} {path}"));
        }
    }

    proptest! {
        #[test]
        fn any_glob_is_an_expression_or_too_large(glob in "!?/[a/*?{},.!@+()|\\[\\]\\\\-]{0,24}") {
            if let Some(expression) = expression(&glob) {
                prop_assert!(Pattern::parse(&expression).is_ok(), "{}", expression);
            }
        }
    }
}
