//! With which characters a node can go on: what lets the compiler do without backtracking.

use super::char_set::CharSet;
use super::compile::Compiler;
use super::syntax::Node;

impl Compiler {
    /// A superset of the characters that can come first when `node` matches here and then something that begins with
    /// one of `next`. The end of the text is no character.
    pub fn first(&self, node: &Node, next: &CharSet) -> CharSet {
        match node {
            Node::Char(char) => self.char_set(*char),
            Node::Set { set, negative } => self.node_set(set, *negative),
            Node::End => CharSet::default(),
            Node::Capture(_, inner) => self.first(inner, next),
            Node::Concat(nodes) => nodes.iter().rev().fold(next.clone(), |next, node| self.first(node, &next)),
            Node::Alternate(nodes) => {
                let mut set = CharSet::default();
                nodes.iter().for_each(|node| set.add(&self.first(node, next)));
                set
            }
            Node::Repeat(repeat) => {
                let mut set = self.first(&repeat.node, next);
                if repeat.min == 0 || is_nullable(&repeat.node) {
                    set.add(next);
                }
                set
            }
            Node::Reference(_) => CharSet::all(),
            Node::Empty | Node::Start | Node::WordBoundary { .. } | Node::Look { .. } | Node::LookBehind => {
                next.clone()
            }
        }
    }
}

/// Whether `node` can match without taking a character.
pub(super) fn is_nullable(node: &Node) -> bool {
    match node {
        Node::Char(_) | Node::Set { .. } => false,
        Node::Capture(_, inner) => is_nullable(inner),
        Node::Concat(nodes) => nodes.iter().all(is_nullable),
        Node::Alternate(nodes) => nodes.iter().any(is_nullable),
        Node::Repeat(repeat) => repeat.min == 0 || is_nullable(&repeat.node),
        Node::Empty
        | Node::Start
        | Node::End
        | Node::WordBoundary { .. }
        | Node::Look { .. }
        | Node::LookBehind
        | Node::Reference(_) => true,
    }
}
