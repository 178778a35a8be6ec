//! What a peer's configuration file comes to.

use serde_json::{Value, json};

use super::diagnostic::Refusal;
use super::json_lines::Lines;
use super::route_table::{TableOptions, build};

/// A configuration file, read and lowered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lowered {
    /// Low-level routes in phases; empty when the file has none.
    pub routes: Vec<Value>,
    /// Routes with headers whose sources are matched against the path of the file that is served, not against the
    /// request's.
    pub file_headers: Vec<Value>,
    /// Whether sources are for whole paths, see [`TableOptions::rooted`].
    pub rooted: bool,
    /// Whether sources are for decoded paths, see [`TableOptions::decoded`].
    pub decoded: bool,
    /// Whether case counts in paths, see [`TableOptions::case_sensitive`].
    pub case_sensitive: bool,
    /// Pages answer without their `.html`. Files know it, not routes, where the peer looks at files first.
    pub clean_urls: bool,
    /// Whether paths of pages end with a slash; `None` when the file does not say.
    pub trailing_slash: Option<bool>,
    /// Path of the page for missing files.
    pub error_page: Option<String>,
    /// The line that says so.
    pub error_page_line: Option<u32>,
    /// What could not be used.
    pub refused: Vec<Refusal>,
}

impl Lowered {
    /// The image of the route table, `None` when there are no routes, and everything that was refused.
    #[must_use]
    pub fn table(&self) -> (Option<Vec<u8>>, Vec<Refusal>) {
        let mut refused = self.refused.clone();
        if self.routes.is_empty() {
            return (None, refused);
        }
        let &Self { rooted, decoded, case_sensitive, .. } = self;
        match build(&self.routes, TableOptions { rooted, decoded, case_sensitive }) {
            Ok((image, others)) => {
                refused.extend(others);
                (Some(image), refused)
            }
            Err(others) => {
                refused.extend(others);
                (None, refused)
            }
        }
    }

    /// Tells of a value that stands on `line`.
    pub(super) fn refuse(&mut self, line: Option<u32>, text: &Value, reason: impl Into<String>) {
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        self.refused.push(Refusal { line, text, reason: reason.into() });
    }
}

/// The headers of a rule, `[{ key, value }]`, as an object; a value of `null` removes the header.
pub(super) fn headers(rule: &Value) -> Option<Value> {
    let mut headers = serde_json::Map::new();
    for header in rule.get("headers")?.as_array()? {
        let value = header.get("value").filter(|value| value.is_string() || value.is_null())?;
        headers.insert(header.get("key")?.as_str()?.to_owned(), value.clone());
    }
    Some(Value::Object(headers))
}

/// A redirect's route.
pub(super) fn redirect(source: &str, location: &str, status: &Value) -> Value {
    json!({ "src": source, "headers": { "Location": location }, "status": status })
}

/// What is told of a rule's member that is none.
pub(super) const NO_MEMBER: &str = "a rule has no such member: the rule applies without it";

/// A rule of a configuration file.
pub(super) struct Rule<'c> {
    /// The rule.
    pub value: &'c Value,
    /// Its JSON pointer.
    pub pointer: String,
    /// The line it begins on, where that is known.
    pub line: Option<u32>,
}

/// The rules in the list `name` of the table at `pointer`.
pub(super) fn rules<'c>(table: &'c Value, name: &str, lines: &Lines, pointer: &str) -> Vec<Rule<'c>> {
    let list = table.get(name).and_then(Value::as_array).into_iter().flatten();
    let rule = |(index, value)| {
        let pointer = format!("{pointer}/{name}/{index}");
        Rule { value, line: lines.at(&pointer), pointer }
    };
    (0_usize..).zip(list).map(rule).collect()
}
