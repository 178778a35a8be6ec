//! The machine that carries out a program's instructions.

use super::program::{
    BOUNDARY, BRANCH, CLEAR, END, HEADER, JUMP, LITERAL, LITERAL_FOLDED, LOOK, LOOK_NOT, MATCH, MAX_LOOKS, NO_LIMIT,
    NOT_BOUNDARY, ONE, PROGRESS, REFERENCE, REFERENCE_FOLDED, RUN, RUN_GREEDY, RUN_LAZY, SAVE, SPLIT, SPLIT_LAZY,
    START,
};
use super::run::Captures;
use super::set::Set;

/// Position of a group that took no part.
pub(super) const NONE: u32 = u32::MAX;
/// What to take up again when matching fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Frame {
    Resume {
        pc: usize,
        at: usize,
    },
    Restore {
        slot: usize,
        value: u32,
    },
    /// A greedy run that may shrink down to `min`.
    Shrink {
        pc: usize,
        min: usize,
        at: usize,
    },
    /// A lazy run that may take up to `more` further characters of the set at `set`.
    Extend {
        set: usize,
        at: usize,
        more: u32,
    },
}

/// The search was given up.
pub(super) struct Exhausted;

pub(super) struct Machine<'a> {
    pub program: &'a [u8],
    pub text: &'a [u8],
    pub captures: &'a mut Captures,
    /// Steps left.
    pub steps: u32,
    /// Inside a lookahead, whose captures must not outlive its failure.
    pub looking: bool,
}

impl<'a> Machine<'a> {
    /// Whether there is a match, at the first character only when `anchored`.
    pub fn search(&mut self, anchored: bool) -> Result<bool, Exhausted> {
        let mut start = 0;
        loop {
            self.captures.slots.fill(NONE);
            if let Some(end) = self.run(HEADER, start, 0)? {
                self.save(0, start);
                self.save(1, end);
                return Ok(true);
            }
            match Set::All.step(self.text, start) {
                Some(next) if !anchored => start = next,
                _ => return Ok(false),
            }
        }
    }

    fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Exhausted)?;
        Ok(())
    }

    /// Runs from `pc`, `depth` lookaheads deep, until its [`MATCH`]; returns where the text then stands. On failure the stack is as before.
    fn run(&mut self, mut pc: usize, mut at: usize, depth: u32) -> Result<Option<usize>, Exhausted> {
        let base = self.captures.stack.len();
        loop {
            self.spend(1)?;
            if self.byte(pc) == MATCH {
                return Ok(Some(at));
            }
            if let Some(next) = self.execute(pc, at, depth)? {
                (pc, at) = next;
            } else if let Some(next) = self.backtrack(base) {
                (pc, at) = next;
            } else {
                return Ok(None);
            }
        }
    }

    /// Carries out the instruction at `pc`; returns where to go on, `None` for a failure.
    fn execute(&mut self, pc: usize, at: usize, depth: u32) -> Result<Option<(usize, usize)>, Exhausted> {
        let operand = pc + 1;
        Ok(match self.byte(pc) {
            instruction @ (LITERAL | LITERAL_FOLDED) => self.literal(operand, at, instruction == LITERAL_FOLDED),
            ONE => self.set(operand).and_then(|(set, length)| Some((operand + length, set.step(self.text, at)?))),
            instruction @ (RUN | RUN_GREEDY | RUN_LAZY) => {
                return self.repeat(instruction, operand, at);
            }
            SPLIT => {
                self.captures.stack.push(Frame::Resume { pc: self.number(operand), at });
                Some((operand + 2, at))
            }
            SPLIT_LAZY => {
                self.captures.stack.push(Frame::Resume { pc: operand + 2, at });
                Some((self.number(operand), at))
            }
            BRANCH => self.set(operand + 2).map(|(set, length)| match set.step(self.text, at) {
                Some(_) => (operand + 2 + length, at),
                None => (self.number(operand), at),
            }),
            JUMP => Some((self.number(operand), at)),
            SAVE => {
                self.save(usize::from(self.byte(operand)), at);
                Some((operand + 1, at))
            }
            START => (at == 0).then_some((operand, at)),
            END => (at == self.text.len()).then_some((operand, at)),
            BOUNDARY => self.at_boundary(at).then_some((operand, at)),
            NOT_BOUNDARY => (!self.at_boundary(at)).then_some((operand, at)),
            instruction @ (LOOK | LOOK_NOT) => {
                let found = self.look(operand + 2, at, depth, instruction == LOOK)?;
                (found == (instruction == LOOK)).then(|| (self.number(operand), at))
            }
            instruction @ (REFERENCE | REFERENCE_FOLDED) => {
                self.spend(self.text.len() / 8)?;
                let group = usize::from(self.byte(operand));
                self.again(group, at, instruction == REFERENCE_FOLDED).map(|end| (operand + 1, end))
            }
            CLEAR => {
                for slot in self.byte(operand)..self.byte(operand + 1) {
                    self.set_slot(usize::from(slot), NONE);
                }
                Some((operand + 2, at))
            }
            PROGRESS => {
                let noted = self.captures.slots.get(usize::from(self.byte(operand))).copied();
                (noted.is_some_and(|noted| noted as usize != at)).then_some((operand + 1, at))
            }
            _ => None,
        })
    }

    /// Takes back what was tried last, down to a stack of `base` frames.
    fn backtrack(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.captures.stack.len() > base {
            match self.captures.stack.pop()? {
                Frame::Resume { pc, at } => return Some((pc, at)),
                Frame::Restore { slot, value } => {
                    if let Some(place) = self.captures.slots.get_mut(slot) {
                        *place = value;
                    }
                }
                Frame::Shrink { pc, min, at } => {
                    let mut shorter = at - 1;
                    while shorter > min && self.text.get(shorter).is_some_and(|byte| byte & 0xc0 == 0x80) {
                        shorter -= 1;
                    }
                    if shorter > min {
                        self.captures.stack.push(Frame::Shrink { pc, min, at: shorter });
                    }
                    return Some((pc, shorter));
                }
                Frame::Extend { set: place, at, more } => {
                    let (set, length) = self.set(place)?;
                    if let Some(longer) = set.step(self.text, at) {
                        if more > 1 {
                            self.captures.stack.push(Frame::Extend { set: place, at: longer, more: more - 1 });
                        }
                        return Some((place + length, longer));
                    }
                }
            }
        }
        None
    }

    fn literal(&self, operand: usize, at: usize, folded: bool) -> Option<(usize, usize)> {
        let length = usize::from(self.byte(operand));
        let literal = self.program.get(operand + 1..operand + 1 + length)?;
        let text = self.text.get(at..at + length)?;
        let equal = if folded { literal.eq_ignore_ascii_case(text) } else { literal == text };
        equal.then_some((operand + 1 + length, at + length))
    }

    fn repeat(&mut self, instruction: u8, operand: usize, at: usize) -> Result<Option<(usize, usize)>, Exhausted> {
        let place = operand + 4;
        let min = u32::try_from(self.number(operand)).unwrap_or(NONE);
        let max = match u32::try_from(self.number(operand + 2)) {
            Ok(max) if max < u32::from(NO_LIMIT) => max,
            _ => NONE,
        };
        let Some((set, length)) = self.set(place) else {
            return Ok(None);
        };
        let (min_end, taken) = set.run(self.text, at, min);
        self.spend((min_end - at) / 8)?;
        if taken < min {
            return Ok(None);
        }
        let more = max.saturating_sub(min);
        let pc = place + length;
        if instruction == RUN_LAZY {
            if more > 0 {
                self.captures.stack.push(Frame::Extend { set: place, at: min_end, more });
            }
            return Ok(Some((pc, min_end)));
        }
        let (end, _) = set.run(self.text, min_end, more);
        self.spend((end - min_end) / 8)?;
        if instruction == RUN_GREEDY && end > min_end {
            self.captures.stack.push(Frame::Shrink { pc, min: min_end, at: end });
        }
        Ok(Some((pc, end)))
    }

    /// Whether the program at `pc` matches at `at`; what it captured is kept only when `keep`.
    fn look(&mut self, pc: usize, at: usize, depth: u32, keep: bool) -> Result<bool, Exhausted> {
        if depth >= MAX_LOOKS {
            return Ok(false);
        }
        let base = self.captures.stack.len();
        let was_looking = std::mem::replace(&mut self.looking, true);
        let found = self.run(pc, at, depth + 1)?.is_some();
        self.looking = was_looking;
        if found && keep {
            // A lookahead is never entered again, but its captures fall when what comes before is taken back.
            let mut kept = base;
            for index in base..self.captures.stack.len() {
                if matches!(self.captures.stack.get(index), Some(Frame::Restore { .. })) {
                    self.captures.stack.swap(kept, index);
                    kept += 1;
                }
            }
            self.captures.stack.truncate(kept);
        } else {
            while self.captures.stack.len() > base {
                if let Some(Frame::Restore { slot, value }) = self.captures.stack.pop()
                    && let Some(place) = self.captures.slots.get_mut(slot)
                {
                    *place = value;
                }
            }
        }
        Ok(found)
    }

    fn again(&self, group: usize, at: usize, folded: bool) -> Option<usize> {
        let bounds = (self.captures.slots.get(group * 2)?, self.captures.slots.get(group * 2 + 1)?);
        let (&start, &end) = bounds;
        if start == NONE || end == NONE {
            return Some(at);
        }
        let again = self.text.get(start as usize..end as usize)?;
        let text = self.text.get(at..at + again.len())?;
        let equal = if folded { again.eq_ignore_ascii_case(text) } else { again == text };
        equal.then_some(at + again.len())
    }

    fn at_boundary(&self, at: usize) -> bool {
        let is_word = |index: Option<usize>| {
            let byte = index.and_then(|index| self.text.get(index));
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        is_word(at.checked_sub(1)) != is_word(Some(at))
    }

    fn save(&mut self, slot: usize, at: usize) {
        self.set_slot(slot, u32::try_from(at).unwrap_or(NONE));
    }

    fn set_slot(&mut self, slot: usize, value: u32) {
        if let Some(place) = self.captures.slots.get_mut(slot)
            && *place != value
        {
            // With nothing to go back to, the slots are of no use after a failure.
            if self.looking || !self.captures.stack.is_empty() {
                self.captures.stack.push(Frame::Restore { slot, value: *place });
            }
            *place = value;
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.program.get(at).copied().unwrap_or(0)
    }

    fn number(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(at), self.byte(at + 1)]))
    }

    fn set(&self, at: usize) -> Option<(Set<'a>, usize)> {
        Set::read(self.program.get(at..)?)
    }
}
