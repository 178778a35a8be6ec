//! Reads JavaScript's regular expression syntax, with the liberties that browsers allow (ECMA-262, Annex B.1.2) and
//! without the `u` and `v` flags.

use std::fmt;

use super::char_set::CharSet;
use super::escape::{Escape, GroupNames};
use super::syntax::{Node, Pattern, Repeat};

/// Deepest nesting of groups; a bound on recursion.
const MAX_DEPTH: u32 = 200;
/// Repeat counts above it mean the same to a path.
const MAX_COUNT: u32 = 0xffff_fffe;

/// Why a text is not a regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Index of the character where it was noticed.
    pub at: usize,
    /// What is wrong, lower case, no full stop.
    pub reason: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at character {}", self.reason, self.at)
    }
}

impl std::error::Error for SyntaxError {}

impl Pattern {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`SyntaxError`] for whatever JavaScript's `new RegExp(text)` refuses.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let chars: Vec<char> = text.chars().collect();
        let names = GroupNames::scan(&chars);
        let mut parser = Parser { chars: &chars, at: 0, names: &names, groups: Vec::new(), depth: 0 };
        let root = parser.alternatives()?;
        if parser.at < chars.len() {
            return Err(parser.error("unmatched ')'"));
        }
        Ok(Self { root, groups: parser.groups })
    }
}

pub(super) struct Parser<'a> {
    pub chars: &'a [char],
    pub at: usize,
    pub names: &'a GroupNames,
    pub groups: Vec<Option<String>>,
    depth: u32,
}

impl Parser<'_> {
    pub fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += 1;
        Some(char)
    }

    /// Steps over `text` when it comes next.
    pub fn take(&mut self, text: &str) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let length = text.chars().count();
        let found = rest.len() >= length && text.chars().zip(rest).all(|(left, right)| left == *right);
        if found {
            self.at += length;
        }
        found
    }

    pub fn error(&self, reason: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, reason }
    }

    fn alternatives(&mut self) -> Result<Node, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("too deep"));
        }
        let mut alternatives = vec![self.terms()?];
        while self.take("|") {
            alternatives.push(self.terms()?);
        }
        self.depth -= 1;
        Ok(match alternatives.pop() {
            Some(only) if alternatives.is_empty() => only,
            last => Node::Alternate(alternatives.into_iter().chain(last).collect()),
        })
    }

    fn terms(&mut self) -> Result<Node, SyntaxError> {
        let mut nodes = Vec::new();
        while let Some(char) = self.peek() {
            if char == '|' || char == ')' {
                break;
            }
            nodes.push(self.term()?);
        }
        Ok(if nodes.is_empty() { Node::Empty } else { Node::Concat(nodes) })
    }

    fn term(&mut self) -> Result<Node, SyntaxError> {
        let first_group = self.next_group();
        let start = self.at;
        let (node, repeatable) = match self.next() {
            Some('^') => (Node::Start, false),
            Some('$') => (Node::End, false),
            Some('.') => (Node::Set { set: CharSet::line_terminators(), negative: true }, true),
            Some('(') => self.group()?,
            Some('[') => (self.class()?, true),
            Some('\\') => match self.escape(false)? {
                Escape::Char(char) => (Node::Char(char), true),
                Escape::Set { set, negative } => (Node::Set { set, negative }, true),
                Escape::Boundary { negative } => (Node::WordBoundary { negative }, false),
                Escape::Reference(group) => (Node::Reference(group), true),
            },
            Some('*' | '+' | '?') => {
                self.at = start;
                return Err(self.error("nothing to repeat"));
            }
            Some('{') if self.braces(start).is_some() => {
                return Err(self.error("nothing to repeat"));
            }
            Some(char) => (Node::Char(char), true),
            None => (Node::Empty, false),
        };
        if repeatable { self.repeated(node, first_group) } else { Ok(node) }
    }

    pub fn next_group(&self) -> u32 {
        u32::try_from(self.groups.len() + 1).unwrap_or(u32::MAX)
    }

    fn group(&mut self) -> Result<(Node, bool), SyntaxError> {
        if self.take("?:") {
            let node = self.alternatives()?;
            return self.close(node, true);
        }
        for (sign, negative) in [("?=", false), ("?!", true)] {
            if self.take(sign) {
                let node = Box::new(self.alternatives()?);
                return self.close(Node::Look { negative, node }, true);
            }
        }
        if self.take("?<=") || self.take("?<!") {
            self.alternatives()?;
            return self.close(Node::LookBehind, false);
        }
        let name = if self.take("?<") { Some(self.group_name()?) } else { None };
        if self.peek() == Some('?') {
            return Err(self.error("invalid group"));
        }
        if name.is_some() && self.groups.contains(&name) {
            return Err(self.error("duplicate group name"));
        }
        let number = self.next_group();
        self.groups.push(name);
        let node = self.alternatives()?;
        self.close(Node::Capture(number, Box::new(node)), true)
    }

    fn close(&mut self, node: Node, repeatable: bool) -> Result<(Node, bool), SyntaxError> {
        if self.take(")") { Ok((node, repeatable)) } else { Err(self.error("unterminated group")) }
    }

    fn repeated(&mut self, node: Node, first_group: u32) -> Result<Node, SyntaxError> {
        let start = self.at;
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.braces(start) {
                Some(counts) => counts,
                None => return Ok(node),
            },
            _ => return Ok(node),
        };
        if self.at == start {
            self.at += 1;
        }
        if max.is_some_and(|max| max < min) {
            return Err(self.error("numbers out of order in braces"));
        }
        let greedy = !self.take("?");
        Ok(Node::Repeat(Box::new(Repeat { node, min, max, greedy, groups: (first_group, self.next_group()) })))
    }

    /// Reads `{n}`, `{n,}` or `{n,m}` at `start` and stands behind it; `None`, without moving, when it is plain text.
    fn braces(&mut self, start: usize) -> Option<(u32, Option<u32>)> {
        let back = self.at;
        self.at = start + 1;
        let counts = self.counts();
        if counts.is_none() {
            self.at = back;
        }
        counts
    }

    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let min = self.number()?;
        let max = if self.take(",") { self.number() } else { Some(min) };
        self.take("}").then_some((min, max))
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|char| char.to_digit(10)) {
            number = Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit).min(MAX_COUNT));
            self.at += 1;
        }
        number
    }

    fn class(&mut self) -> Result<Node, SyntaxError> {
        let negative = self.take("^");
        let mut set = CharSet::default();
        while let Some(low) = self.class_atom()? {
            let dash = self.at;
            if !self.take("-") {
                set.add(&low.set());
                continue;
            }
            let Some(high) = self.class_atom()? else {
                set.add(&low.set());
                set.add(&CharSet::of_char('-'));
                break;
            };
            match (&low, &high) {
                (Escape::Char(low), Escape::Char(high)) if low <= high => {
                    set.add(&CharSet::of(&[((*low).into(), (*high).into())]));
                }
                (Escape::Char(_), Escape::Char(_)) => {
                    self.at = dash;
                    return Err(self.error("range out of order"));
                }
                // With a class at either end the dash is itself (Annex B).
                _ => [low.set(), CharSet::of_char('-'), high.set()].iter().for_each(|part| set.add(part)),
            }
        }
        Ok(Node::Set { set, negative })
    }

    /// The next member of a class, `None` at the closing bracket, which is passed.
    fn class_atom(&mut self) -> Result<Option<Escape>, SyntaxError> {
        match self.next() {
            None => Err(self.error("unterminated character class")),
            Some(']') => Ok(None),
            Some('\\') => self.escape(true).map(Some),
            Some(char) => Ok(Some(Escape::Char(char))),
        }
    }
}
