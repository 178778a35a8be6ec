//! Texts with captures put in.

use super::condition::Condition;
use super::format::{PART_CONDITION, PART_GROUP, PART_TEXT};
use super::pass::RouteRequest;
use super::reader::take_text;
use crate::rules::regex::{Budget, Captures};
use crate::rules::text::{URL, push_byte};

/// What a matching route captured.
pub(super) struct Filling<'f, 'r> {
    pub captures: &'f Captures,
    /// The text that was matched.
    pub text: &'f str,
    pub conditions: &'f [u8],
    pub request: &'f RouteRequest<'r>,
    pub query: &'f str,
}

impl Filling<'_, '_> {
    /// Puts the captures into `template`; what took no part in the match is empty.
    pub fn fill(&self, template: &[u8], budget: &mut Budget) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((&part, after)) = rest.split_first() {
            let taken = match part {
                PART_TEXT => take_text(after).map(|(text, after)| {
                    filled.push_str(text);
                    after
                }),
                PART_GROUP => after.split_first().map(|(group, after)| {
                    push_visible(&mut filled, self.captures.get(usize::from(*group), self.text).unwrap_or_default());
                    after
                }),
                PART_CONDITION => after.split_first_chunk().map(|(&[condition, group], after)| {
                    push_visible(&mut filled, &self.condition(condition, group, budget).unwrap_or_default());
                    after
                }),
                _ => None,
            };
            let Some(after) = taken else { break };
            rest = after;
        }
        filled
    }

    fn condition(&self, number: u8, group: u8, budget: &mut Budget) -> Option<String> {
        let condition = Condition::all(self.conditions).nth(usize::from(number))?;
        condition.capture(group, self.request, self.query, budget)
    }
}

/// Appends a text, which may hold anything, so that it can stand in a header or a URL: what may stand in no URL is
/// percent-encoded.
pub(super) fn push_visible(filled: &mut String, text: &str) {
    for byte in text.bytes() {
        push_byte(filled, byte, URL);
    }
}
