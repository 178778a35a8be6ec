//! Expressions for decoded paths, made to match paths as they are sent.

use super::syntax::{Node, Pattern, Repeat};
use crate::rules::text::push_path_part;

impl Pattern {
    /// The expression with every single character that a path holds percent-encoded written so. Sets stay as they are.
    #[must_use]
    pub fn percent_encoded(self) -> Self {
        Self { root: encoded(self.root), ..self }
    }
}

fn encoded(node: Node) -> Node {
    let all = |nodes: Vec<Node>| nodes.into_iter().map(encoded).collect();
    match node {
        Node::Char(char) if !matches!(char, '/' | '%') => {
            let mut escapes = String::new();
            push_path_part(&mut escapes, char.encode_utf8(&mut [0; 4]));
            if escapes.chars().eq([char]) { node } else { Node::Concat(escapes.chars().map(Node::Char).collect()) }
        }
        // What lies in a group of its own is looked at from outside: its characters stay beside their neighbours.
        Node::Concat(nodes) => {
            let nodes = nodes.into_iter().flat_map(|node| match encoded(node) {
                Node::Concat(nodes) => nodes,
                node => vec![node],
            });
            Node::Concat(nodes.collect())
        }
        Node::Alternate(nodes) => Node::Alternate(all(nodes)),
        Node::Capture(group, node) => Node::Capture(group, Box::new(encoded(*node))),
        Node::Look { negative, node } => Node::Look { negative, node: Box::new(encoded(*node)) },
        Node::Repeat(repeat) => Node::Repeat(Box::new(Repeat { node: encoded(repeat.node), ..*repeat })),
        node => node,
    }
}
