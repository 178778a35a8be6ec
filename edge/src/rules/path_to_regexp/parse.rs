//! Reads a pattern into tokens.

use super::lexer::{Sign, signs};
use super::regexp::escaped;
use super::{Key, Modifier, Name, Options, PathError, Token};

/// Reads `pattern`.
///
/// # Errors
/// [`PathError::Syntax`], with the character's index.
pub fn parse(pattern: &str, options: &Options) -> Result<Vec<Token>, PathError> {
    let default_pattern = format!("[^{}]+?", escaped(&options.delimiter));
    let mut reader = Reader { signs: signs(pattern)?, at: 0, default_pattern, unnamed: 0 };
    let mut tokens = Vec::new();
    let mut text = String::new();
    let flush = |text: &mut String, tokens: &mut Vec<Token>| {
        if !text.is_empty() {
            tokens.push(Token::Text(std::mem::take(text)));
        }
    };
    while reader.at < reader.signs.len() {
        let char = reader.char();
        let (name, pattern) = (reader.name(), reader.pattern());
        if name.is_some() || pattern.is_some() {
            let mut prefix = String::new();
            if let Some(char) = char {
                if options.prefixes.contains(char) { prefix.push(char) } else { text.push(char) }
            }
            flush(&mut text, &mut tokens);
            tokens.push(Token::Key(reader.key(name, pattern, prefix)));
            continue;
        }
        if let Some(char) = char.or_else(|| reader.escaped()) {
            text.push(char);
            continue;
        }
        flush(&mut text, &mut tokens);
        if reader.take(&Sign::Open) {
            tokens.push(Token::Key(reader.braces()?));
        } else if !reader.take(&Sign::End) {
            return Err(reader.unexpected(&Sign::End));
        }
    }
    Ok(tokens)
}

struct Reader {
    signs: Vec<(usize, Sign)>,
    at: usize,
    default_pattern: String,
    unnamed: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Sign> {
        self.signs.get(self.at).map(|(_, sign)| sign)
    }

    fn take(&mut self, sign: &Sign) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn char(&mut self) -> Option<char> {
        let Some(&Sign::Char(char)) = self.peek() else {
            return None;
        };
        self.at += 1;
        Some(char)
    }

    fn escaped(&mut self) -> Option<char> {
        let Some(&Sign::Escaped(char)) = self.peek() else {
            return None;
        };
        self.at += 1;
        char
    }

    fn name(&mut self) -> Option<String> {
        let Some(Sign::Name(name)) = self.peek() else {
            return None;
        };
        let name = name.clone();
        self.at += 1;
        Some(name)
    }

    fn pattern(&mut self) -> Option<String> {
        let Some(Sign::Pattern(pattern)) = self.peek() else {
            return None;
        };
        let pattern = pattern.clone();
        self.at += 1;
        Some(pattern)
    }

    fn modifier(&mut self) -> Modifier {
        let Some(&Sign::Modifier(modifier)) = self.peek() else {
            return Modifier::Once;
        };
        self.at += 1;
        modifier
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        while let Some(char) = self.char().or_else(|| self.escaped()) {
            text.push(char);
        }
        text
    }

    fn next_index(&mut self) -> Name {
        self.unnamed += 1;
        Name::Index(self.unnamed - 1)
    }

    fn key(&mut self, name: Option<String>, pattern: Option<String>, prefix: String) -> Key {
        let name = name.map_or_else(|| self.next_index(), Name::Text);
        let pattern = pattern.unwrap_or_else(|| self.default_pattern.clone());
        Key { name, prefix, suffix: String::new(), pattern, modifier: self.modifier() }
    }

    /// Reads a group in braces, whose opening one was taken.
    fn braces(&mut self) -> Result<Key, PathError> {
        let prefix = self.text();
        let (name, pattern) = (self.name(), self.pattern());
        let suffix = self.text();
        if !self.take(&Sign::Close) {
            return Err(self.unexpected(&Sign::Close));
        }
        let (name, pattern) = match (name, pattern) {
            (Some(name), pattern) => (Name::Text(name), pattern.unwrap_or_else(|| self.default_pattern.clone())),
            (None, Some(pattern)) => (self.next_index(), pattern),
            (None, None) => (Name::Text(String::new()), String::new()),
        };
        Ok(Key { name, prefix, suffix, pattern, modifier: self.modifier() })
    }

    fn unexpected(&self, expected: &Sign) -> PathError {
        let (at, found) = self.signs.get(self.at).map_or((0, Sign::End.kind()), |(at, sign)| (*at, sign.kind()));
        PathError::Unexpected { at, found, expected: expected.kind() }
    }
}
