//! Path patterns of the older path-to-regexp, as firebase.json (1.9) and serve.json (3.3) write them, turned into
//! low-level routes: unlike vercel.json's, they ignore case and a slash at the end.

use std::fmt::Write;

/// Whose reading applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.9: a slash or dot belongs to the parameter behind it, `*` matches anything.
    One,
    /// 3.3: any character belongs to the parameter behind it.
    Three,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Key(Key),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    name: String,
    prefix: String,
    pattern: String,
    optional: bool,
    repeat: bool,
    /// More of the segment follows, so that the prefix stays when the value is absent.
    partial: bool,
}

/// Most parameters that may be absent in a destination: each doubles the routes.
const MAX_OPTIONAL: usize = 3;

/// The routes, best first, of a source and a destination with parameters: expression, and destination with `$1`, `$2` …
///
/// Several when parameters may be absent; none when the destination needs one that the source does not have.
pub(super) fn routes(source: &str, destination: &str, version: Version) -> Vec<(String, String)> {
    let (source, destination) = (parse(source, version), parse(destination, version));
    let named = |tokens: &[Token], name: &str| {
        let key = |token: &Token| matches!(token, Token::Key(key) if key.name == name);
        tokens.iter().any(key)
    };
    let is_optional =
        |token: &&Token| matches!(token, Token::Key(key) if key.optional && named(&destination, &key.name));
    let optional: Vec<String> = source.iter().filter(is_optional).filter_map(name_of).collect();
    if optional.len() > MAX_OPTIONAL {
        return Vec::new();
    }
    let subsets = 0..1_usize << optional.len();
    let route = |subset: usize| {
        let is_absent = |name: &str| {
            optional.iter().position(|known| known == name).is_some_and(|index| subset & (1 << index) != 0)
        };
        let mut tokens: Vec<Token> = source.clone();
        let mut target = destination.clone();
        drop_absent(&mut tokens, &is_absent);
        let demands = |token: &Token| matches!(token, Token::Key(key) if !key.optional && is_absent(&key.name));
        if target.iter().any(demands) {
            return None;
        }
        drop_absent(&mut target, &is_absent);
        for token in &mut tokens {
            if let Token::Key(key) = token
                && let Some(wanted) = target.iter().find_map(|token| match token {
                    Token::Key(wanted) if wanted.name == key.name => Some(wanted),
                    _ => None,
                })
            {
                key.optional = false;
                key.repeat &= wanted.repeat;
            }
        }
        Some((expression(&tokens, version), filled(&target, &tokens)?))
    };
    subsets.filter_map(route).collect()
}

fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Key(key) => Some(key.name.clone()),
        Token::Text(_) => None,
    }
}

fn drop_absent(tokens: &mut Vec<Token>, is_absent: &dyn Fn(&str) -> bool) {
    for token in tokens.iter_mut() {
        if let Token::Key(key) = token
            && is_absent(&key.name)
        {
            *token = Token::Text(if key.partial { std::mem::take(&mut key.prefix) } else { String::new() });
        }
    }
    tokens.retain(|token| !matches!(token, Token::Text(text) if text.is_empty()));
}

/// The destination with references in place of its parameters; `None` when the source lacks one.
fn filled(destination: &[Token], source: &[Token]) -> Option<String> {
    let names: Vec<String> = source.iter().filter_map(name_of).collect();
    let mut text = String::new();
    for token in destination {
        match token {
            Token::Text(part) => text += part,
            Token::Key(key) => match names.iter().position(|name| *name == key.name) {
                Some(index) => {
                    let _ = write!(text, "{}${}", key.prefix, index + 1);
                }
                None if key.optional => {}
                None => return None,
            },
        }
    }
    Some(text)
}

fn parse(pattern: &str, version: Version) -> Vec<Token> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut text = String::new();
    let (mut at, mut unnamed, mut is_escaped) = (0, 0, false);
    while let Some(&char) = chars.get(at) {
        if char == '\\'
            && let Some(&escaped) = chars.get(at + 1)
        {
            text.push(escaped);
            is_escaped = true;
            at += 2;
            continue;
        }
        let Some((mut key, end)) = key(&chars, at, version) else {
            text.push(char);
            // 3.3 remembers an escape until the text ends.
            is_escaped &= version == Version::Three;
            at += 1;
            continue;
        };
        let takes_prefix = |char: &char| !is_escaped && (version == Version::Three || matches!(char, '/' | '.'));
        if let Some(prefix) = text.chars().last().filter(takes_prefix) {
            text.pop();
            key.prefix = prefix.to_string();
        }
        if key.name.is_empty() {
            key.name = unnamed.to_string();
            unnamed += 1;
        }
        let next = chars.get(end).map(char::to_string);
        key.partial = version == Version::One && !key.prefix.is_empty() && next.is_some_and(|next| next != key.prefix);
        let before = if key.prefix.is_empty() { text.as_str() } else { key.prefix.as_str() };
        if key.pattern.is_empty() {
            key.pattern = default_pattern(&key.prefix, before, version);
        }
        if !text.is_empty() {
            tokens.push(Token::Text(std::mem::take(&mut text)));
        }
        tokens.push(Token::Key(key));
        is_escaped = false;
        at = end;
    }
    if !text.is_empty() {
        tokens.push(Token::Text(text));
    }
    tokens
}

/// Reads a parameter or group at `at`; its pattern is empty when none is written.
fn key(chars: &[char], at: usize, version: Version) -> Option<(Key, usize)> {
    let (mut name, mut pattern, mut end) = (String::new(), String::new(), at);
    match chars.get(at)? {
        ':' => {
            let rest = chars.get(at + 1..)?;
            name = rest.iter().take_while(|char| char.is_ascii_alphanumeric() || **char == '_').collect();
            if name.is_empty() {
                return None;
            }
            end += 1 + name.len();
            if let Some((group, after)) = group(chars, end) {
                (pattern, end) = (group, after);
            }
        }
        '(' => (pattern, end) = group(chars, at)?,
        '*' if version == Version::One => {
            let key = Key {
                name,
                prefix: String::new(),
                pattern: ".*".to_owned(),
                optional: false,
                repeat: false,
                partial: false,
            };
            return Some((key, at + 1));
        }
        _ => return None,
    }
    let modifier = chars.get(end).filter(|char| matches!(char, '+' | '*' | '?'));
    end += usize::from(modifier.is_some());
    let optional = matches!(modifier, Some('*' | '?'));
    let repeat = matches!(modifier, Some('*' | '+'));
    Some((Key { name, prefix: String::new(), pattern, optional, repeat, partial: false }, end))
}

/// Reads a group without groups inside; what would make one is escaped.
fn group(chars: &[char], open: usize) -> Option<(String, usize)> {
    let mut pattern = String::new();
    let mut at = open + 1;
    if chars.get(open) != Some(&'(') {
        return None;
    }
    loop {
        match chars.get(at)? {
            ')' if !pattern.is_empty() => return Some((pattern, at + 1)),
            '(' | ')' => return None,
            '\\' => {
                pattern.extend(['\\', *chars.get(at + 1)?]);
                at += 2;
            }
            char @ ('=' | '!' | ':' | '$' | '/') => {
                pattern.extend(['\\', *char]);
                at += 1;
            }
            char => {
                pattern.push(*char);
                at += 1;
            }
        }
    }
}

/// A parameter reaches to the next slash, or to the next sign like the one before it.
fn default_pattern(prefix: &str, before: &str, version: Version) -> String {
    let delimiter = if prefix.is_empty() { "/" } else { prefix };
    let others = if version == Version::Three && delimiter != "/" { "\\/" } else { "" };
    let outside = format!("[^{}{others}]", escaped(delimiter));
    let is_bounded =
        before.is_empty() || before.contains(delimiter) || version == Version::Three && before.contains('/');
    if is_bounded {
        format!("{outside}+?")
    } else {
        let before = escaped(before);
        format!("{before}|(?:(?!{before}){outside})+?")
    }
}

fn expression(tokens: &[Token], version: Version) -> String {
    let mut route = "^".to_owned();
    for token in tokens {
        match token {
            Token::Text(text) => route += &escaped(text),
            Token::Key(key) => {
                let prefix = escaped(&key.prefix);
                let mut capture = format!("(?:{})", key.pattern);
                if key.repeat {
                    let between = if prefix.is_empty() && version == Version::Three { "\\/" } else { &prefix };
                    capture = format!("{capture}(?:{between}{capture})*");
                }
                route += &match (key.optional, key.partial) {
                    (true, true) => format!("{prefix}({capture})?"),
                    (true, false) => format!("(?:{prefix}({capture}))?"),
                    (false, _) => format!("{prefix}({capture})"),
                };
            }
        }
    }
    if version == Version::One {
        route = route.strip_suffix("\\/").map(str::to_owned).unwrap_or(route);
    }
    route + "(?:\\/)?$"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if ".+*?=^!:${}()[]|/\\".contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Version, routes};

    #[test]
    fn parameters_that_may_be_absent_make_two_routes() {
        let pair = |source: &str, destination: &str| (source.to_owned(), destination.to_owned());
        assert_eq!(
            routes("/blog/:post*", "/new/:post*", Version::One),
            [pair(r"^\/blog\/((?:[^\/]+?)(?:\/(?:[^\/]+?))*)(?:\/)?$", "/new/$1"), pair(r"^\/blog(?:\/)?$", "/new"),]
        );
        assert_eq!(routes("/a/:x?", "/b/:x", Version::Three), [pair(r"^\/a\/((?:[^\/]+?))(?:\/)?$", "/b/$1")]);
        assert_eq!(routes("/a/:x", "/b/:y", Version::Three), []);
        assert_eq!(routes("/a/:x*", "/b/:x", Version::One)[0].0, r"^\/a\/((?:[^\/]+?))(?:\/)?$");
    }

    #[test]
    fn groups_and_stars_are_numbered() {
        for (source, version, destination, expected) in [
            ("/a/(\\d+)/:b", Version::One, "/:b/:0", (r"^\/a\/((?:\d+))\/((?:[^\/]+?))(?:\/)?$", "/$2/$1")),
            ("/a/*", Version::One, "/b/:0", (r"^\/a\/((?:.*))(?:\/)?$", "/b/$1")),
            ("/a/(.*)", Version::Three, "/b/:0", (r"^\/a\/((?:.*))(?:\/)?$", "/b/$1")),
            ("/a.:ext", Version::Three, "/b.:ext", (r"^\/a\.((?:[^\.\/]+?))(?:\/)?$", "/b.$1")),
            ("/a-:x", Version::Three, "/:x", (r"^\/a-((?:[^-\/]+?))(?:\/)?$", "/$1")),
        ] {
            assert_eq!(routes(source, destination, version), [(expected.0.to_owned(), expected.1.to_owned())]);
        }
    }
}
