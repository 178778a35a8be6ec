//! Makes a route table's image from low-level routes.

mod rules;
mod template;

use std::collections::HashMap;

use serde_json::Value;

use self::template::Names;
use super::Phase;
use super::format::{
    FIELD_NAMES, FLAG_CHECK, FLAG_CONTINUE, FLAG_RELATIVE, INDEXES, PHASES, ROUTE_LENGTH, ROUTES, SEED_ONE, SEED_PATH,
    SEED_TWO,
};
use super::index::{key, lower_case};
use crate::rules::bytes::{push_block, push_short_text};
use crate::rules::diagnostic::Refusal;
use crate::rules::regex::Pattern;
use crate::rules::source_line;

/// How routes are compiled.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableOptions {
    /// Case counts in every path; else only in routes that say so (`caseSensitive`), as at the peer.
    pub case_sensitive: bool,
    /// Every route is matched against the whole path; else one that does not begin with a slash is also tried without
    /// the path's first one, as at the peer.
    pub rooted: bool,
    /// Sources are for decoded paths: their letters outside ASCII, and whatever else paths hold percent-encoded, are
    /// compiled as paths hold them.
    pub decoded: bool,
}

/// Makes the image of a table of normalised routes. What the edge cannot do is left out and told, route by route.
///
/// # Errors
/// The refusals alone, when the table as a whole does not fit an image.
pub fn build(routes: &[Value], options: TableOptions) -> Result<(Vec<u8>, Vec<Refusal>), Vec<Refusal>> {
    let mut refused = Vec::new();
    let mut phases: [Vec<Input<'_>>; PHASES] = Default::default();
    let mut phase = Some(Phase::Start);
    for route in routes {
        if let Some(handle) = route.get("handle").and_then(Value::as_str) {
            phase = Phase::of_handle(handle);
            continue;
        }
        let Some(place) = phase.and_then(|phase| phases.get_mut(phase as usize)) else {
            continue;
        };
        let mut problems = Vec::new();
        match Input::read(route, options, &mut problems) {
            Ok(input) => place.push(input),
            Err(problem) => problems.push(problem),
        }
        let source = route.get("src").and_then(Value::as_str).unwrap_or_default();
        let line = route.get(LINE).and_then(Value::as_u64).and_then(|line| source_line::number(line.try_into().ok()?));
        let refusal = |reason| Refusal { line, text: source.to_owned(), reason };
        refused.extend(problems.into_iter().map(refusal));
    }
    match Image::of(&phases) {
        Some(image) => Ok((image, refused)),
        None => {
            let reason = "the routes do not fit a route table; use fewer or shorter ones".to_owned();
            refused.push(Refusal { line: None, text: String::new(), reason });
            Err(refused)
        }
    }
}

/// The member of a route that says where it stands, as [`source_line::kept`] makes it. No peer has it.
pub const LINE: &str = "miaobu:line";

/// A route ready to be written.
struct Input<'r> {
    route: &'r Value,
    pattern: Pattern,
    program: Vec<u8>,
    is_folded: bool,
    is_relative: bool,
}

impl<'r> Input<'r> {
    /// Compiles what can be; adds what is left out.
    fn read(route: &'r Value, options: TableOptions, problems: &mut Vec<String>) -> Result<Self, String> {
        let source = route.get("src").and_then(Value::as_str).unwrap_or_default();
        let is_set = |name: &str| route.get(name).is_some_and(|value| *value != Value::Bool(false));
        for name in ["locale", "mitigate", "middleware", "middlewarePath"] {
            if is_set(name) {
                return Err(format!("`{name}` is not supported; the route is left out"));
            }
        }
        if route.get("destination").is_some_and(Value::is_object) {
            return Err("services are not supported; the route is left out".to_owned());
        }
        if is_set("env") {
            problems.push("`env` has no effect: there are no environment variables at the edge".to_owned());
        }
        let is_folded = !options.case_sensitive && !is_set("caseSensitive");
        let mut pattern = Pattern::parse(source).map_err(|error| error.to_string())?;
        if options.decoded {
            pattern = pattern.percent_encoded();
        }
        let program = pattern.compile(is_folded).map_err(|error| error.to_string())?;
        rules::check(route)?;
        if let Some(status) = route.get("status").and_then(Value::as_u64)
            && (!(200..600).contains(&status) || matches!(status, 205 | 304))
        {
            return Err(format!("no page can be answered with status {status}; the route is left out"));
        }
        let is_relative = !options.rooted && !source.starts_with("^/") && !source.starts_with("^\\/");
        Ok(Self { route, pattern, program, is_folded, is_relative })
    }

    /// Where the route is filed; `None` when it may match any path.
    fn key(&self) -> Option<u32> {
        let whole = self.pattern.literal();
        let text = whole.clone().unwrap_or_else(|| self.pattern.first_segments());
        // Folding non-ASCII letters is the program's work.
        if self.is_relative || !text.starts_with('/') || self.is_folded && !text.is_ascii() {
            return None;
        }
        let text = lower_case(&text).into_owned();
        if whole.is_some() {
            return Some(key(SEED_PATH, &text));
        }
        let third = text.match_indices('/').nth(2).map_or(text.len(), |(at, _)| at);
        let seed = if text.matches('/').count() > 1 { SEED_TWO } else { SEED_ONE };
        Some(key(seed, text.get(..third)?))
    }
}

struct Image {
    bytes: Vec<u8>,
    blocks: HashMap<Vec<u8>, u32>,
}

impl Image {
    fn of(phases: &[Vec<Input<'_>>; PHASES]) -> Option<Vec<u8>> {
        let count: usize = phases.iter().map(Vec::len).sum();
        let mut image = Self { bytes: vec![0; ROUTES + count * ROUTE_LENGTH], blocks: HashMap::new() };
        let mut number = 0_u16;
        for (phase, inputs) in phases.iter().enumerate() {
            image.write(phase * 2, &number.to_le_bytes());
            let first = number;
            for input in inputs {
                image.route(number, input)?;
                number = number.checked_add(1)?;
            }
            let offset = image.index(first, inputs)?;
            image.write(INDEXES + phase * 4, &offset.to_le_bytes());
        }
        image.write(PHASES * 2, &number.to_le_bytes());
        let mut names = Vec::new();
        for name in rules::field_names(phases.iter().flatten().map(|input| input.route)) {
            push_short_text(&mut names, &name)?;
        }
        let offset = image.block(names)?;
        image.write(FIELD_NAMES, &offset.to_le_bytes());
        let line =
            |input: &Input<'_>| input.route.get(LINE).and_then(Value::as_u64).and_then(|line| line.try_into().ok());
        let lines: Vec<u32> = phases.iter().flatten().map(|input| line(input).unwrap_or(0)).collect();
        source_line::append(&mut image.bytes, &lines);
        Some(image.bytes)
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.bytes.splice(at..at + bytes.len(), bytes.iter().copied());
    }

    /// Appends a block, once for equal ones; nothing for an empty one.
    fn block(&mut self, block: Vec<u8>) -> Option<u32> {
        if block.is_empty() {
            return Some(0);
        }
        if let Some(offset) = self.blocks.get(&block) {
            return Some(*offset);
        }
        let offset = push_block(&mut self.bytes, &block)?;
        self.blocks.insert(block, offset);
        Some(offset)
    }

    fn route(&mut self, number: u16, input: &Input<'_>) -> Option<()> {
        let route = input.route;
        let names = Names::of(&input.pattern, route.get("has"));
        let is = |name: &str| route.get(name).is_some_and(|value| *value == Value::Bool(true));
        let mut flags = if is("continue") { FLAG_CONTINUE } else { 0 };
        flags |= if is("check") { FLAG_CHECK } else { 0 };
        flags |= if input.is_relative { FLAG_RELATIVE } else { 0 };
        let status = route.get("status").and_then(Value::as_u64).unwrap_or(0);
        let destination = route.get("dest").and_then(Value::as_str).filter(|text| !text.is_empty());
        let blocks = [
            input.program.clone(),
            destination.map(|text| names.template(text)).unwrap_or_default(),
            rules::headers(route, &names)?,
            rules::conditions(route)?,
            rules::methods(route)?,
            rules::transforms(route, &names)?,
        ];
        let mut record = Vec::with_capacity(ROUTE_LENGTH);
        record.extend(flags.to_le_bytes());
        record.extend(u16::try_from(status).ok()?.to_le_bytes());
        for block in blocks {
            record.extend(self.block(block)?.to_le_bytes());
        }
        self.write(ROUTES + usize::from(number) * ROUTE_LENGTH, &record);
        Some(())
    }

    fn index(&mut self, first: u16, inputs: &[Input<'_>]) -> Option<u32> {
        if inputs.is_empty() {
            return Some(0);
        }
        let (mut keyed, mut loose) = (Vec::new(), Vec::new());
        for (number, input) in (first..).zip(inputs) {
            match input.key() {
                Some(key) => keyed.push((key, number)),
                None => loose.push(number),
            }
        }
        keyed.sort_unstable();
        let offset = u32::try_from(self.bytes.len()).ok()?;
        self.bytes.extend(u16::try_from(keyed.len()).ok()?.to_le_bytes());
        self.bytes.extend(u16::try_from(loose.len()).ok()?.to_le_bytes());
        keyed.iter().for_each(|(key, _)| self.bytes.extend(key.to_le_bytes()));
        keyed.iter().for_each(|(_, number)| self.bytes.extend(number.to_le_bytes()));
        loose.iter().for_each(|number| self.bytes.extend(number.to_le_bytes()));
        Some(offset)
    }
}
