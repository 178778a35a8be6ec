//! One request through one phase.

use super::condition::Condition;
use super::format::{HEADER_REMOVED, HEADER_SET};
use super::index::Candidates;
use super::query::{merged, split};
use super::reader::{Route, RouteTable, take_block};
use super::template::Filling;
use super::transform::{Transform, push_transforms};
use super::walk::Files;
use super::{Header, Phase, Target};
use crate::rules::bytes::short_text;
use crate::rules::regex::{Budget, Captures, search};
use std::ops::Range;

/// What routes may ask about a request, beside its path and query.
pub struct RouteRequest<'r> {
    /// The method.
    pub method: &'r str,
    /// The hostname, with the port when one was sent.
    pub host: &'r str,
    /// Looks up a header field by its lower-case name; needs to know only those of [`RouteTable::field_names`].
    pub field: &'r dyn Fn(&str) -> Option<&'r str>,
}

/// What routes have gathered so far.
#[derive(Debug, Default)]
pub struct Gathered<'a> {
    /// Headers that routes set or remove, each name once.
    pub headers: Vec<Header>,
    /// Transforms of all routes that matched, in order.
    pub transforms: Vec<Transform<'a>>,
    /// Which of them change the answer: those of the last route that had any.
    pub response: Range<usize>,
    /// Every route that matched, by its number in the table.
    #[cfg(feature = "explain")]
    pub(crate) trail: Vec<u16>,
    /// The first route for which there were not enough steps.
    #[cfg(feature = "explain")]
    pub(crate) slow: Option<u16>,
}

impl<'a> Gathered<'a> {
    /// The transforms that change the answer.
    #[must_use]
    pub fn response_transforms(&self) -> &[Transform<'a>] {
        self.transforms.get(self.response.clone()).unwrap_or_default()
    }
}

/// What came of a phase.
#[derive(Debug, Default)]
pub struct Passed {
    /// A route ended the phase.
    pub found: bool,
    /// Where the request goes now.
    pub target: Target,
    /// The target is a URL of another host.
    pub is_url: bool,
    /// The route that ended the phase names a destination.
    pub has_destination: bool,
    /// The last route of the phase matched and goes on.
    pub continues: bool,
    /// Some route matched and went on.
    pub changed: bool,
    /// Status that a route set.
    pub status: Option<u16>,
    /// Number of the route that ended the phase, counted in the phase.
    pub route: Option<u16>,
}

/// What stays the same while a request passes.
pub(super) struct Surroundings<'s, 'r> {
    pub request: &'s RouteRequest<'r>,
    /// Where destinations are looked up; without it, `check` has no effect.
    pub files: Option<&'s dyn Files>,
    pub budget: &'s mut Budget,
}

impl<'a> RouteTable<'a> {
    /// Sends a request through one phase: where it goes, and what routes gather on the way.
    ///
    /// The rules are those of the peer's router: each route matches the path that the one before left; with
    /// `check`, a destination that is not there sends the request through the miss phase or to the next route.
    pub fn pass(
        self,
        phase: Phase,
        target: &Target,
        gathered: &mut Gathered<'a>,
        request: &RouteRequest<'_>,
        files: Option<&dyn Files>,
        budget: &mut Budget,
    ) -> Passed {
        self.pass_with(phase, target, gathered, &mut Surroundings { request, files, budget })
    }

    pub(super) fn pass_with(
        self,
        phase: Phase,
        target: &Target,
        gathered: &mut Gathered<'a>,
        surroundings: &mut Surroundings<'_, '_>,
    ) -> Passed {
        let (first, end) = self.range(phase);
        let kept = gathered.headers.len();
        let mut pass = Pass {
            table: self,
            phase,
            kept,
            query: &target.query,
            gathered,
            passed: Passed { target: target.clone(), ..Passed::default() },
        };
        let mut from = first;
        let mut captures = Captures::default();
        while from < end {
            let path = std::mem::take(&mut pass.passed.target.path);
            let mut candidates = Candidates::of(self.index(phase), &path, from);
            let found = candidates.find_map(|number| {
                let route = self.route(number).filter(|_| number < end)?;
                let text = matched(&route, &path, &target.query, &mut captures, surroundings);
                #[cfg(feature = "explain")]
                if surroundings.budget.exceeded() {
                    pass.gathered.slow.get_or_insert(number);
                }
                Some((number, route, text?))
            });
            let Some((number, route, text)) = found else {
                pass.passed.target.path = path;
                break;
            };
            from = number + 1;
            pass.apply(&route, number, &path, text, &captures, surroundings);
            if pass.passed.found {
                break;
            }
        }
        pass.passed
    }
}

/// The text that the route matched, which is the path or the path without its slash.
fn matched<'p>(
    route: &Route<'_>,
    path: &'p str,
    query: &str,
    captures: &mut Captures,
    surroundings: &mut Surroundings<'_, '_>,
) -> Option<&'p str> {
    if !route.takes(surroundings.request.method) {
        return None;
    }
    let mut text = path;
    if !search(route.program, text, captures, surroundings.budget) {
        text = path.strip_prefix('/').filter(|_| route.is_relative)?;
        if !search(route.program, text, captures, surroundings.budget) {
            return None;
        }
    }
    let mut conditions = Condition::all(route.conditions);
    conditions.all(|condition| condition.allows(surroundings.request, query, surroundings.budget)).then_some(text)
}

struct Pass<'p, 'a> {
    table: RouteTable<'a>,
    phase: Phase,
    /// Number of the headers that were set before.
    kept: usize,
    query: &'p str,
    gathered: &'p mut Gathered<'a>,
    passed: Passed,
}

impl<'a> Pass<'_, 'a> {
    /// What a matching route does. The target's path was taken out and has to be set again.
    fn apply(
        &mut self,
        route: &Route<'a>,
        number: u16,
        path: &str,
        text: &str,
        captures: &Captures,
        surroundings: &mut Surroundings<'_, '_>,
    ) {
        #[cfg(feature = "explain")]
        self.gathered.trail.push(number);
        let filling =
            Filling { captures, text, conditions: route.conditions, request: surroundings.request, query: self.query };
        let before = self.gathered.transforms.len();
        push_transforms(route.transforms, &filling, surroundings.budget, &mut self.gathered.transforms);
        let mut destination = match route.destination {
            Some(template) => filling.fill(template, surroundings.budget),
            None => path.to_owned(),
        };
        self.set_headers(route.headers, &filling, surroundings.budget);
        let (first, end) = self.table.range(self.phase);
        let scheme = destination.strip_prefix("http").unwrap_or_default();
        let is_url = scheme.strip_prefix('s').unwrap_or(scheme).starts_with("://");
        self.passed.continues = route.continues && number + 1 == end;
        self.passed.changed |= route.continues;
        let mut goes_on = route.continues;
        let mut sets_status = true;
        let is_miss = self.phase == Phase::Miss;
        if !goes_on && route.checks && self.phase != Phase::Hit && !is_url && (is_miss || route.status.is_none()) {
            let is_there = surroundings.files.is_none_or(|files| files.contains(split(&destination).0));
            if !is_there {
                goes_on = true;
                sets_status = is_miss;
            }
        }
        if sets_status {
            self.passed.status = route.status.or(self.passed.status);
        }
        let redirects = !goes_on && self.passed.status.is_some_and(|status| (300..400).contains(&status));
        let after = self.gathered.transforms.len();
        if after > before && !redirects {
            self.gathered.response = before..after;
        }
        if goes_on {
            if sets_status || !self.miss(&destination, surroundings) {
                self.passed.target.path = destination;
            }
            return;
        }
        self.passed.found = true;
        self.passed.route = Some(number - first);
        self.passed.is_url = is_url;
        self.passed.has_destination = !is_url && route.destination.is_some();
        if !is_url {
            let (path, query) = split(&destination);
            let query = merged(query, self.query);
            let slash = if path.starts_with('/') { "" } else { "/" };
            destination = [slash, path].concat();
            self.passed.target.query = query;
        }
        self.passed.target.path = destination;
    }

    /// Sends a request whose destination is not there through the miss phase; whether a route ends it there.
    fn miss(&mut self, destination: &str, surroundings: &mut Surroundings<'_, '_>) -> bool {
        if !self.table.has(Phase::Miss) {
            return false;
        }
        let (path, query) = split(destination);
        let target = Target { path: path.to_owned(), query: merged(query, self.query) };
        let (headers, transforms, response) =
            (self.gathered.headers.len(), self.gathered.transforms.len(), self.gathered.response.clone());
        let missed = self.table.pass_with(Phase::Miss, &target, self.gathered, surroundings);
        if missed.found {
            self.passed = missed;
            return true;
        }
        self.gathered.headers.truncate(headers);
        self.gathered.transforms.truncate(transforms);
        self.gathered.response = response;
        false
    }

    fn set_headers(&mut self, headers: &[u8], filling: &Filling<'_, '_>, budget: &mut Budget) {
        let mut rest = headers;
        while let Some((&kind, after)) = rest.split_first()
            && let Some((name, after)) = short_text(after)
            && let Some((template, after)) = take_block(after)
        {
            rest = after;
            let value = match kind {
                HEADER_SET => Some(filling.fill(template, budget)),
                HEADER_REMOVED => None,
                _ => return,
            };
            let headers = &mut self.gathered.headers;
            match headers.iter().position(|header| header.name == name) {
                // The hit and miss phases add to what routes said before, and never change it.
                Some(place) if place < self.kept && matches!(self.phase, Phase::Hit | Phase::Miss) => {}
                Some(place) => {
                    if let Some(header) = headers.get_mut(place) {
                        header.value = value;
                    }
                }
                None => headers.push(Header { name: name.to_owned(), value }),
            }
        }
    }
}
