//! Turns a parsed expression into its byte program.

use std::fmt;

use super::char_set::CharSet;
use super::lookahead::is_nullable;
use super::nested::{self, single_round};
use super::program::{
    ANCHORED, BOUNDARY, BRANCH, CLEAR, END, HEADER, JUMP, LITERAL, LITERAL_FOLDED, LOOK, LOOK_NOT, MATCH, MAX_GROUPS,
    MAX_LOOKS, MAX_MARKS, NO_LIMIT, NOT_BOUNDARY, ONE, PROGRESS, REFERENCE, REFERENCE_FOLDED, RUN, RUN_GREEDY,
    RUN_LAZY, SAVE, SET_ALL, SET_BYTE, SET_DOT, SET_NOT_BYTE, SET_RANGES, SPLIT, SPLIT_LAZY, START,
};
use super::syntax::{Node, Pattern, Repeat};

/// Largest program. Counted repeats of groups are written out, so a short text can make a long one.
const MAX_LENGTH: usize = 16_384;

/// Why a valid expression cannot run at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// `(?<=…)` or `(?<!…)`.
    LookBehind,
    /// More than [`MAX_GROUPS`] capture groups.
    TooManyGroups,
    /// More nested lookaheads or possibly empty loops than the edge keeps track of.
    TooDeep,
    /// The program would be larger than the bound.
    TooLarge,
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookBehind => formatter.write_str("lookbehind is not supported"),
            Self::TooManyGroups => write!(formatter, "more than {MAX_GROUPS} capture groups"),
            Self::TooDeep => formatter.write_str("lookaheads or possibly empty repeats are nested too deep"),
            Self::TooLarge => formatter.write_str("too large, often because of a counted repeat of a group"),
        }
    }
}

impl std::error::Error for CompileError {}

impl Pattern {
    /// Makes the program that [`search`](super::search) runs.
    ///
    /// # Errors
    /// [`CompileError`] for what the edge does not run or what would be too large.
    pub fn compile(&self, ignore_case: bool) -> Result<Vec<u8>, CompileError> {
        if self.groups.len() > MAX_GROUPS {
            return Err(CompileError::TooManyGroups);
        }
        let anchored = matches!(&self.root, Node::Concat(nodes) if nodes.first() == Some(&Node::Start));
        let groups = u8::try_from(self.groups.len()).unwrap_or(u8::MAX);
        let code = vec![groups, if anchored { ANCHORED } else { 0 }];
        let mut compiler = Compiler { code, ignore_case, refers: nested::refers(&self.root), marks: 0, looks: 0 };
        compiler.node(&self.root, &CharSet::all())?;
        compiler.code.push(MATCH);
        debug_assert!(compiler.code.len() > HEADER);
        if compiler.code.len() > MAX_LENGTH { Err(CompileError::TooLarge) } else { Ok(compiler.code) }
    }
}

#[derive(Default)]
pub(super) struct Compiler {
    code: Vec<u8>,
    ignore_case: bool,
    /// Whether the expression refers back to what it captured.
    refers: bool,
    marks: usize,
    looks: u32,
}

impl Compiler {
    pub fn char_set(&self, char: char) -> CharSet {
        self.node_set(&CharSet::of_char(char), false)
    }

    pub fn node_set(&self, set: &CharSet, negative: bool) -> CharSet {
        let set = if self.ignore_case { set.folded() } else { set.clone() };
        if negative { set.negated() } else { set }
    }

    /// Appends `node`, which is followed by something that begins with one of `next`.
    fn node(&mut self, node: &Node, next: &CharSet) -> Result<(), CompileError> {
        if self.code.len() > MAX_LENGTH {
            return Err(CompileError::TooLarge);
        }
        match node {
            Node::Empty => {}
            Node::Char(_) => self.literal(std::slice::from_ref(node)),
            Node::Set { set, negative } => {
                self.code.push(ONE);
                let set = self.node_set(set, *negative);
                self.set(&set)?;
            }
            Node::Start => self.code.push(START),
            Node::End => self.code.push(END),
            Node::WordBoundary { negative } => self.code.push(if *negative { NOT_BOUNDARY } else { BOUNDARY }),
            Node::Capture(group, inner) => {
                let slot = u8::try_from(group * 2).map_err(|_| CompileError::TooManyGroups)?;
                self.code.extend([SAVE, slot]);
                self.node(inner, next)?;
                self.code.extend([SAVE, slot + 1]);
            }
            Node::Concat(nodes) => self.concat(nodes, next)?,
            Node::Alternate(nodes) => self.alternate(nodes, next)?,
            Node::Repeat(repeat) => self.repeat(repeat, next)?,
            Node::Look { negative, node } => {
                self.looks += 1;
                if self.looks > MAX_LOOKS {
                    return Err(CompileError::TooDeep);
                }
                let target = self.jump(if *negative { LOOK_NOT } else { LOOK });
                self.node(node, &CharSet::all())?;
                self.code.push(MATCH);
                self.land(target);
                self.looks -= 1;
            }
            Node::LookBehind => return Err(CompileError::LookBehind),
            Node::Reference(group) => {
                let group = u8::try_from(*group).map_err(|_| CompileError::TooManyGroups)?;
                self.code.extend([if self.ignore_case { REFERENCE_FOLDED } else { REFERENCE }, group]);
            }
        }
        Ok(())
    }

    fn concat(&mut self, nodes: &[Node], next: &CharSet) -> Result<(), CompileError> {
        let mut follows = vec![next.clone()];
        for node in nodes.iter().skip(1).rev() {
            let follow = self.first(node, follows.last().unwrap_or(next));
            follows.push(follow);
        }
        let mut rest = nodes;
        while let [node, tail @ ..] = rest {
            let literals = rest.iter().take_while(|node| self.is_literal(node)).count();
            if literals > 0 {
                let (literal, tail) = rest.split_at(literals);
                self.literal(literal);
                rest = tail;
            } else {
                let follow = follows.get(tail.len()).unwrap_or(next).clone();
                self.node(node, &follow)?;
                rest = tail;
            }
        }
        Ok(())
    }

    /// Whether `node` is a character that a literal can hold under the case rule.
    fn is_literal(&self, node: &Node) -> bool {
        matches!(node, Node::Char(char) if !self.ignore_case || char.is_ascii() || self.char_set(*char) == CharSet::of_char(*char))
    }

    fn literal(&mut self, nodes: &[Node]) {
        let text: String =
            nodes.iter().filter_map(|node| if let Node::Char(char) = node { Some(*char) } else { None }).collect();
        if let [Node::Char(_)] = nodes
            && let [node] = nodes
            && !self.is_literal(node)
        {
            self.code.push(ONE);
            let set = text.chars().next().map(|char| self.char_set(char)).unwrap_or_default();
            // A character has a handful of case variants: they fit any set.
            let _ = self.set(&set);
            return;
        }
        let folded = self.ignore_case && text.bytes().any(|byte| byte.is_ascii_alphabetic());
        let text = if folded { text.to_ascii_lowercase() } else { text };
        for chunk in text.as_bytes().chunks(usize::from(u8::MAX)) {
            self.code.push(if folded { LITERAL_FOLDED } else { LITERAL });
            self.code.push(u8::try_from(chunk.len()).unwrap_or(u8::MAX));
            self.code.extend_from_slice(chunk);
        }
    }

    fn alternate(&mut self, nodes: &[Node], next: &CharSet) -> Result<(), CompileError> {
        let firsts: Vec<CharSet> = nodes.iter().map(|node| self.first(node, next)).collect();
        let mut exits = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let later = firsts.get(index + 1..).unwrap_or_default();
            if later.is_empty() {
                self.node(node, next)?;
                break;
            }
            let first = firsts.get(index).cloned().unwrap_or_default();
            let decided = !is_nullable(node) && later.iter().all(|set| set.is_disjoint(&first));
            let other = if decided { self.branch(&first)? } else { self.jump(SPLIT) };
            self.node(node, next)?;
            exits.push(self.jump(JUMP));
            self.land(other);
        }
        exits.into_iter().for_each(|exit| self.land(exit));
        Ok(())
    }

    fn repeat(&mut self, repeat: &Repeat, next: &CharSet) -> Result<(), CompileError> {
        if !self.refers
            && let Some(node) = single_round(repeat)
        {
            return self.node(&node, next);
        }
        match &repeat.node {
            Node::Char(char) => self.run(repeat, &self.char_set(*char), next),
            Node::Set { set, negative } => self.run(repeat, &self.node_set(set, *negative), next),
            _ => self.rounds(repeat, next),
        }
    }

    /// A repeat of a single character.
    fn run(&mut self, repeat: &Repeat, set: &CharSet, next: &CharSet) -> Result<(), CompileError> {
        let min = u16::try_from(repeat.min).map_err(|_| CompileError::TooLarge)?;
        let max = repeat.max.and_then(|max| u16::try_from(max).ok()).unwrap_or(NO_LIMIT);
        // When nothing that follows can begin with a member, only the longest run can lead on.
        let decided = repeat.max == Some(repeat.min) || set.is_disjoint(next);
        self.code.push(match (decided, repeat.greedy) {
            (true, _) => RUN,
            (false, true) => RUN_GREEDY,
            (false, false) => RUN_LAZY,
        });
        self.code.extend(min.to_le_bytes());
        self.code.extend(max.to_le_bytes());
        self.set(set)
    }

    /// A repeat of anything else: required rounds written out, then a loop or the optional rounds.
    fn rounds(&mut self, repeat: &Repeat, next: &CharSet) -> Result<(), CompileError> {
        let first = self.first(&repeat.node, next);
        let nullable = is_nullable(&repeat.node);
        let decided = !nullable && first.is_disjoint(next);
        let mut inside = first.clone();
        inside.add(next);
        for _ in 0..repeat.min {
            self.round(repeat, &inside, None)?;
        }
        let mark = if nullable { Some(self.mark()?) } else { None };
        let enter = |compiler: &mut Self| match (decided, repeat.greedy) {
            (true, _) => compiler.branch(&first),
            (false, true) => Ok(compiler.jump(SPLIT)),
            (false, false) => Ok(compiler.jump(SPLIT_LAZY)),
        };
        match repeat.max {
            None => {
                let again = self.code.len();
                let exit = enter(self)?;
                self.round(repeat, &inside, mark)?;
                let back = self.jump(JUMP);
                self.set_target(back, again);
                self.land(exit);
            }
            Some(max) => {
                let mut exits = Vec::new();
                for _ in repeat.min..max {
                    exits.push(enter(self)?);
                    self.round(repeat, &inside, mark)?;
                }
                exits.into_iter().for_each(|exit| self.land(exit));
            }
        }
        Ok(())
    }

    fn round(&mut self, repeat: &Repeat, next: &CharSet, mark: Option<u8>) -> Result<(), CompileError> {
        let (first, end) = repeat.groups;
        if first < end {
            let slot = |group: u32| u8::try_from(group * 2).map_err(|_| CompileError::TooManyGroups);
            self.code.extend([CLEAR, slot(first)?, slot(end)?]);
        }
        if let Some(mark) = mark {
            self.code.extend([SAVE, mark]);
        }
        self.node(&repeat.node, next)?;
        if let Some(mark) = mark {
            self.code.extend([PROGRESS, mark]);
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<u8, CompileError> {
        if self.marks == MAX_MARKS {
            return Err(CompileError::TooDeep);
        }
        self.marks += 1;
        u8::try_from(2 * (MAX_GROUPS + 1) + self.marks - 1).map_err(|_| CompileError::TooDeep)
    }

    /// Appends an instruction with a target that is not known yet; returns where the target goes.
    fn jump(&mut self, instruction: u8) -> usize {
        self.code.extend([instruction, 0, 0]);
        self.code.len() - 2
    }

    fn branch(&mut self, set: &CharSet) -> Result<usize, CompileError> {
        let target = self.jump(BRANCH);
        self.set(set)?;
        Ok(target)
    }

    fn land(&mut self, target: usize) {
        self.set_target(target, self.code.len());
    }

    fn set_target(&mut self, target: usize, to: usize) {
        // Offsets beyond u16 only occur in programs above the bound, which are refused at the end.
        let [low, high] = u16::try_from(to).unwrap_or(u16::MAX).to_le_bytes();
        self.code.splice(target..target + 2, [low, high]);
    }

    fn set(&mut self, set: &CharSet) -> Result<(), CompileError> {
        let outside = set.negated();
        match (set.ranges(), outside.ranges()) {
            ([(first @ 0..=0x7f, last)], _) if first == last => self.code.extend([SET_BYTE, *first as u8]),
            (_, [(first @ 0..=0x7f, last)]) if first == last => self.code.extend([SET_NOT_BYTE, *first as u8]),
            (_, []) => self.code.push(SET_ALL),
            _ if outside == CharSet::line_terminators() => self.code.push(SET_DOT),
            (ranges, _) => {
                let mut ascii = [0_u8; 16];
                for code in 0..0x80_u32 {
                    if ranges.iter().any(|(first, last)| (*first..=*last).contains(&code))
                        && let Some(byte) = ascii.get_mut((code >> 3) as usize)
                    {
                        *byte |= 1 << (code & 7);
                    }
                }
                let beyond: Vec<_> = ranges.iter().filter(|(_, last)| *last >= 0x80).collect();
                self.code.push(SET_RANGES);
                self.code.extend(ascii);
                self.code.push(u8::try_from(beyond.len()).map_err(|_| CompileError::TooLarge)?);
                for (first, last) in beyond {
                    for code in [first, last] {
                        self.code.extend(code.to_le_bytes().iter().take(3));
                    }
                }
            }
        }
        Ok(())
    }
}
