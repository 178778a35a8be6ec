//! Repeats of repeats, such as `(.*)+`, that do without the outer one.

use super::syntax::{Node, Repeat};

/// What matches the same as `repeat`, group by group, where one round takes all that several could.
///
/// A greedy repeat of a greedy repeat of one character reaches each end first in a single round. What follows then fails
/// or not by where it stands, unless the expression refers back to a group: all other ways to cut the same text into
/// rounds, twice as many with each character, fail again.
pub(super) fn single_round(repeat: &Repeat) -> Option<Node> {
    let (group, inner) = match alone(&repeat.node) {
        Node::Capture(group, inner) => (Some(*group), inner.as_ref()),
        node => (None, node),
    };
    let Node::Repeat(run) = alone(inner) else { return None };
    if !is_endless(repeat) || !is_endless(run) || !matches!(alone(&run.node), Node::Char(_) | Node::Set { .. }) {
        return None;
    }
    if repeat.min == 1 {
        return Some(repeat.node.clone());
    }
    // A round that is not required has to take something.
    let run = Node::Repeat(Box::new(Repeat { min: 1, ..run.as_ref().clone() }));
    let node = match group {
        Some(group) => Node::Capture(group, Box::new(run)),
        None => run,
    };
    Some(Node::Repeat(Box::new(Repeat { node, max: Some(1), ..repeat.clone() })))
}

/// What a group of one member holds.
fn alone(node: &Node) -> &Node {
    match node {
        Node::Concat(nodes) => match nodes.as_slice() {
            [node] => alone(node),
            _ => node,
        },
        _ => node,
    }
}

fn is_endless(repeat: &Repeat) -> bool {
    repeat.greedy && repeat.max.is_none() && repeat.min <= 1
}

/// Whether the expression refers back to a group.
pub(super) fn refers(node: &Node) -> bool {
    match node {
        Node::Reference(_) => true,
        Node::Capture(_, node) | Node::Look { node, .. } => refers(node),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(refers),
        Node::Repeat(repeat) => refers(&repeat.node),
        _ => false,
    }
}
