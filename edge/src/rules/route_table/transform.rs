//! Changes of headers, query and path that a route asks for.

use super::condition::{Operations, RawOperation, texts};
use super::format::{
    NO_ARGUMENTS, ONE_ARGUMENT, OPERATION_EQUAL, OPERATION_GREATER, OPERATION_GREATER_EQUAL, OPERATION_IN,
    OPERATION_LESS, OPERATION_LESS_EQUAL, OPERATION_NOT_EQUAL, OPERATION_NOT_IN, OPERATION_PREFIX, OPERATION_SUFFIX,
};
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub enum KeyRule<'a> {
    /// The one of this name; empty for a path.
    Name(String),
    /// Those whose names fulfil all operations.
    Operations(Vec<Operation<'a>>),
}

/// A condition on a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Is this text.
    Equal(&'a str),
    /// Is not this text.
    NotEqual(&'a str),
    /// Is one of these.
    In(Vec<&'a str>),
    /// Is none of these.
    NotIn(Vec<&'a str>),
    /// Begins so.
    Prefix(&'a str),
    /// Ends so.
    Suffix(&'a str),
    /// Is a number above this many millionths.
    Greater(i64),
    /// Is a number of at least this many millionths.
    GreaterEqual(i64),
    /// Is a number below this many millionths.
    Less(i64),
    /// Is a number of at most this many millionths.
    LessEqual(i64),
}

impl<'a> Operation<'a> {
    fn read(raw: RawOperation<'a>) -> Option<Self> {
        let text = || std::str::from_utf8(raw.operand).ok();
        let number = || raw.operand.first_chunk().copied().map(i64::from_le_bytes);
        Some(match raw.code {
            OPERATION_EQUAL => Self::Equal(text()?),
            OPERATION_NOT_EQUAL => Self::NotEqual(text()?),
            OPERATION_IN => Self::In(texts(raw.operand).collect()),
            OPERATION_NOT_IN => Self::NotIn(texts(raw.operand).collect()),
            OPERATION_PREFIX => Self::Prefix(text()?),
            OPERATION_SUFFIX => Self::Suffix(text()?),
            OPERATION_GREATER => Self::Greater(number()?),
            OPERATION_GREATER_EQUAL => Self::GreaterEqual(number()?),
            OPERATION_LESS => Self::Less(number()?),
            OPERATION_LESS_EQUAL => Self::LessEqual(number()?),
            _ => return None,
        })
    }
}

/// The transforms in `bytes`, filled.
pub(super) fn transforms<'a>(
    mut bytes: &'a [u8],
    filling: &Filling<'_, '_>,
    budget: &mut Budget,
) -> Vec<Transform<'a>> {
    let mut transforms = Vec::new();
    while let Some((transform, rest)) = transform(bytes, filling, budget) {
        transforms.push(transform);
        bytes = rest;
    }
    transforms
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
        (KeyRule::Operations(operations.filter_map(Operation::read).collect()), rest)
    };
    let (&count, mut rest) = rest.split_first()?;
    let is_single = count == ONE_ARGUMENT;
    let mut arguments = None;
    if count != NO_ARGUMENTS {
        let mut filled = Vec::new();
        for _ in 0..if is_single { 1 } else { count } {
            let (argument, after) = take_block(rest)?;
            filled.push(filling.fill(argument, budget));
            rest = after;
        }
        arguments = Some(filled);
    }
    Some((Transform { kind, operation, key, arguments, is_single }, rest))
}
