//! One request through one phase.

use super::condition::Condition;
use super::format::{HEADER_REMOVED, HEADER_SET};
use super::index::Candidates;
use super::query::{merged, split};
use super::reader::{Route, RouteTable, take_block};
use super::template::Filling;
use super::transform::{Transform, transforms};
use super::walk::Files;
use super::{Header, Phase, Target};
use crate::rules::bytes::short_text;
use crate::rules::regex::{Budget, Captures, search};

/// What routes may ask about a request, beside its path and query.
pub struct RouteRequest<'r> {
    /// The method.
    pub method: &'r str,
    /// The hostname, with the port when one was sent.
    pub host: &'r str,
    /// Looks up a header field by its lower-case name; needs to know only those of [`RouteTable::field_names`].
    pub field: &'r dyn Fn(&str) -> Option<&'r str>,
}

/// What came of a phase.
#[derive(Clone, Debug, Default)]
pub struct Passed<'a> {
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
    /// Some route matched and went on: path and headers are no longer as they were.
    pub changed: bool,
    /// Status that a route set.
    pub status: Option<u16>,
    /// Headers that routes set, each name once.
    pub headers: Vec<Header>,
    /// Number of the route that ended the phase, counted in the phase.
    pub route: Option<u16>,
    /// Transforms of all routes that matched.
    pub request_transforms: Vec<Transform<'a>>,
    /// Transforms of the last route that matched and had any.
    pub response_transforms: Option<Vec<Transform<'a>>>,
}

/// What stays the same while a request passes.
pub(super) struct Surroundings<'s, 'r> {
    pub request: &'s RouteRequest<'r>,
    /// Where destinations are looked up; without it, `check` has no effect.
    pub files: Option<&'s dyn Files>,
    pub budget: &'s mut Budget,
}

impl<'a> RouteTable<'a> {
    /// Sends a request through one phase: where it goes, and what routes did on the way. `headers` are those set so far.
    ///
    /// The rules are those of the peer's router: each route matches the path that the one before left; with
    /// `check`, a destination that is not there sends the request through the miss phase or to the next route.
    #[must_use]
    pub fn pass(
        self,
        phase: Phase,
        target: &Target,
        headers: &[Header],
        request: &RouteRequest<'_>,
        files: Option<&dyn Files>,
        budget: &mut Budget,
    ) -> Passed<'a> {
        self.pass_with(phase, target, headers, &mut Surroundings { request, files, budget })
    }

    pub(super) fn pass_with(
        self,
        phase: Phase,
        target: &Target,
        headers: &[Header],
        surroundings: &mut Surroundings<'_, '_>,
    ) -> Passed<'a> {
        let mut pass = Pass {
            table: self,
            phase,
            previous: headers,
            path: target.path.clone(),
            query: &target.query,
            passed: Passed { headers: headers.to_vec(), ..Passed::default() },
        };
        let (first, end) = self.range(phase);
        let mut from = first;
        let mut captures = Captures::default();
        'again: loop {
            let path = pass.path.clone();
            for number in Candidates::of(self.index(phase), &path, from).take_while(|number| *number < end) {
                let Some(route) = self.route(number) else {
                    continue;
                };
                let Some(text) = matched(&route, &path, &target.query, &mut captures, surroundings) else {
                    continue;
                };
                match pass.apply(&route, number, text, &captures, surroundings) {
                    Next::Done => return pass.passed,
                    Next::On => {}
                }
                if pass.path != path {
                    from = number + 1;
                    continue 'again;
                }
            }
            break;
        }
        pass.passed.target = Target { path: pass.path, query: target.query.clone() };
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
    let text = if search(route.program, path, captures, surroundings.budget) {
        path
    } else {
        let relative = path.strip_prefix('/').filter(|_| route.is_relative)?;
        search(route.program, relative, captures, surroundings.budget).then_some(relative)?
    };
    let mut conditions = Condition::all(route.conditions);
    conditions.all(|condition| condition.allows(surroundings.request, query, surroundings.budget)).then_some(text)
}

enum Next {
    Done,
    On,
}

struct Pass<'p, 'a> {
    table: RouteTable<'a>,
    phase: Phase,
    previous: &'p [Header],
    path: String,
    query: &'p str,
    passed: Passed<'a>,
}

impl<'a> Pass<'_, 'a> {
    fn apply(
        &mut self,
        route: &Route<'a>,
        number: u16,
        text: &str,
        captures: &Captures,
        surroundings: &mut Surroundings<'_, '_>,
    ) -> Next {
        let filling =
            Filling { captures, text, conditions: route.conditions, request: surroundings.request, query: self.query };
        let transforms = transforms(route.transforms, &filling, surroundings.budget);
        self.passed.request_transforms.extend(transforms.iter().cloned());
        let destination = match route.destination {
            Some(template) => filling.fill(template, surroundings.budget),
            None => self.path.clone(),
        };
        self.set_headers(route.headers, &filling, surroundings.budget);
        let last = number + 1 == self.table.range(self.phase).1;
        if route.continues {
            self.passed.status = route.status.or(self.passed.status);
            if !transforms.is_empty() {
                self.passed.response_transforms = Some(transforms);
            }
            self.path = destination;
            self.passed.continues = last;
            self.passed.changed = true;
            return Next::On;
        }
        let is_url = destination.starts_with("http://") || destination.starts_with("https://");
        if route.checks && self.phase != Phase::Hit && !is_url {
            let (path, _) = split(&destination);
            let is_there = surroundings.files.is_none_or(|files| files.contains(path));
            let ends = route.status.is_some() && self.phase != Phase::Miss;
            if !is_there && !ends {
                if !transforms.is_empty() {
                    self.passed.response_transforms = Some(transforms);
                }
                return self.miss(route, destination, surroundings);
            }
        }
        self.passed.status = route.status.or(self.passed.status);
        let redirects = self.passed.status.is_some_and(|status| (300..400).contains(&status));
        if !redirects && !transforms.is_empty() {
            self.passed.response_transforms = Some(transforms);
        }
        self.found(route, number, destination, is_url);
        Next::Done
    }

    fn found(&mut self, route: &Route<'_>, number: u16, destination: String, is_url: bool) {
        self.passed.found = true;
        self.passed.route = Some(number - self.table.range(self.phase).0);
        self.passed.is_url = is_url;
        self.passed.target = if is_url {
            Target { path: destination, query: self.query.to_owned() }
        } else {
            self.passed.has_destination = route.destination.is_some();
            let (path, query) = split(&destination);
            let slash = if path.starts_with('/') { "" } else { "/" };
            Target { path: [slash, path].concat(), query: merged(query, self.query) }
        };
    }

    /// The destination of a checking route is not there.
    fn miss(&mut self, route: &Route<'_>, destination: String, surroundings: &mut Surroundings<'_, '_>) -> Next {
        if self.phase == Phase::Miss {
            self.passed.status = route.status.or(self.passed.status);
        } else if self.table.has(Phase::Miss) {
            let (path, query) = split(&destination);
            let target = Target { path: path.to_owned(), query: merged(query, self.query) };
            let mut missed = self.table.pass_with(Phase::Miss, &target, &self.passed.headers, surroundings);
            if missed.found {
                let mut transforms = std::mem::take(&mut self.passed.request_transforms);
                transforms.append(&mut missed.request_transforms);
                missed.request_transforms = transforms;
                missed.response_transforms = missed.response_transforms.or(self.passed.response_transforms.take());
                self.passed = missed;
                return Next::Done;
            }
        }
        self.path = destination;
        Next::On
    }

    fn set_headers(&mut self, headers: &[u8], filling: &Filling<'_, '_>, budget: &mut Budget) {
        let mut rest = headers;
        while let Some((&kind, after)) = rest.split_first()
            && let Some((name, after)) = short_text(after)
            && let Some((template, after)) = take_block(after)
        {
            rest = after;
            // The hit and miss phases add to what routes said before, and never change it.
            let keeps = matches!(self.phase, Phase::Hit | Phase::Miss);
            if keeps && self.previous.iter().any(|header| header.name == name) {
                continue;
            }
            let value = match kind {
                HEADER_SET => Some(filling.fill(template, budget)),
                HEADER_REMOVED => None,
                _ => return,
            };
            let headers = &mut self.passed.headers;
            match headers.iter_mut().find(|header| header.name == name) {
                Some(header) => header.value = value,
                None => headers.push(Header { name: name.to_owned(), value }),
            }
        }
    }
}
