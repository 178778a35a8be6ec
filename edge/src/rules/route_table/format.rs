//! The layout of a route table's image. All numbers are little-endian; offsets count from the image's first byte, and 0
//! stands for nothing.
//!
//! | offset | what |
//! |---|---|
//! | 0 | `u16[8]`: number of each phase's first route, and the number of routes |
//! | 16 | `u32[7]`: offset of each phase's index |
//! | 44 | `u32`: offset of the names of header fields that conditions read |
//! | 48 | routes, [`ROUTE_LENGTH`] bytes each |
//! | … | blocks: a `u16` length, then bytes |
//!
//! An index: `u16` number of keys, `u16` number of routes without a key; `u32[keys]` hashes, ascending;
//! `u16[keys]` their routes, ascending among equal hashes; `u16[…]` the routes without a key, ascending.

pub const PHASES: usize = 7;
pub const INDEXES: usize = 16;
pub const FIELD_NAMES: usize = 44;
pub const ROUTES: usize = 48;

/// Flags u16, status u16, then six offsets: program, destination, headers, conditions, methods, transforms.
pub const ROUTE_LENGTH: usize = 28;
pub const ROUTE_PROGRAM: usize = 4;
pub const ROUTE_DESTINATION: usize = 8;
pub const ROUTE_HEADERS: usize = 12;
pub const ROUTE_CONDITIONS: usize = 16;
pub const ROUTE_METHODS: usize = 20;
pub const ROUTE_TRANSFORMS: usize = 24;

/// Goes on with the next route.
pub const FLAG_CONTINUE: u16 = 1;
/// Applies only when the destination is there.
pub const FLAG_CHECK: u16 = 2;
/// May match the path without its first slash.
pub const FLAG_RELATIVE: u16 = 4;

/// A header: this, `u8` length and name, `u16` length and the value's template.
pub const HEADER_SET: u8 = 0;
/// A header that is removed; its template is empty.
pub const HEADER_REMOVED: u8 = 1;

/// Part of a template: `u16` length, text.
pub const PART_TEXT: u8 = 0;
/// Part of a template: `u8` capture group of the route.
pub const PART_GROUP: u8 = 1;
/// Part of a template: `u8` condition, `u8` capture group of its value; group 0 is the whole value.
pub const PART_CONDITION: u8 = 2;

/// A condition: kind, with [`CONDITION_MISSING`] set for those that must not hold; `u8` length and key; `u8` number of
/// operations, and those.
pub const CONDITION_HOST: u8 = 0;
pub const CONDITION_HEADER: u8 = 1;
pub const CONDITION_COOKIE: u8 = 2;
pub const CONDITION_QUERY: u8 = 3;
pub const CONDITION_MISSING: u8 = 0x80;

/// An operation: its code, then a `u16` length and the operand. Lists are texts with a `u16` length each; numbers are
/// `i64` millionths; expressions are programs.
pub const OPERATION_EXPRESSION: u8 = 0;
pub const OPERATION_EQUAL: u8 = 1;
pub const OPERATION_NOT_EQUAL: u8 = 2;
pub const OPERATION_IN: u8 = 3;
pub const OPERATION_NOT_IN: u8 = 4;
pub const OPERATION_PREFIX: u8 = 5;
pub const OPERATION_SUFFIX: u8 = 6;
pub const OPERATION_GREATER: u8 = 7;
pub const OPERATION_GREATER_EQUAL: u8 = 8;
pub const OPERATION_LESS: u8 = 9;
pub const OPERATION_LESS_EQUAL: u8 = 10;

/// A transform: kind; operation; `u8` 0 and a template for a plain key, or the number of operations and those; `u8`
/// number of arguments, [`NO_ARGUMENTS`] for none and [`ONE_ARGUMENT`] for a single text, and a template each. A template
/// has a `u16` length before it.
pub const NO_ARGUMENTS: u8 = 0xff;
pub const ONE_ARGUMENT: u8 = 0xfe;

/// Hash of a whole path.
pub const SEED_PATH: u64 = 1;
/// Hash of a path's first two segments.
pub const SEED_TWO: u64 = 2;
/// Hash of a path's first segment.
pub const SEED_ONE: u64 = 3;
