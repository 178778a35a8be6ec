//! Patterns: literals, placeholders and splats, compiled to a few bytes and matched without going exponential.
//!
//! | instruction | bytes | matches |
//! |---|---|---|
//! | literal | [`LITERAL`], length, text | the text |
//! | run | [`RUN`], class and bounds, capture | as many bytes of a class as lets the rest match, longest first |
//! | tail | [`TAIL`], capture | where a segment ends: nothing, or a slash and any bytes, longest first; the slash is not captured |
//!
//! Why it is linear: what follows a run depends only on where the run ends. A run is entered at ever smaller offsets,
//! because every instruction before it gives back its longest choice first; so each end needs to be tried once in the
//! whole match, and one number per run (the smallest end tried) remembers which were.

#[cfg(feature = "build")]
mod source;

#[cfg(feature = "build")]
pub use source::{PatternSource, Prefix};

/// Starts a literal.
pub const LITERAL: u8 = 0;
/// Starts a run.
pub const RUN: u8 = 1;
/// Starts a tail.
pub const TAIL: u8 = 2;

/// Any bytes.
pub const ANY: u8 = 0;
/// Any bytes but a slash.
pub const SEGMENT: u8 = 1;
/// Any bytes but a slash and a dot: a label of a hostname.
pub const LABEL: u8 = 2;
/// Slashes.
pub const SLASHES: u8 = 3;
/// Set when a run takes at least one byte.
pub const AT_LEAST_ONE: u8 = 4;
/// Set when a run takes at most one byte.
pub const AT_MOST_ONE: u8 = 8;

/// The capture of a run that captures nothing.
#[cfg(feature = "build")]
pub const NO_CAPTURE: u8 = u8::MAX;
/// More runs and tails than this are not in one pattern.
pub const MAX_RUNS: usize = 24;
/// More captures than this are not in one pattern.
pub const MAX_CAPTURES: usize = 16;

/// A compiled pattern, in place.
#[derive(Clone, Copy, Debug)]
pub struct Pattern<'a> {
    code: &'a [u8],
    fold_case: bool,
}

/// What the placeholders of a pattern stood for: offsets into the text that matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captures {
    spans: [(u32, u32); MAX_CAPTURES],
}

impl Captures {
    /// The text that capture `index` took from `text`; empty when it took none.
    #[must_use]
    pub fn get<'t>(&self, index: u8, text: &'t str) -> &'t str {
        let (start, end) = self.spans.get(usize::from(index)).copied().unwrap_or_default();
        text.get(start as usize..end as usize).unwrap_or("")
    }

    /// Sets what capture `index` took; ignored when there is no such capture.
    pub fn set(&mut self, index: usize, start: usize, end: usize) {
        if let Some(span) = self.spans.get_mut(index) {
            *span = (offset(start), offset(end));
        }
    }
}

/// Offsets beyond 4 GB do not occur: no host takes such a request line.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl<'a> Pattern<'a> {
    /// A pattern from its compiled form. With `fold_case`, ASCII letters match in both cases.
    #[must_use]
    pub fn new(code: &'a [u8], fold_case: bool) -> Self {
        Self { code, fold_case }
    }

    /// Whether it matches the whole of `text`: at a glance where it is a text, or one and whatever follows.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let [LITERAL, length, rest @ ..] = self.code else { return self.find(text).is_some() };
        match (self.fold_case, rest.split_at_checked(usize::from(*length))) {
            (false, Some((literal, rest))) => match (text.as_bytes().strip_prefix(literal), rest) {
                (None, _) => false,
                (Some(after), []) => after.is_empty(),
                (Some(_), [RUN, ANY, _]) => true,
                _ => self.find(text).is_some(),
            },
            _ => self.find(text).is_some(),
        }
    }

    /// Matches the whole of `text`.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Captures> {
        let mut state = State {
            text: text.as_bytes(),
            fold_case: self.fold_case,
            captures: Captures::default(),
            smallest_end: [u32::MAX; MAX_RUNS],
            steps: 0,
        };
        state.matches(self.code, 0, 0).then_some(state.captures)
    }
}

struct State<'t> {
    text: &'t [u8],
    fold_case: bool,
    captures: Captures,
    smallest_end: [u32; MAX_RUNS],
    /// How many instructions were looked at; the tests hold it to its bound.
    steps: usize,
}

impl State<'_> {
    /// Whether `code` matches all of the text from `at` on; `run` counts the runs before `code`.
    fn matches(&mut self, mut code: &[u8], mut at: usize, run: usize) -> bool {
        loop {
            self.steps = self.steps.saturating_add(1);
            match code {
                [] => return at == self.text.len(),
                [LITERAL, length, rest @ ..] => {
                    let Some((literal, rest)) = rest.split_at_checked(usize::from(*length)) else {
                        return false;
                    };
                    let Some(found) = self.text.get(at..).and_then(|text| text.get(..literal.len())) else {
                        return false;
                    };
                    if found != literal && !(self.fold_case && found.eq_ignore_ascii_case(literal)) {
                        return false;
                    }
                    at = at.saturating_add(literal.len());
                    code = rest;
                }
                [RUN, kind, capture, rest @ ..] => return self.run(*kind, *capture, rest, at, run),
                [TAIL, capture, rest @ ..] => {
                    let inner = at.saturating_add(1);
                    let opened = match self.text.get(at) {
                        Some(b'/') => true,
                        Some(_) => return false,
                        None => false,
                    };
                    return opened && self.ends(inner, inner, self.text.len(), *capture, rest, run)
                        || self.ends(at, at, at, *capture, rest, run);
                }
                _ => return false,
            }
        }
    }

    fn run(&mut self, kind: u8, capture: u8, rest: &[u8], at: usize, run: usize) -> bool {
        let Some(ahead) = self.text.get(at..) else {
            return false;
        };
        let class = kind & 3;
        let taken = match class {
            ANY => ahead.len(),
            _ => ahead.iter().position(|byte| !is_in(class, *byte)).unwrap_or(ahead.len()),
        };
        let most = if kind & AT_MOST_ONE == 0 { taken } else { taken.min(1) };
        let least = usize::from(kind & AT_LEAST_ONE != 0);
        self.ends(at, at.saturating_add(least), at.saturating_add(most), capture, rest, run)
    }

    /// Tries to end the run that began at `start` at each offset from `last` down to `first`.
    fn ends(&mut self, start: usize, first: usize, last: usize, capture: u8, rest: &[u8], run: usize) -> bool {
        let Some(smallest) = self.smallest_end.get(run).copied() else {
            return false;
        };
        let last = last.min((smallest as usize).saturating_sub(1));
        for end in (first..=last).rev() {
            self.captures.set(usize::from(capture), start, end);
            if self.matches(rest, end, run.saturating_add(1)) {
                return true;
            }
        }
        if let Some(smallest) = self.smallest_end.get_mut(run) {
            *smallest = offset(first).min(*smallest);
        }
        false
    }
}

fn is_in(class: u8, byte: u8) -> bool {
    match class {
        SEGMENT => byte != b'/',
        LABEL => byte != b'/' && byte != b'.',
        SLASHES => byte == b'/',
        _ => true,
    }
}

#[cfg(test)]
mod tests;
