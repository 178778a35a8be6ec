//! What header rules come to for one answer.

use super::HeaderValue;

/// Several of these are several fields (RFC 6265, 3): a comma may stand in a cookie.
const COOKIE: &str = "set-cookie";

/// What the rules made of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The answer must not have it.
    Removed,
    /// The answer has it with this value, in place of any default.
    Set(HeaderValue),
}

/// The fields that rules speak of; all others stay as the platform has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    fields: Vec<(&'a str, State)>,
    replace: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(replace: bool) -> Self {
        Self { fields: Vec::new(), replace }
    }

    /// Iterates over the fields in the order in which rules first spoke of them. Names are lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &State)> {
        self.fields.iter().map(|(name, state)| (*name, state))
    }

    /// What the rules made of the field `name`; `None` when no rule speaks of it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&State> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, state)| state)
    }

    pub(super) fn remove(&mut self, name: &'a str) {
        if name == COOKIE {
            self.fields.retain(|(known, _)| *known != COOKIE);
        }
        *self.entry(name) = State::Removed;
    }

    pub(super) fn set(&mut self, name: &'a str, value: HeaderValue) {
        let replace = self.replace;
        match self.entry(name) {
            State::Set(_) if name == COOKIE && !replace => self.fields.push((name, State::Set(value))),
            State::Set(known) if !replace => known.join(&value),
            state => *state = State::Set(value),
        }
    }

    fn entry(&mut self, name: &'a str) -> &mut State {
        let at = self.fields.iter().position(|(known, _)| *known == name);
        let at = at.unwrap_or_else(|| {
            self.fields.push((name, State::Removed));
            self.fields.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "the position was just found or made")]
        &mut self.fields[at].1
    }
}
