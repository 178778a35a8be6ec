//! Why a request gets the answer it gets: the finished decision, and where each part of it comes from.
//!
//! The decision is the one that [`decide`] makes; what is told beside it is looked up again in the same
//! site. Nothing here is in the routine.

mod headers;
mod view;

pub use view::{Explanation, FileView, HeaderSource, HeaderView, Outcome, RecordView, RemovedHeader, RuleView, Step};

use crate::decision::{Candidate, Context, Decision, Lookup, ObjectKey, Serve, Settings, decide};
use crate::head::Head;
use crate::origin::Origin;
use crate::path::Path;
use crate::record::{KeyEncoding, RouteRecord, key};
use crate::request::Request;
use crate::routed_site;
use crate::ruled_site;
use crate::rules::regex::Budget;
use crate::rules::route_table::{Gathered, RouteTable};
use crate::rules::source_line::{self, SourceLine};
use crate::site::Site;
use crate::static_site::Answering;

/// Decides `request` and tells why.
#[must_use]
pub fn explain<'a>(lookup: &Lookup<'a>, request: &Request<'a>, settings: &Settings) -> Explanation {
    let decision = decide(lookup, request, settings);
    let site = match *lookup {
        Lookup::Found { record, site: Some(site) } => Some(Asked { lookup, record, site, request, settings }),
        _ => None,
    };
    let mut told = Explanation { record: record_of(lookup, request), ..Explanation::default() };
    told.fill(&decision, site.as_ref());
    if let (Lookup::Unknown | Lookup::Unavailable | Lookup::Damaged, _) = (lookup, &told) {
        told.step = Step::Record;
    }
    told
}

fn record_of(lookup: &Lookup<'_>, request: &Request<'_>) -> Option<RecordView> {
    let Lookup::Found { record, .. } = lookup else { return None };
    Some(RecordView {
        key: key(request.host, KeyEncoding::Plain),
        kind: record.kind.name(),
        project_slug: record.project_slug.clone(),
        deployment_id: record.deployment_id,
        commit_sha: record.commit_sha.clone(),
        updated_at: record.updated_at.clone(),
        site: record.site.clone(),
        noindex: record.noindex,
    })
}

/// A request for a site, as everything here looks at it.
pub(crate) struct Asked<'l, 'a> {
    lookup: &'l Lookup<'a>,
    record: &'a RouteRecord,
    pub site: &'a Site,
    pub request: &'l Request<'a>,
    settings: &'l Settings,
}

impl<'a> Asked<'_, 'a> {
    fn answering<T>(&self, look: impl FnOnce(&Answering<'_, 'a>) -> T) -> T {
        let context = Context::of(self.lookup, self.request, self.settings);
        look(&Answering { context: &context, record: self.record, site: self.site, request: self.request })
    }

    /// What the request gathers on its way through a table.
    fn gathered(&self, table: RouteTable<'a>) -> Gathered<'a> {
        let files = routed_site::Known::of(self.site);
        self.answering(|answering| routed_site::walk(answering, table, &files, &mut Budget::default()).1)
    }

    /// The routes that the request matched on its way.
    fn trail(&self) -> Vec<u16> {
        self.site.routes().map(|table| self.gathered(table).trail).unwrap_or_default()
    }
}

impl Explanation {
    fn fill(&mut self, decision: &Decision<'_>, asked: Option<&Asked<'_, '_>>) {
        match decision {
            Decision::Serve(Serve { head, object, size, range, with_body }) => {
                self.outcome = Outcome::Serve;
                self.file = Some(FileView {
                    size: *size,
                    range: range.map(|range| [range.start, range.end]),
                    with_body: *with_body,
                    ..file(object)
                });
                self.head(head, asked);
            }
            Decision::NotModified(head) => {
                self.outcome = Outcome::NotModified;
                self.head(head, asked);
            }
            Decision::Redirect(head) => {
                self.outcome = Outcome::Redirect;
                self.head(head, asked);
            }
            Decision::Refuse { head, .. } => {
                self.outcome = Outcome::Refuse;
                self.head(head, asked);
            }
            Decision::Proxy(proxy) => {
                self.outcome = Outcome::Proxy;
                self.proxied_to = Some(proxy.url.clone());
                self.head(&proxy.head, asked);
                // The function says it.
                self.status = None;
                if self.step == Step::Platform {
                    self.step = Step::Function;
                }
            }
            // Callers give a site the shards that its decisions want first.
            Decision::Shard(_) => {}
            Decision::Probe(probe) => {
                self.outcome = Outcome::Probe;
                self.step = Step::Probe;
                let keys = probe.candidates.iter().map(|Candidate { object, .. }| object.key());
                self.candidates = keys.collect();
            }
            // Nothing was sent that could be read.
            Decision::ReadForm { .. } => self.outcome = Outcome::Refuse,
        }
    }

    fn head(&mut self, head: &Head<'_>, asked: Option<&Asked<'_, '_>>) {
        self.status = Some(head.status);
        self.location.clone_from(&head.location);
        self.step = Step::from(head.origin);
        if let Some(asked) = asked {
            self.rules(head.origin, asked);
        }
        let path = self.file.as_ref().map(|file| file.path.as_str());
        (self.headers, self.removed_headers) = headers::told(head, asked, path);
    }

    fn rules(&mut self, origin: Origin, asked: &Asked<'_, '_>) {
        let matched =
            asked.answering(|answering| ruled_site::find(answering, &Path::read(answering.request.path()))).rule;
        match origin {
            Origin::Redirects(line) => self.rules.extend(source_line::read(line).map(RuleView::from)),
            Origin::Routes => {
                let Some(table) = asked.site.routes() else { return };
                // Only what leads somewhere: routes that set headers are told with these.
                let leading = asked.trail().into_iter().filter(|route| table.leads(*route));
                let lines = leading.filter_map(|route| table.told(route).0);
                lines.for_each(|line| self.add(line));
            }
            Origin::GivenUp => {
                let Some(table) = asked.site.routes() else { return };
                let slow = asked.gathered(table).slow;
                slow.and_then(|route| table.told(route).0).into_iter().for_each(|line| self.add(line));
            }
            _ => {}
        }
        if let Some(rule) = matched
            && origin != Origin::Redirects(rule.line)
        {
            self.passed_over = source_line::read(rule.line).map(RuleView::from);
        }
    }

    fn add(&mut self, line: SourceLine) {
        let rule = RuleView::from(line);
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }
}

fn file(object: &ObjectKey<'_>) -> FileView {
    FileView {
        path: [&object.stem, object.suffix].concat(),
        key: object.key(),
        coding: object.coding.map(|coding| coding.name()),
        ..FileView::default()
    }
}

/// The path of a request as rules see it.
pub(crate) fn rule_path(request: &Request<'_>) -> String {
    crate::rules::canonical_path(request.path()).into_owned()
}

/// The decoded path of a request, under which files are looked up.
#[must_use]
pub fn file_path(target: &str) -> String {
    Path::read(target.split('?').next().unwrap_or(target)).key.into_owned()
}

#[cfg(all(test, feature = "build"))]
mod tests;
