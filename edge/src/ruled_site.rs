//! Answers of a static project whose site has rules: redirects and rewrites, a peer's route table, header rules.
//!
//! The order is: rules that are forced, files, all other rules, then what answers for a missing file. With a route table,
//! its phases stand in the place of the files.

use std::borrow::Cow;

use crate::answer;
use crate::assets::{self, Asset};
use crate::decision::{Decision, Serve};
use crate::head::{Head, NO_STORE, REVALIDATE, Source};
use crate::origin::Origin;
use crate::path::{Path, push_query};
use crate::proxy;
use crate::record::Kind;
use crate::request::Request;
use crate::routed_site;
use crate::rules::canonical_path;
use crate::rules::headers::{HeaderValue, State};
use crate::rules::redirects::{Found, Match, RuleRequest, Varies, location, visitor_country, visitor_language};
use crate::scan::cut;
use crate::site::format;
use crate::static_site::{Answering, share};

pub fn decide<'a>(answering: &Answering<'_, 'a>, path: &Path<'a>) -> Decision<'a> {
    let site = answering.site;
    let first = site.has_flag(format::FLAG_REDIRECTS_FIRST);
    let mut found = None;
    if site.redirects().is_some_and(|redirects| first || redirects.any_forced()) {
        let asked = find(answering, path);
        if let Some(rule) = asked.rule.as_ref().filter(|rule| rule.force || first)
            && let Some(decision) = apply(answering, rule, path)
        {
            return dress(answering, decision.because(Origin::Redirects(rule.line)), Own::Rewritten, asked.varies);
        }
        found = Some(asked);
    }
    if site.has_routes() {
        return routed_site::decide(answering, path, found);
    }
    files(answering, path, found)
}

/// The answer when files come before all rules that are left.
pub fn files<'a>(answering: &Answering<'_, 'a>, path: &Path<'a>, found: Option<Found>) -> Decision<'a> {
    let varies = found.as_ref().map_or_else(Varies::default, |found| found.varies);
    match answering.asset(path) {
        Some(decision) => dress(answering, decision, Own::File, varies),
        None => absent(answering, path, found),
    }
}

/// The answer to a path where no file is: by a rule, else the shell or a page for missing files.
pub fn absent<'a>(answering: &Answering<'_, 'a>, path: &Path<'a>, found: Option<Found>) -> Decision<'a> {
    let found = found.unwrap_or_else(|| find(answering, path));
    let by_rule = |rule: &Match| Some(apply(answering, rule, path)?.because(Origin::Redirects(rule.line)));
    let decision = found.rule.as_ref().and_then(by_rule);
    let (decision, own) = match decision {
        Some(decision) => (decision, Own::Rewritten),
        None => (answering.missing(path), Own::Fallback),
    };
    dress(answering, decision, own, found.varies)
}

pub fn find(answering: &Answering<'_, '_>, path: &Path<'_>) -> Found {
    let Some(redirects) = answering.site.redirects() else {
        return Found::default();
    };
    let canonical = canonical_path(answering.request.path());
    let mut request = rule_request(answering, &canonical);
    if redirects.any_conditional() {
        know_visitor(answering.request, &mut request);
    }
    answering.site.find_redirect(&path.key, &request)
}

/// Makes out who asks.
#[inline(never)]
fn know_visitor<'r>(request: &'r Request<'_>, rule_request: &mut RuleRequest<'r>) {
    let cookies = request.cookies.unwrap_or_default();
    rule_request.cookies = cookies;
    rule_request.country = visitor_country(cookies, request.country);
    rule_request.language = visitor_language(cookies, request.accept_language.unwrap_or_default());
}

fn rule_request<'r>(answering: &'r Answering<'_, '_>, path: &'r str) -> RuleRequest<'r> {
    let request = answering.request;
    RuleRequest {
        secure: request.secure,
        host: request.host_name(),
        path,
        query: request.query(),
        // Nobody vouches for roles: no rule that asks for one applies.
        ..RuleRequest::default()
    }
}

/// Carries a rule out; `None` when it leads to where the request is, which must not go on for ever.
fn apply<'a>(answering: &Answering<'_, 'a>, rule: &Match, path: &Path<'a>) -> Option<Decision<'a>> {
    let request = answering.request;
    if (300..400).contains(&rule.status) {
        let own = canonical_path(request.path());
        let location = location(rule, &rule_request(answering, &own));
        return (location != request.target).then(|| redirect(answering, rule.status, location));
    }
    if rule.external {
        let passes = (200..300).contains(&rule.status);
        return Some(if passes { pass(answering, &rule.target) } else { missing(answering, path, rule.status) });
    }
    let (target, query) = cut(cut(&rule.target, b'#').0, b'?');
    Some(rewrite(answering, path, (target, query.unwrap_or("")), rule.status))
}

/// A redirect that a rule made. Deployments change their minds, so it has to be asked for again.
pub fn redirect<'a>(answering: &Answering<'_, 'a>, status: u16, location: String) -> Decision<'a> {
    let mut head = answering.context.head(status, Source::None);
    head.cache = Some(REVALIDATE);
    head.content_length = Some(0);
    head.location = Some(location);
    Decision::Redirect(head)
}

/// Passes the request on to a URL, with the visitor's query unless it has its own.
#[inline(never)]
pub fn pass<'a>(answering: &Answering<'_, 'a>, target: &str) -> Decision<'a> {
    let mut url = String::with_capacity(target.len());
    // A route puts parts of the request into its target as they came.
    push_query(&mut url, cut(target, b'#').0);
    if cut(&url, b'?').1.is_none() {
        push_query(&mut url, answering.request.query());
    }
    proxy::pass(answering.context, answering.request, url, true)
}

/// Answers with what is under another path of the site.
pub fn rewrite<'a>(
    answering: &Answering<'_, 'a>,
    path: &Path<'a>,
    (raw, query): (&str, &str),
    status: u16,
) -> Decision<'a> {
    let target = Path::read(raw);
    let site = answering.site;
    if let Some(shard) = site.wanted_shard(&target.key, false) {
        return Decision::Shard(shard);
    }
    if answering.site.has_flag(format::FLAG_REDIRECTS_FIRST)
        && let Asset::Elsewhere(stem, ending) = assets::resolve(site, &target.key)
    {
        return answering.redirect(stem, ending);
    }
    match assets::stored(site, &target.key) {
        None if answering.record.kind != Kind::Static => {
            let query = if query.is_empty() { cut(answering.request.query(), b'?').1.unwrap_or("") } else { query };
            let sign = if query.is_empty() { "" } else { "?" };
            let target = [raw, sign, query].concat();
            proxy::to_function(answering.context, answering.record, answering.request, &target)
        }
        None => missing(answering, path, 404),
        Some(_) if !answering.request.method.reads() => answering.only_read(),
        Some((stem, class, file)) => {
            // Where the rule leads to the path itself, its bytes can be named by the request.
            let stem = if path.key == target.key { share(path, stem) } else { Cow::Owned(stem.to_owned()) };
            let cache = if status < 300 { None } else { Some(NO_STORE) };
            answering.serve(status, cache, stem, class, file)
        }
    }
}

/// The page for missing files, or for another status that has no page of its own.
pub fn missing<'a>(answering: &Answering<'_, 'a>, path: &Path<'a>, status: u16) -> Decision<'a> {
    if status < 400 || status == 404 {
        return answering.not_found(path);
    }
    answer::status(answering.context, status)
}

/// How an answer is related to the path of its request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// It is what is there.
    File,
    /// A rule put it there.
    Rewritten,
    /// It stands in for what is not there.
    Fallback,
}

/// Adds what header rules and conditions make of an answer.
pub fn dress<'a>(answering: &Answering<'_, 'a>, mut decision: Decision<'a>, own: Own, varies: Varies) -> Decision<'a> {
    let site = answering.site;
    let folded = matches!(&decision, Decision::Serve(Serve { head, .. }) | Decision::NotModified(head)
        if matches!(head.source, Source::Site(..)));
    let is_redirect = matches!(decision, Decision::Redirect(_));
    let Some(head) = decision.head_mut() else {
        return decision;
    };
    head.visitor = varies;
    if varies.country {
        // No header tells a country, so no cache but the visitor's own can know whom the answer is for.
        head.cache = Some(if head.status >= 400 { NO_STORE } else { "private, max-age=0, must-revalidate" });
    }
    if folded && own == Own::File && !site.has_flag(format::FLAG_HEADERS_AT_RUN_TIME) {
        return decision;
    }
    if let Some(rules) = site.header_rules() {
        let path = canonical_path(answering.request.path());
        let host = answering.request.host_name();
        let host = if rules.look_at_hosts() { host.to_ascii_lowercase() } else { String::new() };
        let fields = rules.fields(&host, &path);
        for (name, state) in fields.iter() {
            let value = match state {
                State::Removed => None,
                State::Set(value) => Some(value.as_str().to_owned()),
            };
            change(head, own, is_redirect, Cow::Borrowed(name), value);
        }
    }
    if !folded && site.has_file_headers() {
        for header in routed_site::file_headers(answering) {
            change(head, own, is_redirect, Cow::Owned(header.name), header.value);
        }
    }
    decision
}

/// Changes one header of an answer, unless that would let something be kept that stands in for something else.
pub fn change<'a>(head: &mut Head<'a>, own: Own, is_redirect: bool, name: Cow<'a, str>, value: Option<String>) {
    if name == "cache-control" {
        if is_redirect && head.status < 400 {
            head.cache = None;
        } else if own != Own::File {
            return;
        }
    }
    // The conditions of the request have been held against these already.
    if matches!(&*name, "etag" | "last-modified" | "accept-ranges") {
        return;
    }
    let value = value.filter(|value| HeaderValue::parse(value).is_some());
    // One answer may set several cookies.
    if value.is_none() || name != "set-cookie" {
        head.changes.retain(|(known, _)| *known != name);
    }
    head.changes.push((name, value));
}

#[cfg(all(test, feature = "build"))]
mod tests;
