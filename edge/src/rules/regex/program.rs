//! The byte program of a regular expression: `groups u8`, `flags u8`, then instructions. Numbers are little-endian,
//! targets count from the program's first byte.

/// Most capture groups of one expression.
pub const MAX_GROUPS: usize = 31;
/// Registers of loops whose rounds may be empty.
pub const MAX_MARKS: usize = 16;
/// Two positions for each group and for the whole match, then the registers.
pub const SLOTS: usize = 2 * (MAX_GROUPS + 1) + MAX_MARKS;
/// Deepest nesting of lookaheads.
pub const MAX_LOOKS: u32 = 16;
pub const HEADER: usize = 2;
/// Flag: the expression can only match at the first character.
pub const ANCHORED: u8 = 1;

/// Success, of the whole program or of a lookahead.
pub const MATCH: u8 = 1;
/// `length u8`, bytes.
pub const LITERAL: u8 = 2;
/// `length u8`, lower-case ASCII bytes, compared without regard to case.
pub const LITERAL_FOLDED: u8 = 3;
/// Set: one character of it.
pub const ONE: u8 = 4;
/// `min u16`, `max u16`, set: as many as there are, never fewer.
pub const RUN: u8 = 5;
/// As [`RUN`], giving back one at a time when what follows fails.
pub const RUN_GREEDY: u8 = 6;
/// As [`RUN`], taking one more at a time when what follows fails.
pub const RUN_LAZY: u8 = 7;
/// `target u16`: goes on, and at `target` if that fails.
pub const SPLIT: u8 = 8;
/// `target u16`: goes to `target`, and on if that fails.
pub const SPLIT_LAZY: u8 = 9;
/// `target u16`, set: goes on when the next character is in the set, else to `target`.
pub const BRANCH: u8 = 10;
/// `target u16`
pub const JUMP: u8 = 11;
/// `slot u8`: notes the position.
pub const SAVE: u8 = 12;
pub const START: u8 = 13;
pub const END: u8 = 14;
pub const BOUNDARY: u8 = 15;
pub const NOT_BOUNDARY: u8 = 16;
/// `target u16`: what follows, up to its [`MATCH`], must match here; goes on at `target`.
pub const LOOK: u8 = 17;
/// `target u16`: what follows, up to its [`MATCH`], must not match here; goes on at `target`.
pub const LOOK_NOT: u8 = 18;
/// `group u8`: the text of the group again.
pub const REFERENCE: u8 = 19;
/// As [`REFERENCE`], without regard to ASCII case.
pub const REFERENCE_FOLDED: u8 = 20;
/// `first u8`, `end u8`: forgets the slots in between.
pub const CLEAR: u8 = 21;
/// `slot u8`: fails when the position is still the noted one.
pub const PROGRESS: u8 = 22;

/// `max` of a run without limit.
pub const NO_LIMIT: u16 = u16::MAX;

/// Set: one ASCII byte.
pub const SET_BYTE: u8 = 0;
/// Set: every character but one ASCII byte.
pub const SET_NOT_BYTE: u8 = 1;
/// Set: every character but line terminators.
pub const SET_DOT: u8 = 2;
/// Set: every character.
pub const SET_ALL: u8 = 3;
/// Set: bitmap of ASCII (16 bytes), `count u8`, then that many ranges: first and last, three bytes each.
pub const SET_RANGES: u8 = 4;
