//! Answers of a static project with a site blob.

use crate::answer;
use crate::assets::{self, Asset};
use crate::content_type::extension;
use crate::decision::{Context, Decision, ObjectKey, Serve};
use crate::head::{NO_STORE, REVALIDATE, Source};
use crate::origin::Origin;
use crate::path::{Path, decoded, push_encoded, push_query, without_leading_slashes};
use crate::record::{Kind, RouteRecord};
use crate::representation::{self, Choice};
use crate::request::{Method, Request};
use crate::site::format::{self, Class, Shell};
use crate::site::{File, Site};
use crate::text::contains;
use crate::{function_site, proxy, routed_site, ruled_site};
use std::borrow::Cow;

pub fn decide<'a>(
    context: &Context<'a>,
    record: &'a RouteRecord,
    site: &'a Site,
    request: &Request<'a>,
) -> Decision<'a> {
    let path = Path::read(request.path());
    let answering = Answering { context, record, site, request };
    if !path.decodes && site.has_flag(format::FLAG_REFUSE_UNDECODABLE) {
        return answer::bad_request(context);
    }
    if !path.canonical
        && site.has_flag(format::FLAG_SINGLE_SLASHES)
        && let Some(decision) = routed_site::single_slashes(&answering)
    {
        return decision;
    }
    if let Some(shard) = site.wanted_shard(&path.key, true) {
        return Decision::Shard(shard);
    }
    if site.has_rules() {
        return ruled_site::decide(&answering, &path);
    }
    answering.asset(&path).unwrap_or_else(|| answering.missing(&path))
}

/// The stem, borrowed from the request where the path is.
pub fn share<'a>(path: &Path<'a>, stem: &str) -> Cow<'a, str> {
    match path.key {
        Cow::Borrowed(key) => key.get(..stem.len()).map_or_else(|| Cow::Owned(stem.to_owned()), Cow::Borrowed),
        Cow::Owned(_) => Cow::Owned(stem.to_owned()),
    }
}

/// A request for a site.
pub struct Answering<'c, 'a> {
    pub context: &'c Context<'a>,
    pub record: &'a RouteRecord,
    pub site: &'a Site,
    pub request: &'c Request<'a>,
}

impl<'a> Answering<'_, 'a> {
    /// What the site's files say about a path; `None` when nothing is there.
    pub fn asset(&self, path: &Path<'a>) -> Option<Decision<'a>> {
        Some(match assets::resolve(self.site, &path.key) {
            Asset::Missing => return None,
            _ if !self.request.method.reads() => self.only_read(),
            Asset::Elsewhere(stem, ending) => self.redirect(stem, ending),
            Asset::File(..) if !path.canonical && !takes_every_spelling(self.site) => self.redirect(&path.key, ""),
            Asset::File(stem, class, file) => self.serve(200, None, share(path, stem), class, file),
        })
    }

    /// The redirect of a path that ends as the name of an index, which is not there.
    #[inline(never)]
    fn index_redirect(&self) -> Option<Decision<'a>> {
        let path = decoded(self.request.path());
        let folder = path.strip_suffix('/').unwrap_or(&path).strip_suffix("index")?;
        let folder = without_leading_slashes(folder.strip_suffix('/')?);
        let stem = if folder.is_empty() { String::new() } else { ["/", folder].concat() };
        Some(self.redirect(&stem, "/"))
    }

    /// The answer of what is there when the method asks for something else than reading it.
    pub fn only_read(&self) -> Decision<'a> {
        match self.request.method {
            Method::Options => answer::options(self.context),
            _ => answer::method_not_allowed(self.context),
        }
    }

    /// One file, with this status and in place of its own this cache rule.
    pub fn serve(
        &self,
        status: u16,
        cache: Option<&'static str>,
        stem: Cow<'a, str>,
        class: Class,
        file: File,
    ) -> Decision<'a> {
        let mut head = self.context.head(status, Source::Site(self.site, file.header_set));
        head.cache = cache;
        head.because(Origin::File);
        head.varies = !file.codings.is_empty();
        let own = self.site.own_validators(file.header_set);
        for (name, value) in own.fields() {
            let value = Some(value.to_owned()).filter(|value| status == 200 && !value.is_empty());
            head.changes.push((Cow::Borrowed(name), value));
        }
        let choice = match status {
            200 => representation::choose(self.request, self.site, &file, own),
            _ => Choice::Whole(representation::stand_in(self.request, &file)),
        };
        let (coding, range) = match choice {
            Choice::Whole(coding) | Choice::NotModified(coding) => (coding, None),
            Choice::Part(range) => (None, Some(range)),
            Choice::NotAcceptable => return answer::not_acceptable(self.context),
            Choice::PreconditionFailed => return answer::precondition_failed(self.context),
            Choice::Unsatisfiable => return answer::unsatisfiable(self.context, file.size),
        };
        head.coding = coding;
        head.entity_tag = Some(file.entity_tag.coded(coding)).filter(|_| status == 200);
        if matches!(choice, Choice::NotModified(_)) {
            head.status = 304;
            return Decision::NotModified(head);
        }
        let size = coding.map_or(Some(file.size), |coding| self.site.coded_size(&file, coding));
        head.content_length = range.map_or(size, |range| Some(range.length()));
        if let Some(range) = range {
            head.status = 206;
            head.content_range = Some((Some(range), file.size));
        }
        let object = ObjectKey { folder: &self.record.oss_path, coding, stem, suffix: class.suffix() };
        Decision::Serve(Serve { head, object, size, range, with_body: self.request.method != Method::Head })
    }

    /// A redirect to a canonical URL. Deployments change their minds, so it has to be asked for again.
    pub fn redirect(&self, stem: &str, ending: &str) -> Decision<'a> {
        let location = canonical_location(stem, ending, self.request.query());
        let mut head = self.context.head(self.site.canonical_status(), Source::None);
        head.cache = Some(REVALIDATE);
        head.content_length = Some(0);
        head.location = Some(location);
        head.because(Origin::Spelling);
        Decision::Redirect(head)
    }

    /// The answer to a path where nothing is: the project's function, the shell, or a page for missing files.
    pub fn missing(&self, path: &Path<'a>) -> Decision<'a> {
        if self.record.kind != Kind::Static && !function_site::keeps_missing(self, path) {
            return proxy::decide(self.context, self.record, self.request);
        }
        if self.site.has_flag(format::FLAG_INDEX_REDIRECTS)
            && self.request.method.reads()
            && let Some(redirect) = self.index_redirect()
        {
            return redirect;
        }
        if self.wants_shell(path)
            && let Some(file) = self.site.find("", Class::Index)
        {
            // Rules for the missing path must not make browsers keep the shell under it.
            return self.serve(200, Some(REVALIDATE), Cow::Borrowed(""), Class::Index, file).because(Origin::Shell);
        }
        self.not_found(path)
    }

    /// The page for a missing file.
    pub fn not_found(&self, path: &Path<'_>) -> Decision<'a> {
        let page = self.not_found_page(&path.key).map(|page| page.because(Origin::NotFoundPage));
        page.unwrap_or_else(|| answer::not_found(self.context))
    }

    pub fn wants_shell(&self, path: &Path<'_>) -> bool {
        let request = self.request;
        request.method.reads()
            && match self.site.shell() {
                Shell::Off => false,
                Shell::All => true,
                Shell::Navigations => match request.fetch_mode {
                    Some(mode) => mode == "navigate",
                    None => {
                        request.accept.is_some_and(|accept| contains(accept, "text/html"))
                            || extension(&path.key).is_none()
                    }
                },
            }
    }

    /// The `404.html` of the nearest folder that has one.
    pub fn not_found_page(&self, key: &str) -> Option<Decision<'a>> {
        let (stem, class, file) = not_found_file(self.site, key)?;
        Some(self.serve(404, Some(NO_STORE), Cow::Owned(stem), class, file))
    }
}

/// The file of the page for a missing file, named by stem and class.
#[inline(never)]
pub fn not_found_file(site: &Site, key: &str) -> Option<(String, Class, File)> {
    if let Some(page) = site.not_found_page() {
        let (stem, class, file) = assets::stored(site, page)?;
        return Some((stem.to_owned(), class, file));
    }
    let mut depth = site.not_found_depth();
    let mut nearest = None;
    for (at, byte) in key.bytes().enumerate() {
        if byte != b'/' {
            continue;
        }
        if depth == 0 {
            break;
        }
        depth -= 1;
        let stem = [key.get(..at)?, "/404"].concat();
        nearest = site.find(&stem, Class::Page).map(|file| (stem, Class::Page, file)).or(nearest);
    }
    nearest
}

/// Whether files answer to every encoding of their path.
pub fn takes_every_spelling(site: &Site) -> bool {
    site.html_handling().is_a_peers() || site.has_flag(format::FLAG_INDEX_REDIRECTS | format::FLAG_CLEAN_FOLDERS)
}

/// The canonical URL of a decoded path, with the query of the request.
pub fn canonical_location(stem: &str, ending: &str, query: &str) -> String {
    let mut location = String::with_capacity(stem.len() + ending.len() + query.len());
    push_encoded(&mut location, stem);
    location.push_str(ending);
    push_query(&mut location, query);
    location
}
