//! On which lines of a peer's configuration file its routes stand.
//!
//! Lowering knows JSON values, not lines. So each entry of the file is lowered once more by itself, and the routes that
//! come out are found again among all.

use super::peers::Peer;
use crate::rules::route_table::LINE;
use crate::rules::{Lowered, source_line};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Longer files are not worth the time that this takes.
const MOST_ENTRIES: usize = 2048;
const SECTIONS: [&str; 4] = ["redirects", "rewrites", "headers", "routes"];

/// Adds to each route of `lowered` the line of the entry that it comes from.
pub(super) fn add_lines(peer: Peer, file: &str, text: &str, lowered: &mut Lowered) {
    let Ok(Value::Object(mut root)) = serde_json::from_str(text) else { return };
    let within: &[&str] =
        if matches!(peer, Peer::Firebase) && root.contains_key("hosting") { &["hosting"] } else { &[] };
    let Some(config) = within.iter().try_fold(&mut root, |object, key| object.get_mut(*key)?.as_object_mut()) else {
        return;
    };
    let mut entries = Vec::new();
    for section in SECTIONS {
        if let Some(Value::Array(values)) = config.remove(section) {
            let lines = lines_of(text, within, section);
            entries.extend(values.into_iter().zip(lines).map(|(value, line)| (section, value, line)));
        }
    }
    if entries.len() > MOST_ENTRIES {
        return;
    }
    let base = config.clone();
    let routes_of = |config: Map<String, Value>| {
        let root = if within.is_empty() { Value::Object(config) } else { serde_json::json!({ "hosting": config }) };
        let lowered = peer.read(&root.to_string()).unwrap_or_default();
        lowered.routes.into_iter().chain(lowered.file_headers).map(|route| route.to_string())
    };
    let of_none: Vec<String> = routes_of(base.clone()).collect();
    let mut known: HashMap<String, u32> = HashMap::new();
    for (section, value, line) in entries {
        let mut config = base.clone();
        config.insert(section.to_owned(), Value::Array(vec![value]));
        for route in routes_of(config).filter(|route| !of_none.contains(route)) {
            known.entry(route).or_insert(source_line::kept(file, line));
        }
    }
    for route in lowered.routes.iter_mut().chain(&mut lowered.file_headers) {
        if let Some(line) = known.get(&route.to_string())
            && let Some(route) = route.as_object_mut().filter(|route| !route.contains_key("handle"))
        {
            route.insert(LINE.to_owned(), (*line).into());
        }
    }
}

/// The lines on which the elements of an array begin, in a text that is JSON.
fn lines_of(text: &str, within: &[&str], section: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let path: Vec<&str> = within.iter().copied().chain([section]).collect();
    Scan { text, at: 0 }.value(Some(&path), &mut found);
    let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count() as u32 + 1);
    found.into_iter().map(line).collect()
}

/// A look over JSON that is known to be well-formed, and so not deeper than its parser takes.
struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    /// Goes over one value. `path` leads to the array whose elements' places are wanted, from here.
    fn value(&mut self, path: Option<&[&str]>, found: &mut Vec<usize>) -> Option<()> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                while self.peek()? != b'}' {
                    let key = self.string()?;
                    self.skip(b':')?;
                    let rest = path.and_then(|path| path.split_first()).filter(|(first, _)| **first == key);
                    self.value(rest.map(|(_, rest)| rest), found)?;
                    if self.peek()? == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            b'[' => {
                self.at += 1;
                while self.peek()? != b']' {
                    if path.is_some_and(<[_]>::is_empty) {
                        found.push(self.at);
                    }
                    self.value(None, found)?;
                    if self.peek()? == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            b'"' => {
                self.string()?;
            }
            _ => {
                let rest = self.text.get(self.at..)?;
                self.at += rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
            }
        }
        Some(())
    }

    /// The byte that comes next, white space aside.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_start().len();
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A string as written, without its quotes.
    fn string(&mut self) -> Option<&'t str> {
        self.skip(b'"')?;
        let start = self.at;
        loop {
            match self.text.as_bytes().get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::lines_of;

    #[test]
    fn elements_are_found_on_their_lines_and_nowhere_else() {
        let text = "{ \"a\": {\"redirects\": [1]}, \"x\": \"]\\\"}\\n\",\n\"redirects\" : [\n {\"redirects\": [2]},{},\n\n \"s\"\n, -1.5e3 ] }";
        assert_eq!(lines_of(text, &[], "redirects"), [3, 3, 5, 6]);
        assert_eq!(lines_of(text, &["a"], "redirects"), [1]);
        assert!(lines_of(text, &["b"], "redirects").is_empty());
        assert!(lines_of(text, &[], "x").is_empty());
    }
}
