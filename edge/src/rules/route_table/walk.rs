//! One request through all phases.

use super::pass::{Passed, RouteRequest, Surroundings};
use super::query::{merged, split};
use super::reader::RouteTable;
use super::template::push_visible;
use super::transform::Transform;
use super::{Header, Phase, Target};
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

/// What came of the routes.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// Who answers.
    pub answer: Answer,
    /// Headers that routes set, lower-case names; `location` is in the answer.
    pub headers: Vec<Header>,
    /// Changes of the request that a function gets.
    pub request_transforms: Vec<Transform<'a>>,
    /// Changes of the answer.
    pub response_transforms: Vec<Transform<'a>>,
}

impl<'a> RouteTable<'a> {
    /// Sends a request through the phases: routes before the files, files, routes behind them, the error phase; with the
    /// miss or hit phase after each look at the files.
    #[must_use]
    pub fn walk(
        self,
        target: &Target,
        request: &RouteRequest<'_>,
        files: &dyn Files,
        budget: &mut Budget,
    ) -> Outcome<'a> {
        let mut walk = Walk {
            table: self,
            files,
            visitor_query: target.query.clone(),
            request_transforms: Vec::new(),
            response_transforms: Vec::new(),
        };
        let surroundings = &mut Surroundings { request, files: Some(files), budget };
        let (answer, headers) = walk.go(target.clone(), surroundings);
        Outcome {
            answer,
            headers: headers.into_iter().filter(|header| header.name != "location").collect(),
            request_transforms: walk.request_transforms,
            response_transforms: walk.response_transforms,
        }
    }
}

type Headers = Vec<Header>;

struct Walk<'w, 'a> {
    table: RouteTable<'a>,
    files: &'w dyn Files,
    visitor_query: String,
    request_transforms: Vec<Transform<'a>>,
    response_transforms: Vec<Transform<'a>>,
}

impl<'a> Walk<'_, 'a> {
    fn go(&mut self, mut target: Target, surroundings: &mut Surroundings<'_, '_>) -> (Answer, Headers) {
        let mut headers = Headers::new();
        let mut passed = Passed::default();
        for phase in [Phase::Start, Phase::Filesystem] {
            passed = self.pass(phase, &target, &headers, surroundings);
            if passed.changed && !passed.found {
                target = passed.target.clone();
                headers.clone_from(&passed.headers);
            }
            if passed.is_url {
                let (url, query) = split(&passed.target.path);
                let query = merged(query, &passed.target.query);
                let sign = if query.is_empty() { "" } else { "?" };
                return (Answer::Elsewhere { url: [url, sign, &query].concat() }, passed.headers);
            }
            let mut is_there = self.is_there(&passed);
            if let Some(answer) = self.exit(is_there, &passed) {
                return (answer, passed.headers);
            }
            if is_there {
                if self.table.has(Phase::Hit) {
                    let hit = self.pass(Phase::Hit, &passed.target, &passed.headers, surroundings);
                    passed.headers = hit.headers;
                }
            } else if self.table.has(Phase::Miss) {
                passed = self.pass(Phase::Miss, &passed.target, &passed.headers, surroundings);
                is_there = self.is_there(&passed);
                if let Some(answer) = self.exit(is_there, &passed) {
                    return (answer, passed.headers);
                }
            }
            if is_there {
                return (Answer::Here { target: passed.target, status: passed.status }, passed.headers);
            }
            if !self.table.has(Phase::Filesystem) {
                break;
            }
        }
        if self.table.has(Phase::Error) {
            let error = self.pass(Phase::Error, &passed.target, &passed.headers, surroundings);
            if self.is_there(&error) {
                return (Answer::Here { target: error.target, status: error.status }, error.headers);
            }
            if error.found
                && !error.has_destination
                && let Some(answer) = self.exit(false, &error)
            {
                return (answer, error.headers);
            }
        }
        (Answer::Missing { target: passed.target, status: passed.status }, passed.headers)
    }

    fn pass(
        &mut self,
        phase: Phase,
        target: &Target,
        headers: &[Header],
        surroundings: &mut Surroundings<'_, '_>,
    ) -> Passed<'a> {
        let mut passed = self.table.pass_with(phase, target, headers, surroundings);
        self.request_transforms.append(&mut passed.request_transforms);
        if let Some(transforms) = passed.response_transforms.take() {
            self.response_transforms = transforms;
        }
        passed
    }

    fn is_there(&self, passed: &Passed<'_>) -> bool {
        self.files.contains(split(&passed.target.path).0)
    }

    /// The answer of a route that sets a status and needs nothing further.
    fn exit(&self, is_there: bool, passed: &Passed<'_>) -> Option<Answer> {
        let status = passed.status?;
        if (300..400).contains(&status) {
            let location = passed.headers.iter().find(|header| header.name == "location");
            let location = location.and_then(|header| header.value.as_ref()).unwrap_or(&passed.target.path);
            return Some(Answer::Redirect { status, location: self.location(location) });
        }
        (!is_there && !passed.has_destination).then_some(Answer::Status(status))
    }

    /// A location that stays on this host when it has no scheme, with the visitor's query.
    fn location(&self, location: &str) -> String {
        let (location, hash) = match location.find('#').and_then(|at| location.split_at_checked(at)) {
            Some((location, hash)) => (location, hash),
            None => (location, ""),
        };
        let (path, query) = location.split_once('?').unwrap_or((location, ""));
        let query = merged(query, &self.visitor_query);
        let sign = if query.is_empty() { "" } else { "?" };
        let path = if path.starts_with(['/', '\\']) {
            // `//host` and `/\host` would leave it.
            ["/", path.trim_start_matches(['/', '\\'])].concat()
        } else {
            path.to_owned()
        };
        let mut location = String::with_capacity(path.len() + query.len() + hash.len() + 1);
        for part in [&path, sign, &query, hash] {
            push_visible(&mut location, part);
        }
        location
    }
}
