//! `netlify.toml`: its tables of redirects and headers, and what else in it people may count on.

use super::Reading;
use crate::rules::redirects;
use crate::rules::table::{items, line_of_key, shown};
use crate::rules::{Parsed, Refusal, headers};
use toml::{Table, Value};

const NAME: &str = "netlify.toml";

/// What the peer's builds go by, besides the tables that are read.
const KNOWN: [&str; 7] = ["build", "context", "dev", "headers", "plugins", "redirects", "template"];

/// What a table of a redirect may hold. `rate_limit` is told of by its parser.
pub(super) const REDIRECT_MEMBERS: [&str; 15] = [
    "from",
    "origin",
    "to",
    "destination",
    "status",
    "force",
    "query",
    "params",
    "parameters",
    "conditions",
    "signed",
    "signing",
    "sign",
    "headers",
    "rate_limit",
];

const HEADER_MEMBERS: [&str; 2] = ["for", "values"];

impl Reading {
    pub(super) fn netlify(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        let parsed = redirects::parse_table(text);
        self.table_redirects = self.take(NAME, parsed);
        let Parsed { rules, refused } = headers::parse_table(text);
        // A file that does not parse was told of above.
        let refused = refused.into_iter().filter(|refusal| !self.tells(NAME, refusal)).collect();
        self.table_headers = self.take(NAME, Parsed { rules, refused });
        for (section, known) in [("redirects", &REDIRECT_MEMBERS[..]), ("headers", &HEADER_MEMBERS)] {
            for item in items(text, section).unwrap_or_default() {
                self.unknown_members(Some(item.line), &item.value, known, NAME);
            }
        }
        let Ok(table) = text.parse::<Table>() else { return };
        for key in table.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            let reason = "this has no effect here: only redirects and headers are read from a netlify.toml".to_owned();
            self.refuse(NAME, [Refusal { line: line_of_key(text, key), text: key.clone(), reason }]);
        }
    }

    /// Tells of the members of a rule's table that are none of `known`, or have no effect as they are.
    pub(super) fn unknown_members(&mut self, line: Option<u32>, rule: &Value, known: &[&str], file: &str) {
        let Some(table) = rule.as_table() else { return };
        for (key, value) in table {
            let reason = match (key.as_str(), value) {
                ("force", Value::Boolean(_)) => continue,
                ("force", _) => "force must be true or false: the rule applies without it",
                _ if known.contains(&key.as_str()) => continue,
                _ => "a rule has no such member: the rule applies without it",
            };
            let text = format!("{key} = {}", shown(value));
            self.refuse(file, [Refusal { line, text, reason: reason.to_owned() }]);
        }
    }
}
