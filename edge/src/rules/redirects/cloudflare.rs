//! The text of a `_redirects` file in Cloudflare's grammar: `from to [status] [# comment]`.

use std::collections::HashSet;

use super::rule::RedirectRule;
use super::{Limits, is_dynamic};
use crate::rules::diagnostic::{Parsed, Refusal};
use crate::rules::url::{Parts, UrlRule, has_host, validate};

const STATUSES: [u16; 6] = [200, 301, 302, 303, 307, 308];

/// Reads a `_redirects` file. `html_handling` says whether the site's pages lose their `.html`, which turns some rules
/// into loops.
#[must_use]
pub fn parse(text: &str, limits: Limits, html_handling: bool) -> Parsed<RedirectRule> {
    let mut reader = Reader { limits, html_handling, ..Reader::default() };
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split('\n').collect();
    for (number, line) in (1..).zip(&lines) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() > limits.line_length {
            let reason = format!("the line is longer than {} characters", limits.line_length);
            reader.parsed.refused.push(Refusal::of_line(number, "", reason));
            continue;
        }
        match reader.line(line) {
            Ok(rule) => reader.parsed.rules.push(RedirectRule { line: number, ..rule }),
            Err(Stop::Line(reason)) => reader.parsed.refused.push(Refusal::of_line(number, line, reason)),
            Err(Stop::Silent(reason)) => reader.parsed.refused.push(Refusal::of_line(number, "", reason)),
            Err(Stop::File) => {
                let rest = lines.len().saturating_sub(usize::try_from(number).unwrap_or(0)) + 1;
                let most = limits.dynamic_rules;
                let reason =
                    format!("more than {most} rules with * or placeholders: the last {rest} lines are ignored");
                reader.parsed.refused.push(Refusal::of_line(number, "", reason));
                break;
            }
        }
    }
    reader.parsed
}

#[derive(Default)]
struct Reader {
    limits: Limits,
    html_handling: bool,
    parsed: Parsed<RedirectRule>,
    seen: HashSet<String>,
    fixed: usize,
    dynamic: usize,
}

enum Stop {
    /// This line is refused.
    Line(String),
    /// This line is refused for what came before it.
    Silent(String),
    /// The rest of the file is ignored.
    File,
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Line(reason)
    }
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<RedirectRule, Stop> {
        let words: Vec<&str> = without_comment(line).split_whitespace().collect();
        let (from, to, status) = match words.as_slice() {
            [from, to] => (from, to, "302"),
            [from, to, status] => (from, to, *status),
            words => {
                return Err(format!("a rule is 2 or 3 words, this line has {}", words.len()).into());
            }
        };
        let from = validate(from, UrlRule { path_only: true, ..UrlRule::default() })?;
        self.count(&from)?;
        let to = validate(to, UrlRule { keep: Parts::All, ..UrlRule::default() })?;
        let status = status
            .parse()
            .ok()
            .filter(|status| STATUSES.contains(status))
            .ok_or_else(|| format!("the status must be 200, 301, 302, 303, 307 or 308, not {status}"))?;
        if !has_host(&to) && self.loops(&from, &to) {
            let reason = "the target leads back to the source: pages are redirected to the path without index.html";
            return Err(reason.to_owned().into());
        }
        if !self.seen.insert(from.clone()) {
            return Err(format!("an earlier rule has the source {from}").into());
        }
        if status == 200 && has_host(&to) {
            return Err(format!("a rule with status 200 must lead to a path of this site, not {to}").into());
        }
        Ok(RedirectRule { from, to, status: Some(status), ..RedirectRule::default() })
    }

    /// Counts a rule against the limits. A static rule after a dynamic one is compared in order, so it counts as dynamic.
    fn count(&mut self, from: &str) -> Result<(), Stop> {
        if self.dynamic == 0 && !is_dynamic(from) {
            self.fixed += 1;
            if self.fixed > self.limits.static_rules {
                return Err(Stop::Silent(format!("more than {} static rules", self.limits.static_rules)));
            }
        } else {
            self.dynamic += 1;
            if self.dynamic > self.limits.dynamic_rules {
                return Err(Stop::File);
            }
        }
        Ok(())
    }

    fn loops(&self, from: &str, to: &str) -> bool {
        let to_index = to.ends_with("/index") || to.ends_with("/index.html");
        to_index && (from.ends_with("/*") || self.html_handling && from.ends_with('/'))
    }
}

/// Cuts off a `#` that begins a word; within a word it begins a fragment.
fn without_comment(line: &str) -> &str {
    let mut previous = 'x';
    let end = line.find(|character: char| {
        let comment = character == '#' && previous.is_whitespace();
        previous = character;
        comment
    });
    end.map_or(line, |end| line.split_at(end).0)
}
