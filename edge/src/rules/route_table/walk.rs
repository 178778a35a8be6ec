//! One request through all phases.

use super::pass::{Gathered, Passed, RouteRequest, Surroundings};
use super::query::{merged, split, split_fragment};
use super::reader::RouteTable;
use super::template::push_visible;
use super::{Phase, Target};
use crate::rules::regex::Budget;

/// What a site has besides its routes.
pub trait Files {
    /// Whether a file or function answers this path, which is as in a URL and has no query.
    fn contains(&self, path: &str) -> bool;
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The file or function under this path, with the status that a route set.
    Here {
        /// Where it is.
        target: Target,
        /// The status; `None` for the usual one.
        status: Option<u16>,
    },
    /// Another host.
    Elsewhere {
        /// The URL, query included.
        url: String,
    },
    /// A redirect.
    Redirect {
        /// 300 to 399.
        status: u16,
        /// Path or URL, with the visitor's query added.
        location: String,
    },
    /// A bare status, with the page that the site has for it.
    Status(u16),
    /// Nothing, so that the site's page for a missing file is the answer.
    Missing {
        /// Where the routes left the request.
        target: Target,
        /// The status that a route set; `None` for 404.
        status: Option<u16>,
    },
}

impl<'a> RouteTable<'a> {
    /// Sends a request through the phases: routes before the files, files, routes behind them, the error phase; with the
    /// miss or hit phase after each look at the files. Returns who answers, and what routes gathered; a `location` among
    /// the headers is in the answer already.
    #[must_use]
    pub fn walk(
        self,
        target: &Target,
        request: &RouteRequest<'_>,
        files: &dyn Files,
        budget: &mut Budget,
    ) -> (Answer, Gathered<'a>) {
        let mut walk = Walk {
            table: self,
            files,
            query: &target.query,
            gathered: Gathered::default(),
            surroundings: Surroundings { request, files: Some(files), budget },
        };
        let answer = walk.go(target);
        walk.gathered.headers.retain(|header| header.name != "location");
        (answer, walk.gathered)
    }
}

struct Walk<'w, 'r, 'a> {
    table: RouteTable<'a>,
    files: &'w dyn Files,
    /// The visitor's.
    query: &'w str,
    gathered: Gathered<'a>,
    surroundings: Surroundings<'w, 'r>,
}

impl Walk<'_, '_, '_> {
    fn go(&mut self, target: &Target) -> Answer {
        let mut start = target.clone();
        let mut passed = Passed::default();
        for phase in [Phase::Start, Phase::Filesystem] {
            passed = self.pass(phase, &start);
            if passed.is_url {
                let (url, query) = split(&passed.target.path);
                let query = merged(query, &passed.target.query);
                let sign = if query.is_empty() { "" } else { "?" };
                return Answer::Elsewhere { url: [url, sign, &query].concat() };
            }
            if phase == Phase::Start && passed.changed && !passed.found {
                start.clone_from(&passed.target);
            }
            if let Some(answer) = self.answer(&mut passed) {
                return answer;
            }
            if self.table.has(Phase::Miss) {
                passed = self.pass(Phase::Miss, &passed.target);
                if let Some(answer) = self.answer(&mut passed) {
                    return answer;
                }
            }
            if !self.table.has(Phase::Filesystem) {
                break;
            }
        }
        if self.table.has(Phase::Error) {
            let mut error = self.pass(Phase::Error, &passed.target);
            // An error route that names a page which is not there says nothing.
            if (self.is_there(&error) || error.found && !error.has_destination)
                && let Some(answer) = self.answer(&mut error)
            {
                return answer;
            }
        }
        Answer::Missing { target: passed.target, status: passed.status }
    }

    fn pass(&mut self, phase: Phase, target: &Target) -> Passed {
        self.table.pass_with(phase, target, &mut self.gathered, &mut self.surroundings)
    }

    fn is_there(&self, passed: &Passed) -> bool {
        self.files.contains(split(&passed.target.path).0)
    }

    /// The answer when a route ends the matter: a redirect, a file, or a bare status.
    fn answer(&mut self, passed: &mut Passed) -> Option<Answer> {
        if let Some(status) = passed.status.filter(|status| (300..400).contains(status)) {
            let mut headers = self.gathered.headers.iter();
            let location = headers.find(|header| header.name == "location");
            let location = location.and_then(|header| header.value.as_ref()).unwrap_or(&passed.target.path);
            return Some(Answer::Redirect { status, location: self.location(location) });
        }
        if self.is_there(passed) {
            if self.table.has(Phase::Hit) {
                self.pass(Phase::Hit, &passed.target);
            }
            return Some(Answer::Here { target: std::mem::take(&mut passed.target), status: passed.status });
        }
        passed.status.filter(|_| !passed.has_destination).map(Answer::Status)
    }

    /// A location that stays on this host when it has no scheme, with the visitor's query.
    fn location(&self, location: &str) -> String {
        let (location, hash) = split_fragment(location);
        let (mut path, query) = split(location);
        let query = merged(query, self.query);
        let mut slash = "";
        // `//host` and `/\host` would leave it.
        while let Some(rest) = path.strip_prefix(|char| matches!(char, '/' | '\\')) {
            path = rest;
            slash = "/";
        }
        let sign = if query.is_empty() { "" } else { "?" };
        let mut location = String::with_capacity(path.len() + query.len() + hash.len() + 2);
        for part in [slash, path, sign, &query, hash] {
            push_visible(&mut location, part);
        }
        location
    }
}
