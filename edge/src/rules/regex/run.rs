//! Runs a program over a text.

use super::machine::{Exhausted, Frame, Machine, NONE};
use super::program::{ANCHORED, SLOTS};

/// Steps that one search may take.
const STEPS_PER_SEARCH: u32 = 20_000;
/// Steps that all searches for one request may take together, about a millisecond.
const STEPS_PER_REQUEST: u32 = 200_000;

/// The steps that the expressions of a site may still take for one request.
#[derive(Debug)]
pub struct Budget {
    left: u32,
    exceeded: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: STEPS_PER_REQUEST, exceeded: false }
    }
}

impl Budget {
    /// Whether a search was given up, and so counted as no match, for want of steps. What was decided by it is not to be
    /// trusted.
    #[must_use]
    pub fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// Steps left for this request.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.left
    }
}

/// What a search found, and the memory that searches share.
#[derive(Debug)]
pub struct Captures {
    pub(super) slots: [u32; SLOTS],
    groups: usize,
    pub(super) stack: Vec<Frame>,
}

impl Default for Captures {
    fn default() -> Self {
        Self { slots: [NONE; SLOTS], groups: 0, stack: Vec::new() }
    }
}

impl Captures {
    /// The text of a group of the last search that matched, group 0 being the whole match; `None` for a group that
    /// took no part or does not exist. `text` is the text that was searched.
    #[must_use]
    pub fn get<'t>(&self, group: usize, text: &'t str) -> Option<&'t str> {
        if group > self.groups {
            return None;
        }
        let start = *self.slots.get(group * 2)? as usize;
        let end = *self.slots.get(group * 2 + 1)? as usize;
        text.get(start..end)
    }

    /// Number of groups of the last program.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups
    }
}

/// Looks for the first match of `program` in `text`; `captures` then holds its groups.
///
/// Damaged programs match nothing or something, within the same bounds.
pub fn search(program: &[u8], text: &str, captures: &mut Captures, budget: &mut Budget) -> bool {
    let &[groups, flags, ..] = program else {
        return false;
    };
    captures.groups = usize::from(groups);
    let steps = budget.left.min(STEPS_PER_SEARCH);
    let mut machine = Machine { program, text: text.as_bytes(), captures, steps, looking: false };
    let found = machine.search(flags & ANCHORED != 0);
    let used = steps - machine.steps;
    captures.stack.clear();
    budget.left -= used;
    found.unwrap_or_else(|Exhausted| {
        budget.exceeded = true;
        false
    })
}
