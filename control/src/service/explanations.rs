//! Why a request to a project's hostname gets the answer it gets.

use std::sync::Arc;

use miaobu_edge::explain::{Explanation, explain};
use miaobu_edge::record::{KeyEncoding, RouteRecord, key, site_object};
use miaobu_edge::variants::{choose, has_hashed, misses};
use miaobu_edge::{Lookup, Method, Request, Settings, Site, SiteError};

use super::guards::Guards;
use super::{Context, Error, Problem, ProjectRef, Result, projects, routes};
use crate::domain::Actor;
use crate::provider::ObjectKey;
use crate::store::hostnames;

/// A request to be explained.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// The whole URL, as the visitor wrote it.
    pub url: String,
    /// The method.
    pub method: String,
    /// Header fields in the order sent.
    pub headers: Vec<(String, String)>,
    /// Where the visitor is, two letters.
    pub country: Option<String>,
}

/// Explanations of answers.
#[derive(Debug, Clone)]
pub struct Explanations {
    context: Arc<Context>,
}

impl Explanations {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Tells what the edge answers to a request, and why: the core decides it on the record and the site blob that the
    /// hostname should have now. Of several deployments it is the one that the request's pin, cookie or key leads to; without
    /// any of them, the one that is active.
    ///
    /// Fails with a problem at `/url` when that is no http or https URL, and as not found when its host is no hostname of
    /// a project of the actor.
    pub async fn explain(&self, actor: &Actor, question: Question) -> Result<Explanation> {
        let Some(url) = Url::parse(&question.url) else {
            let detail = format!("{:?} is no http or https URL", question.url);
            return Err(Error::Invalid {
                problems: vec![Problem { pointer: "/url".to_owned(), code: "invalid_url", detail }],
            });
        };
        let record = self.record(actor, url.host).await?;
        let fields = joined(&question.headers);
        let mut request = Request::new(Method::parse(&question.method), url.host, &url.target);
        request.secure = url.secure;
        request.country = question.country.as_deref();
        request.now = u64::try_from(self.context.now().timestamp()).ok();
        for (name, value) in &fields {
            request.header(name, value);
        }
        let (record, site) = match record {
            Some(record) => self.chosen(record, &request).await?,
            None => (None, None),
        };
        let lookup = match (&record, &site) {
            (None, _) => Lookup::Unknown,
            (Some(_), Some(Err(_))) => Lookup::Damaged,
            (Some(record), Some(Ok(site))) => Lookup::Found { record, site: Some(site) },
            (Some(record), None) => Lookup::Found { record, site: None },
        };
        let named: Vec<&str> = site.iter().flatten().flat_map(|site| site.field_names()).collect();
        for (name, value) in fields.iter().filter(|(name, _)| named.contains(&name.as_str())) {
            request.named_field(name, value);
        }
        Ok(explain(&lookup, &request, &Settings::default()))
    }

    /// The record that a hostname should have; `None` where it leads nowhere.
    async fn record(&self, actor: &Actor, host: &str) -> Result<Option<RouteRecord>> {
        let host = key(host, KeyEncoding::Plain);
        let base = self.context.settings.base_domain.as_str();
        let label = host.strip_suffix(base).and_then(|rest| rest.strip_suffix('.'));
        let mut session = self.context.db.read().await?;
        let name = label.unwrap_or(&host);
        let owner = hostnames::owner(&mut session, name).await?.ok_or(Error::NotFound)?;
        let project = projects::find(&mut session, actor, &ProjectRef::Id(owner)).await?;
        let routes = hostnames::list_routes(&mut session, project.id).await?;
        let kind = if label.is_some() { "platform" } else { "custom" };
        let route = routes.iter().find(|route| route.name == name && route.kind == kind).ok_or(Error::NotFound)?;
        let guards = Guards::read(&mut session, project.id, self.context.now()).await?;
        Ok(routes::record_of(&project.slug, route).map(|record| guards.add_to(record, route)))
    }

    /// The deployment that a request gets of those that a record leads to.
    async fn chosen(
        &self,
        record: RouteRecord,
        request: &Request<'_>,
    ) -> Result<(Option<RouteRecord>, Option<Stored>)> {
        let (first, second) = match choose(&record, request).and_then(|number| record.variant(number)) {
            Some(variant) => (variant, Some(record)),
            None => {
                let variant = record.variant(0);
                (record, variant)
            }
        };
        let site = self.site(&first).await?;
        if let (Some(Ok(own)), Some(second)) = (&site, second)
            && misses(&first, own, request)
        {
            let other = self.site(&second).await?;
            if matches!(&other, Some(Ok(other)) if has_hashed(other, request)) {
                return Ok((Some(second), other));
            }
        }
        Ok((Some(first), site))
    }

    async fn site(&self, record: &RouteRecord) -> Result<Option<Stored>> {
        let blob = if record.site.is_some() { self.blob(record).await? } else { None };
        Ok(blob.map(Site::load))
    }

    async fn blob(&self, record: &RouteRecord) -> Result<Option<Vec<u8>>> {
        // The copy beside the files says what the edge key-value store says, which nobody reads back.
        let Ok(key) = ObjectKey::parse(site_object(&record.oss_path)) else { return Ok(None) };
        let Some(object) = self.context.objects.get(&key).await? else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || object.into_bytes()).await;
        Ok(read.ok().and_then(std::result::Result::ok).map(Into::into))
    }
}

/// A site as it is stored.
type Stored = std::result::Result<Site, SiteError>;

/// A URL as a request says it.
struct Url<'u> {
    secure: bool,
    host: &'u str,
    target: String,
}

impl<'u> Url<'u> {
    fn parse(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let rest = rest.split('#').next().unwrap_or(rest);
        let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
        let slash = if target.starts_with('/') { "" } else { "/" };
        is_host.then(|| Self { secure, host, target: [slash, target].concat() })
    }
}

/// Header fields as the core wants them: lower-case names, repeated ones joined.
fn joined(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.push_str(if name == "cookie" { "; " } else { ", " });
                known.push_str(value);
            }
            None => fields.push((name, value.clone())),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_a_browser_sends_it() {
        for (url, expected) in [
            ("http://a.localhost:8787/b?c#d", Some((false, "a.localhost:8787", "/b?c"))),
            ("HTTPS://a.test", Some((true, "a.test", "/"))),
            ("https://a.test?b", Some((true, "a.test", "/?b"))),
            ("https://a.test/b//../c", Some((true, "a.test", "/b//../c"))),
            ("ftp://a.test/", None),
            ("https:///b", None),
            ("https://user@a.test/", None),
            ("/b", None),
        ] {
            let parsed = Url::parse(url);
            let parsed = parsed.as_ref().map(|url| (url.secure, url.host, url.target.as_str()));
            assert_eq!(parsed, expected, "{url}");
        }
    }

    #[test]
    fn repeated_fields_are_joined() {
        let sent = [("Accept", "a"), ("COOKIE", "x=1"), ("accept", "b"), ("Cookie", "y=2")];
        let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = [("accept", "a, b"), ("cookie", "x=1; y=2")];
        assert_eq!(joined(&sent), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
