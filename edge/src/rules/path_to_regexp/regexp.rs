//! Turns tokens into a regular expression.

use super::{Key, Modifier, Options, PathError, Token, parse};
use crate::rules::regex::Pattern;

/// The regular expression of a path pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PathRegexp {
    /// Its text, as JavaScript's `RegExp.source` gives it: slashes escaped.
    pub source: String,
    /// What each capture group stands for.
    pub keys: Vec<Key>,
}

/// Makes the regular expression of `pattern`.
///
/// # Errors
/// [`PathError::Syntax`], or [`PathError::Expression`] when a custom group breaks the expression.
pub fn path_to_regexp(pattern: &str, options: &Options) -> Result<PathRegexp, PathError> {
    let tokens = parse(pattern, options)?;
    let expression = expression(&tokens, options);
    if Pattern::parse(&expression).is_err() {
        return Err(PathError::Expression(expression));
    }
    let keys = keys(&tokens);
    Ok(PathRegexp { source: source(&expression), keys })
}

/// The keys that become capture groups, in order.
pub(crate) fn keys(tokens: &[Token]) -> Vec<Key> {
    let key = |token: &Token| match token {
        Token::Key(key) if !key.pattern.is_empty() => Some(key.clone()),
        _ => None,
    };
    tokens.iter().filter_map(key).collect()
}

fn expression(tokens: &[Token], options: &Options) -> String {
    let ends = format!("[{}]|$", escaped(&options.ends_with));
    let delimiter = format!("[{}]", escaped(&options.delimiter));
    let mut route = if options.start { "^".to_owned() } else { String::new() };
    for token in tokens {
        match token {
            Token::Text(text) => route += &escaped(text),
            Token::Key(key) => route += &group(key),
        }
    }
    if options.end {
        if !options.strict {
            route += &format!("{delimiter}?");
        }
        route += &if options.ends_with.is_empty() { "$".to_owned() } else { format!("(?={ends})") };
    } else {
        if !options.strict {
            route += &format!("(?:{delimiter}(?={ends}))?");
        }
        let is_delimited = match tokens.last() {
            Some(Token::Text(text)) => text.chars().last().is_some_and(|last| delimiter.contains(last)),
            Some(Token::Key(_)) => false,
            None => true,
        };
        if !is_delimited {
            route += &format!("(?={delimiter}|{ends})");
        }
    }
    route
}

fn group(key: &Key) -> String {
    let Key { pattern, modifier, .. } = key;
    let (prefix, suffix) = (escaped(&key.prefix), escaped(&key.suffix));
    let sign = modifier.as_str();
    if pattern.is_empty() {
        format!("(?:{prefix}{suffix}){sign}")
    } else if prefix.is_empty() && suffix.is_empty() {
        format!("({pattern}){sign}")
    } else if modifier.repeats() {
        let optional = if *modifier == Modifier::AnyTimes { "?" } else { "" };
        format!("(?:{prefix}((?:{pattern})(?:{suffix}{prefix}(?:{pattern}))*){suffix}){optional}")
    } else {
        format!("(?:{prefix}({pattern}){suffix}){sign}")
    }
}

/// Escapes what has a meaning in a regular expression.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if ".+*?=^!:${}()[]|/\\".contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

/// The text of an expression as `RegExp.source` gives it: slashes outside of classes and line ends escaped.
fn source(expression: &str) -> String {
    if expression.is_empty() {
        return "(?:)".to_owned();
    }
    let mut source = String::with_capacity(expression.len());
    let (mut in_class, mut is_escaped) = (false, false);
    for char in expression.chars() {
        let line_end = match char {
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\u{2028}' => Some("\\u2028"),
            '\u{2029}' => Some("\\u2029"),
            _ => None,
        };
        if let Some(line_end) = line_end {
            // An escaped line end keeps its one backslash.
            source.push_str(if is_escaped { line_end.trim_start_matches('\\') } else { line_end });
        } else {
            if char == '/' && !in_class && !is_escaped {
                source.push('\\');
            }
            source.push(char);
        }
        if is_escaped {
            is_escaped = false;
        } else {
            match char {
                '\\' => is_escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                _ => {}
            }
        }
    }
    source
}
