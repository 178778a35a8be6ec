//! Changes of headers, query and path that a route asks for.

use super::condition::Operations;
use super::format::{NO_ARGUMENTS, ONE_ARGUMENT};
use super::reader::take_block;
use super::template::Filling;
use crate::rules::regex::Budget;

/// What a transform changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransformKind {
    /// Headers of the request that a function gets.
    RequestHeaders = 0,
    /// The query of the request that a function gets.
    RequestQuery = 1,
    /// Headers of the answer.
    ResponseHeaders = 2,
    /// The path of the request that a function gets.
    RequestPath = 3,
}

/// What a transform does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransformOperation {
    /// Adds values.
    Append = 0,
    /// Replaces the value.
    Set = 1,
    /// Removes the field, or the values named.
    Delete = 2,
}

/// A transform with the captures of its route put in.
#[derive(Debug)]
pub struct Transform<'a> {
    /// What it changes.
    pub kind: TransformKind,
    /// What it does.
    pub operation: TransformOperation,
    /// The fields it is for.
    pub key: KeyRule<'a>,
    /// The values; `None` when none are given.
    pub arguments: Option<Vec<String>>,
    /// Whether the one value was given as a text, not as a list.
    pub is_single: bool,
}

/// Which fields a transform is for.
#[derive(Debug)]
pub enum KeyRule<'a> {
    /// The one of this name; empty for a path.
    Name(String),
    /// Those whose names fulfil all conditions.
    Conditions(NameConditions<'a>),
}

/// Conditions on a field's name.
#[derive(Clone, Copy, Debug)]
pub struct NameConditions<'a>(pub(super) Operations<'a>);

impl NameConditions<'_> {
    /// Whether a name fulfils all of them.
    #[must_use]
    pub fn allow(self, name: &str) -> bool {
        self.0.all(|operation| operation.holds(name, &mut Budget::default()))
    }
}

/// Appends the transforms in `bytes`, filled.
pub(super) fn push_transforms<'a>(
    mut bytes: &'a [u8],
    filling: &Filling<'_, '_>,
    budget: &mut Budget,
    transforms: &mut Vec<Transform<'a>>,
) {
    while let Some((transform, rest)) = transform(bytes, filling, budget) {
        transforms.push(transform);
        bytes = rest;
    }
}

fn transform<'a>(bytes: &'a [u8], filling: &Filling<'_, '_>, budget: &mut Budget) -> Option<(Transform<'a>, &'a [u8])> {
    let (&[kind, operation], rest) = bytes.split_first_chunk()?;
    let kind = match kind {
        0 => TransformKind::RequestHeaders,
        1 => TransformKind::RequestQuery,
        2 => TransformKind::ResponseHeaders,
        3 => TransformKind::RequestPath,
        _ => return None,
    };
    let operation = match operation {
        0 => TransformOperation::Append,
        1 => TransformOperation::Set,
        2 => TransformOperation::Delete,
        _ => return None,
    };
    let (key, rest) = if let Some(rest) = rest.strip_prefix(&[0]) {
        let (name, rest) = take_block(rest)?;
        (KeyRule::Name(filling.fill(name, budget)), rest)
    } else {
        let (operations, rest) = Operations::take(rest)?;
        (KeyRule::Conditions(NameConditions(operations)), rest)
    };
    let (&count, mut rest) = rest.split_first()?;
    let is_single = count == ONE_ARGUMENT;
    let mut arguments = Vec::new();
    for _ in 0..match count {
        NO_ARGUMENTS => 0,
        ONE_ARGUMENT => 1,
        count => count,
    } {
        let (argument, after) = take_block(rest)?;
        arguments.push(filling.fill(argument, budget));
        rest = after;
    }
    let arguments = (count != NO_ARGUMENTS).then_some(arguments);
    Some((Transform { kind, operation, key, arguments, is_single }, rest))
}
