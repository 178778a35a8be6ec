//! On which lines of a JSON file its values stand.

use super::diagnostic::Refusal;
use super::route_table::LINE;
use super::source_line;
use serde_json::Value;
use std::collections::HashMap;

/// Longer pointers are not kept, nor more than [`MOST_PLACES`]: the memory for them must not grow faster than the file.
const LONGEST_POINTER: usize = 160;
const MOST_PLACES: usize = 100_000;

/// The lines of a JSON file's members and elements, by their JSON pointers (RFC 6901, without its escapes).
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The file's name, such as `vercel.json`.
    file: &'static str,
    text: String,
    lines: HashMap<String, u32>,
}

impl Lines {
    /// Reads a file: its value, and where everything in it stands.
    ///
    /// # Errors
    /// The refusal of a text that is no JSON.
    pub fn read(file: &'static str, text: &str) -> Result<(Value, Self), Refusal> {
        let value = serde_json::from_str(text).map_err(|error| {
            let line = u32::try_from(error.line()).ok().filter(|line| *line > 0);
            let mut lines = line.into_iter().filter_map(|line| text.lines().nth(line as usize - 1));
            let at = lines.next().unwrap_or_default().trim().to_owned();
            Refusal { line, text: at, reason: format!("this is not JSON: {error}") }
        })?;
        let mut scan = Scan { text, at: 0, seen: 0, line: 1, lines: HashMap::new() };
        scan.value(&mut String::new());
        Ok((value, Self { file, text: text.to_owned(), lines: scan.lines }))
    }

    /// The line of the value at `pointer`, counted from 1; `None` when there is none, and for the file as a whole.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<u32> {
        self.lines.get(pointer).copied()
    }

    /// The line of the value at `pointer`, or of the innermost one around it.
    #[must_use]
    pub fn near(&self, mut pointer: &str) -> Option<u32> {
        while !pointer.is_empty() {
            if let Some(line) = self.at(pointer) {
                return Some(line);
            }
            pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
        None
    }

    /// The text of a line, without the white space around it.
    #[must_use]
    pub fn text(&self, line: u32) -> &str {
        self.text.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default().trim()
    }

    /// Notes in a route that it comes from the value at `pointer`.
    pub(super) fn mark(&self, route: &mut Value, pointer: &str) {
        if let Some(line) = self.near(pointer)
            && let Some(route) = route.as_object_mut().filter(|route| !route.contains_key("handle"))
        {
            route.insert(LINE.to_owned(), source_line::kept(self.file, line).into());
        }
    }

    /// The members of the object at `pointer` that are none of `known`, told with their lines.
    pub(super) fn unknown(&self, object: &Value, pointer: &str, known: &[&str], reason: &str) -> Vec<Refusal> {
        let keys = object.as_object().into_iter().flat_map(|object| object.keys());
        let keys = keys.filter(|key| !known.contains(&key.as_str()));
        let told = |key: &String| Refusal {
            line: self.at(&format!("{pointer}/{key}")),
            text: key.clone(),
            reason: reason.to_owned(),
        };
        keys.map(told).collect()
    }
}

/// A look over JSON that is known to be well-formed, and so not deeper than its parser takes.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// Up to where line feeds are counted.
    seen: usize,
    line: u32,
    lines: HashMap<String, u32>,
}

impl<'t> Scan<'t> {
    /// Goes over one value and keeps the places of what is in it; `pointer` leads to it, and is left as it was.
    fn value(&mut self, pointer: &mut String) -> Option<()> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                while self.peek()? != b'}' {
                    let line = self.line();
                    let key = self.string()?;
                    let key = serde_json::from_str(key).unwrap_or_else(|_| key.to_owned());
                    self.skip(b':')?;
                    self.inner(pointer, &key, line)?;
                }
                self.at += 1;
            }
            b'[' => {
                self.at += 1;
                let mut index = 0_usize;
                while self.peek()? != b']' {
                    let line = self.line();
                    self.inner(pointer, &index.to_string(), line)?;
                    index += 1;
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

    /// One member or element, and the comma behind it.
    fn inner(&mut self, pointer: &mut String, name: &str, line: u32) -> Option<()> {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(name);
        if pointer.len() <= LONGEST_POINTER && self.lines.len() < MOST_PLACES {
            self.lines.insert(pointer.clone(), line);
        }
        self.value(pointer)?;
        pointer.truncate(length);
        if self.peek()? == b',' {
            self.at += 1;
        }
        Some(())
    }

    /// The line that the scan has come to.
    fn line(&mut self) -> u32 {
        let passed = self.text.get(self.seen..self.at).unwrap_or_default();
        self.line += passed.matches('\n').count() as u32;
        self.seen = self.at;
        self.line
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

    /// A string as written, with its quotes.
    fn string(&mut self) -> Option<&'t str> {
        let start = self.at;
        self.skip(b'"')?;
        loop {
            match self.text.as_bytes().get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, MOST_PLACES};

    #[test]
    fn members_and_elements_are_found_on_their_lines_and_nowhere_else() {
        let text = "{ \"a\": {\"redirects\": [1]}, \"x\": \"]\\\"}\\n\",\n\"redirects\" : [\n {\"redirects\": [2]},{},\n\n \"s\"\n, -1.5e3 ],\n\"\\u0061b\": 1 }";
        let (_, lines) = Lines::read("vercel.json", text).unwrap();
        for (pointer, line) in [
            ("/a", Some(1)),
            ("/a/redirects/0", Some(1)),
            ("/redirects", Some(2)),
            ("/redirects/0", Some(3)),
            ("/redirects/1", Some(3)),
            ("/redirects/2", Some(5)),
            ("/redirects/3", Some(6)),
            ("/redirects/4", None),
            ("/ab", Some(7)),
            ("", None),
            ("/x/0", None),
        ] {
            assert_eq!(lines.at(pointer), line, "{pointer}");
        }
        assert_eq!(lines.near("/redirects/2/source"), Some(5));
        assert_eq!(lines.near("/nothing/here"), None);
        assert_eq!(lines.text(5), "\"s\"");
    }

    #[test]
    fn places_take_no_more_memory_than_a_few_files() {
        let text = format!("{{\"{}\": [{}1],\n\"b\": 1}}", "a".repeat(200), "1,".repeat(1000));
        let (_, lines) = Lines::read("vercel.json", &text).unwrap();
        assert_eq!((lines.lines.len(), lines.at("/b")), (1, Some(2)));
        let (_, lines) = Lines::read("vercel.json", &format!("[{}1]", "1,".repeat(MOST_PLACES))).unwrap();
        assert_eq!(lines.lines.len(), MOST_PLACES);
    }
}
