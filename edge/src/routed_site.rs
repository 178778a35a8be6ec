//! Answers of a site with a route table: a vercel.json, firebase.json or serve.json decides, in its phases.

use std::borrow::Cow;
use std::cell::Cell;

use crate::answer;
use crate::assets;
use crate::decision::Decision;
use crate::origin::Origin;
use crate::path::{Path, push_query};
use crate::ruled_site::{Own, absent, change, dress, files, missing, pass, redirect, rewrite};
use crate::rules::canonical_path;
use crate::rules::headers::HeaderName;
use crate::rules::redirects::{Found, Varies};
use crate::rules::regex::Budget;
use crate::rules::route_table::{Answer, Files, Gathered, Header, Phase, RouteRequest, RouteTable, Target};
use crate::site::Site;
use crate::static_site::Answering;
use crate::text::contains;

/// The files of a site, and the shard that it took to know whether one is there.
pub struct Known<'s> {
    site: &'s Site,
    wanted: Cell<Option<u32>>,
}

impl<'s> Known<'s> {
    /// The files of a site of which no shard was wanted yet.
    pub fn of(site: &'s Site) -> Self {
        Self { site, wanted: Cell::new(None) }
    }
}

impl Files for Known<'_> {
    fn contains(&self, path: &str) -> bool {
        let path = Path::read(path);
        self.wanted.set(self.wanted.get().or_else(|| self.site.wanted_shard(&path.key, false)));
        assets::stored(self.site, &path.key).is_some()
    }
}

#[inline(never)]
pub fn decide<'a>(answering: &Answering<'_, 'a>, path: &Path<'a>, found: Option<Found>) -> Decision<'a> {
    let Some(routes) = answering.site.routes() else {
        return files(answering, path, found);
    };
    let known = Known::of(answering.site);
    let mut budget = Budget::default();
    let (answer, gathered) = walk(answering, routes, &known, &mut budget);
    if let Some(shard) = known.wanted.get() {
        return Decision::Shard(shard);
    }
    if budget.exceeded() {
        // Nobody knows whether the route applies, and it may be there to keep visitors out.
        return answer::given_up(answering.context).because(Origin::GivenUp);
    }
    let own_path = canonical_path(answering.request.path());
    let own = match &answer {
        Answer::Here { target: here, .. } if here.path == own_path => Own::File,
        Answer::Here { .. } | Answer::Elsewhere { .. } | Answer::Redirect { .. } => Own::Rewritten,
        Answer::Status(_) | Answer::Missing { .. } => Own::Fallback,
    };
    let varies = found.as_ref().map_or_else(Varies::default, |found| found.varies);
    let decision = match answer {
        // Rules for CORS answer so to OPTIONS.
        Answer::Here { status: Some(204), .. } | Answer::Missing { status: Some(204), .. } | Answer::Status(204) => {
            answer::no_content(answering.context).because(Origin::Routes)
        }
        Answer::Here { target: here, status: None } if here.path == own_path => match answering.asset(path) {
            Some(decision) => decision,
            None => answer::not_found(answering.context),
        },
        Answer::Here { target, status } => {
            rewrite(answering, path, (&target.path, &target.query), status.unwrap_or(200)).because(Origin::Routes)
        }
        Answer::Elsewhere { url } => pass(answering, &url).because(Origin::Routes),
        Answer::Redirect { status, location } => redirect(answering, status, location).because(Origin::Routes),
        // A route that says 404 means it, whatever would stand in for a missing page.
        Answer::Status(status) | Answer::Missing { status: Some(status), .. } if status >= 400 => {
            missing(answering, path, status).because(Origin::Routes)
        }
        Answer::Status(_) | Answer::Missing { .. } => absent(answering, path, found),
    };
    let mut decision = dress(answering, decision, own, varies);
    let is_redirect = matches!(decision, Decision::Redirect(_));
    if let Some(head) = decision.head_mut() {
        // The author of a rewrite names the path it leads to, and so what may be kept.
        let own = if own == Own::Fallback { own } else { Own::File };
        for Header { name, value } in gathered.headers {
            if HeaderName::parse(&name).is_some_and(|name| !name.is_forbidden()) {
                change(head, own, is_redirect, Cow::Owned(name), value);
            }
        }
    }
    decision
}

/// The redirect of a path with two slashes in a row.
#[inline(never)]
pub fn single_slashes<'a>(answering: &Answering<'_, 'a>) -> Option<Decision<'a>> {
    let path = canonical_path(answering.request.path());
    if !contains(&path, "//") || !answering.request.method.reads() {
        return None;
    }
    let mut location = String::with_capacity(path.len());
    for char in path.chars() {
        if char != '/' || !location.ends_with('/') {
            location.push(char);
        }
    }
    push_query(&mut location, answering.request.query());
    Some(redirect(answering, 301, location))
}

/// Sends the request through the table.
pub fn walk<'t>(
    answering: &Answering<'_, '_>,
    routes: RouteTable<'t>,
    files: &dyn Files,
    budget: &mut Budget,
) -> (Answer, Gathered<'t>) {
    let request = answering.request;
    let target = Target {
        path: canonical_path(request.path()).into_owned(),
        query: request.query().trim_start_matches('?').to_owned(),
    };
    let field = |name: &str| request.field(name);
    let asked = RouteRequest { method: request.method_name(), host: request.host, field: &field };
    routes.walk(&target, &asked, files, budget)
}

/// What routes for files say about a path where no file is.
#[inline(never)]
pub fn file_headers(answering: &Answering<'_, '_>) -> Vec<Header> {
    let path = canonical_path(answering.request.path());
    answering.site.file_headers().map_or_else(Vec::new, |table| headers_of(table, &path))
}

/// The headers that a table of header routes gives to a path.
pub fn headers_of(table: RouteTable<'_>, path: &str) -> Vec<Header> {
    let allowed = |header: &Header| HeaderName::parse(&header.name).is_some_and(|name| !name.is_forbidden());
    gathered_by(table, path).headers.into_iter().filter(allowed).collect()
}

/// The routes of such a table that match a path, by their numbers.
#[cfg(feature = "explain")]
pub fn trail_of(table: RouteTable<'_>, path: &str) -> Vec<u16> {
    gathered_by(table, path).trail
}

fn gathered_by<'t>(table: RouteTable<'t>, path: &str) -> Gathered<'t> {
    let target = Target { path: path.to_owned(), query: String::new() };
    let request = RouteRequest { method: "GET", host: "", field: &|_| None };
    let mut gathered = Gathered::default();
    table.pass(Phase::Start, &target, &mut gathered, &request, None, &mut Budget::default());
    gathered
}
