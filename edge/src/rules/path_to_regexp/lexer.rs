//! Splits a pattern into its signs.

use super::{Modifier, PathError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Open,
    Close,
    Pattern(String),
    Name(String),
    Char(char),
    /// `None`: a backslash at the very end, which means nothing.
    Escaped(Option<char>),
    Modifier(Modifier),
    End,
}

impl Sign {
    /// The kind, as messages name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Close => "CLOSE",
            Self::Pattern(_) => "PATTERN",
            Self::Name(_) => "NAME",
            Self::Char(_) => "CHAR",
            Self::Escaped(_) => "ESCAPED_CHAR",
            Self::Modifier(_) => "MODIFIER",
            Self::End => "END",
        }
    }
}

/// Returns the signs of `pattern`, [`Sign::End`] last, each with the index of its first character.
pub(super) fn signs(pattern: &str) -> Result<Vec<(usize, Sign)>, PathError> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut signs = Vec::new();
    let mut at = 0;
    while let Some(&char) = chars.get(at) {
        let (sign, end) = match char {
            '*' => (Sign::Modifier(Modifier::AnyTimes), at + 1),
            '+' => (Sign::Modifier(Modifier::AtLeastOnce), at + 1),
            '?' => (Sign::Modifier(Modifier::Optional), at + 1),
            '\\' => (Sign::Escaped(chars.get(at + 1).copied()), at + 2),
            '{' => (Sign::Open, at + 1),
            '}' => (Sign::Close, at + 1),
            ':' => name(&chars, at)?,
            '(' => group(&chars, at)?,
            char => (Sign::Char(char), at + 1),
        };
        signs.push((at, sign));
        at = end;
    }
    signs.push((at, Sign::End));
    Ok(signs)
}

fn name(chars: &[char], at: usize) -> Result<(Sign, usize), PathError> {
    let rest = chars.get(at + 1..).unwrap_or_default();
    let name: String = rest.iter().take_while(|char| char.is_ascii_alphanumeric() || **char == '_').collect();
    if name.is_empty() {
        return Err(PathError::Syntax { at, reason: "Missing parameter name" });
    }
    let end = at + 1 + name.len();
    Ok((Sign::Name(name), end))
}

/// Reads the group that opens at `open`; capturing groups inside are refused, since they would shift the numbers.
fn group(chars: &[char], open: usize) -> Result<(Sign, usize), PathError> {
    if chars.get(open + 1) == Some(&'?') {
        return Err(PathError::Syntax { at: open + 1, reason: "Pattern cannot start with \"?\"" });
    }
    let mut pattern = String::new();
    let mut depth = 1;
    let mut at = open + 1;
    while let Some(&char) = chars.get(at) {
        match char {
            '\\' => {
                pattern.push(char);
                at += 1;
                let Some(&escaped) = chars.get(at) else { break };
                pattern.push(escaped);
                at += 1;
                continue;
            }
            ')' => {
                depth -= 1;
                if depth == 0 {
                    if pattern.is_empty() {
                        return Err(PathError::Syntax { at: open, reason: "Missing pattern" });
                    }
                    return Ok((Sign::Pattern(pattern), at + 1));
                }
            }
            '(' => {
                depth += 1;
                if chars.get(at + 1) != Some(&'?') {
                    return Err(PathError::Syntax { at, reason: "Capturing groups are not allowed" });
                }
            }
            _ => {}
        }
        pattern.push(char);
        at += 1;
    }
    Err(PathError::Syntax { at: open, reason: "Unbalanced pattern" })
}
