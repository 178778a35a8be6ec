//! The parsed form of a regular expression.

use super::char_set::CharSet;
use super::compile::Compiler;

/// A parsed regular expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub(super) root: Node,
    /// Name of every capture group, in order; `None` for an unnamed one.
    pub(super) groups: Vec<Option<String>>,
}

impl Pattern {
    /// Names of the capture groups in order, beginning with group 1; `None` for an unnamed one.
    #[must_use]
    pub fn groups(&self) -> &[Option<String>] {
        &self.groups
    }

    /// The text that this matches and nothing else, when it is `^text$` without any choice.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let (text, rest) = self.literal_start()?;
        matches!(rest, [Node::End]).then_some(text)
    }

    /// The whole path segments with which everything that this matches must begin, such as `/docs/api`; empty when
    /// nothing is known.
    #[must_use]
    pub fn first_segments(&self) -> String {
        let Some((mut text, rest)) = self.literal_start() else {
            return String::new();
        };
        let next = Compiler::default().first(&Node::Concat(rest.to_vec()), &CharSet::all());
        if !next.is_disjoint(&CharSet::of_char('/').negated()) {
            text.truncate(text.rfind('/').unwrap_or(0));
        }
        text
    }

    fn literal_start(&self) -> Option<(String, &[Node])> {
        let Node::Concat(nodes) = &self.root else {
            return None;
        };
        let [Node::Start, rest @ ..] = nodes.as_slice() else {
            return None;
        };
        let count = rest.iter().take_while(|node| matches!(node, Node::Char(_))).count();
        let (literal, rest) = rest.split_at(count);
        let text = literal.iter().filter_map(|node| if let Node::Char(char) = node { Some(*char) } else { None });
        Some((text.collect(), rest))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Empty,
    Char(char),
    /// One character inside the set, or outside when `negative`: the two differ when case is ignored.
    Set {
        set: CharSet,
        negative: bool,
    },
    Start,
    End,
    /// `\b`, or `\B` when `negative`.
    WordBoundary {
        negative: bool,
    },
    /// `( )`: group numbers begin with 1.
    Capture(u32, Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat(Box<Repeat>),
    Look {
        negative: bool,
        node: Box<Node>,
    },
    /// Parsed so that the text counts as valid, refused when compiling.
    LookBehind,
    Reference(u32),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    pub node: Node,
    pub min: u32,
    /// `None`: without limit.
    pub max: Option<u32>,
    pub greedy: bool,
    /// Capture groups inside, first and one past the last: each round forgets what they held.
    pub groups: (u32, u32),
}
