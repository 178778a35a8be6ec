//! Where each header field of an answer comes from.

use super::view::{HeaderSource, HeaderView, RemovedHeader, RuleView};
use super::{Asked, rule_path};
use crate::assets::url_of;
use crate::head::Head;
use crate::path::push_encoded;
use crate::routed_site::trail_of;
use crate::rules::canonical_path;
use crate::rules::headers::State;
use crate::rules::route_table::RouteTable;

/// What one rule says of a field: its value, or that it goes; routes say only that they speak of it.
struct Said {
    name: String,
    rule: Option<RuleView>,
    value: Option<String>,
    removes: bool,
}

/// The fields of an answer with `path` as its file, and those that rules took away.
pub fn told(
    head: &Head<'_>,
    asked: Option<&Asked<'_, '_>>,
    path: Option<&str>,
) -> (Vec<HeaderView>, Vec<RemovedHeader>) {
    let said = asked.map(|asked| said(asked, path)).unwrap_or_default();
    let mut headers = Vec::new();
    head.for_each_header(|name, value| {
        let rules = rules_of(&said, name, Some(value));
        let source = if rules.is_some() { HeaderSource::Rule } else { without_rules(name, value) };
        headers.push(HeaderView {
            name: name.to_owned(),
            value: value.to_owned(),
            source,
            rules: rules.unwrap_or_default(),
        });
    });
    let mut removed: Vec<RemovedHeader> = Vec::new();
    for Said { name, .. } in said.iter().filter(|said| said.removes) {
        let is_there =
            headers.iter().any(|header| header.name == *name) || removed.iter().any(|known| known.name == *name);
        if !is_there && let Some(rules) = rules_of(&said, name, None) {
            removed.push(RemovedHeader { name: name.clone(), rules });
        }
    }
    (headers, removed)
}

/// The rules that made `value` of a field, or that removed it; `None` when none did.
fn rules_of(said: &[Said], name: &str, value: Option<&str>) -> Option<Vec<RuleView>> {
    let of_name = said.iter().filter(|said| said.name == name && said.removes == value.is_none());
    let made = of_name.filter(|said| match (&said.value, value) {
        // Rules add to each other's values.
        (Some(part), Some(value)) => value.contains(part.as_str()),
        _ => true,
    });
    let mut rules = Vec::new();
    let mut any = false;
    for Said { rule, .. } in made {
        any = true;
        rules.extend(rule.clone().filter(|rule| !rules.contains(rule)));
    }
    any.then_some(rules)
}

fn said(asked: &Asked<'_, '_>, path: Option<&str>) -> Vec<Said> {
    let (site, mut said) = (asked.site, Vec::new());
    let mut paths = vec![rule_path(asked.request)];
    if let Some(path) = path {
        let mut url = String::new();
        push_encoded(&mut url, &url_of(site, path));
        paths.push(canonical_path(&url).into_owned());
    }
    paths.dedup();
    if let Some(rules) = site.header_rules() {
        let host = asked.request.host_name().to_ascii_lowercase();
        for (line, fields) in paths.iter().flat_map(|path| rules.matching(&host, path)) {
            let rule = line.map(RuleView::from);
            said.extend(fields.iter().map(|(name, state)| {
                let value = match state {
                    State::Removed => None,
                    State::Set(value) => Some(value.as_str().to_owned()),
                };
                Said { name: name.to_owned(), rule: rule.clone(), removes: value.is_none(), value }
            }));
        }
    }
    if let Some(table) = site.routes() {
        push_routes(&mut said, table, &asked.trail());
    }
    if let Some(table) = site.file_headers() {
        let file = path.map_or_else(|| rule_path(asked.request), str::to_owned);
        push_routes(&mut said, table, &trail_of(table, &file));
    }
    said
}

fn push_routes(said: &mut Vec<Said>, table: RouteTable<'_>, trail: &[u16]) {
    for route in trail {
        let (line, names) = table.told(*route);
        let rule = line.map(RuleView::from);
        said.extend(names.into_iter().map(|name| Said {
            name: name.to_owned(),
            rule: rule.clone(),
            value: None,
            removes: false,
        }));
    }
}

/// Where a field comes from that no rule speaks of.
fn without_rules(name: &str, value: &str) -> HeaderSource {
    match name {
        "content-type" | "etag" | "last-modified" | "content-length" | "link" => HeaderSource::File,
        "cache-control" if value.contains("immutable") => HeaderSource::File,
        "content-encoding" | "content-range" | "vary" | "location" | "allow" => HeaderSource::Request,
        "x-robots-tag" | "x-miaobu-deployment" => HeaderSource::Record,
        _ => HeaderSource::Default,
    }
}
