//! The only entry: [`decide`], and [`Decision`], every outcome as data.

use std::borrow::Cow;

use crate::answer::{self, Failure};
use crate::coding::Coding;
use crate::head::Head;
use crate::origin::Origin;
use crate::range::ByteRange;
use crate::record::{Kind, RouteRecord};
use crate::request::{Method, Request};
use crate::rules::functions::is_blocked_content;
use crate::rules::redirects::Varies;
use crate::site::Site;
use crate::{function_site, probe, proxy, static_site, variants};

/// What a host found under the hostname.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'a> {
    /// A record, and its site when the record names one.
    Found {
        /// The record.
        record: &'a RouteRecord,
        /// The site that `record.site` names, from KV or its copy in object storage.
        site: Option<&'a Site>,
    },
    /// No record: the hostname is not ours.
    Unknown,
    /// The record, or the site it names, can't be read now, and no earlier one is at hand.
    Unavailable,
    /// What is stored does not parse.
    Damaged,
}

impl Lookup<'_> {
    /// The same without the site, so that no page of its own stands in for ours.
    #[must_use]
    pub fn without_site(self) -> Self {
        match self {
            Self::Found { record, .. } => Self::Found { record, site: None },
            other => other,
        }
    }
}

/// Configuration of the host.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether answers carry `x-miaobu-deployment`.
    pub deployment_header: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { deployment_header: true }
    }
}

/// An object in storage: the record's folder, or one beside it, and a file's decoded path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey<'a> {
    pub(crate) folder: &'a str,
    /// The coding of the object; every coding has a folder beside the one of the files as they are.
    pub(crate) coding: Option<Coding>,
    pub(crate) stem: Cow<'a, str>,
    pub(crate) suffix: &'static str,
}

impl ObjectKey<'_> {
    /// The key, such as `projects/docs/42/assets/app.js`, or `projects/docs/42.br/assets/app.js` for the file in a coding.
    /// Always below the record's folder or one of those beside it.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = self.folder();
        key.push_str(&self.stem);
        key.push_str(self.suffix);
        key
    }

    /// The key as the path of a URL, percent-encoded, without a leading slash.
    #[must_use]
    pub fn url_path(&self) -> String {
        let mut path = self.folder();
        crate::path::push_encoded(&mut path, &self.stem);
        path.push_str(self.suffix);
        path
    }

    fn folder(&self) -> String {
        let mut folder = String::with_capacity(self.folder.len() + self.stem.len() + 16);
        folder.push_str(self.folder);
        if let Some(coding) = self.coding {
            folder.push('.');
            folder.push_str(coding.suffix());
        }
        folder
    }
}

/// One object, and how it is answered.
#[derive(Clone, Debug)]
pub struct Serve<'a> {
    /// Status and headers.
    pub head: Head<'a>,
    /// The object whose bytes are the body.
    pub object: ObjectKey<'a>,
    /// Size of the whole object in bytes. `None` when the site does not say: then the host adds `content-length` when it
    /// knows it.
    pub size: Option<u64>,
    /// The part of the object that is the body; all of it when `None`.
    pub range: Option<ByteRange>,
    /// Whether the body is sent; for HEAD it is not, and storage is not asked.
    pub with_body: bool,
}

/// One place where an older record's file may be.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Status and headers when this is the one; the host adds `content-length` when it knows it.
    pub head: Head<'a>,
    /// The object.
    pub object: ObjectKey<'a>,
}

/// Files of a record without a site: the first candidate that exists is served.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    /// At most three, best first: with the KV read, that is all an execution on ESA may ask for.
    pub candidates: Vec<Candidate<'a>>,
    /// The answer when none exists.
    pub missing: Box<Decision<'a>>,
    /// Whether the body is sent; for HEAD only existence is asked.
    pub with_body: bool,
}

/// A request for the project's function.
#[derive(Clone, Debug)]
pub struct Proxy<'a> {
    /// Headers to set on the function's answer; its `status` means nothing.
    pub head: Head<'a>,
    /// Where the request goes, with the visitor's method and body. Redirects are the visitor's to follow.
    pub url: String,
    /// Headers of the visitor's that are not passed on.
    pub remove_request_headers: Vec<&'a str>,
    /// Headers set on the request, in place of any that the visitor sent.
    pub set_request_headers: Vec<(&'static str, Cow<'a, str>)>,
    /// Whether `url` is one that the site's author chose, on any host. A host that can reach private networks has to see
    /// to it that this can't.
    pub external: bool,
    /// Whether the request is one for pictures of other hosts, so that [`Proxy::lets_through`] has to be asked.
    pub images_only: bool,
    /// Headers of the function's answer that are not passed on.
    pub remove_response_headers: &'static [&'static str],
}

impl Proxy<'_> {
    /// Whether the function's answer may be passed on. Of one that may not, nothing is shown:
    /// [`Failure::NotAnImage`] takes its place.
    #[must_use]
    pub fn lets_through(&self, status: u16, content_type: Option<&str>) -> bool {
        !self.images_only || !is_blocked_content(status, content_type)
    }
}

/// What a request gets.
#[derive(Clone, Debug)]
pub enum Decision<'a> {
    /// A file.
    Serve(Serve<'a>),
    /// A file of an older record: the host has to look where it is.
    Probe(Probe<'a>),
    /// The project's function answers.
    Proxy(Proxy<'a>),
    /// 304: the visitor's copy is good.
    NotModified(Head<'a>),
    /// Another URL is the right one.
    Redirect(Head<'a>),
    /// The shard with this number of the site has to be read before anything can be decided.
    Shard(u32),
    /// The body decides: the host reads it and asks again, with it as [`Request::form`].
    ReadForm {
        /// More bytes than this need not be read.
        limit: usize,
    },
    /// An answer of our own: an error, or one that needs no file.
    Refuse {
        /// Status and headers, `content-length` included.
        head: Head<'a>,
        /// The body; empty for HEAD.
        body: Cow<'static, str>,
    },
}

impl<'a> Decision<'a> {
    /// Status and headers of the answer, where they are decided already.
    #[must_use]
    pub fn head(&self) -> Option<&Head<'a>> {
        match self {
            Self::Serve(serve) => Some(&serve.head),
            Self::NotModified(head) | Self::Redirect(head) | Self::Refuse { head, .. } => Some(head),
            Self::Probe(_) | Self::Proxy(_) | Self::Shard(_) | Self::ReadForm { .. } => None,
        }
    }

    pub(crate) fn for_each_head_mut(&mut self, change: &mut dyn FnMut(&mut Head<'a>)) {
        if let Self::Probe(probe) = self {
            probe.candidates.iter_mut().for_each(|candidate| change(&mut candidate.head));
            probe.missing.head_mut().into_iter().for_each(change);
        } else {
            self.head_mut().into_iter().for_each(change);
        }
    }

    /// Remembers which step made this answer.
    #[inline]
    pub(crate) fn because(mut self, origin: Origin) -> Self {
        self.head_mut().into_iter().for_each(|head| head.because(origin));
        self
    }

    pub(crate) fn head_mut(&mut self) -> Option<&mut Head<'a>> {
        match self {
            Self::Serve(serve) => Some(&mut serve.head),
            Self::Proxy(proxy) => Some(&mut proxy.head),
            Self::NotModified(head) | Self::Redirect(head) | Self::Refuse { head, .. } => Some(head),
            Self::Probe(_) | Self::Shard(_) | Self::ReadForm { .. } => None,
        }
    }
}

/// The longest path and query answered; longer ones get 414. Twice what fetch on ESA can pass on.
pub const MAX_TARGET_LENGTH: usize = 8 * 1024;

/// Decides what `request` gets.
#[must_use]
pub fn decide<'a>(lookup: &Lookup<'a>, request: &Request<'a>, settings: &Settings) -> Decision<'a> {
    let context = Context::of(lookup, request, settings);
    // Before anybody was let in, so without a page of the site.
    if request.target.len() > MAX_TARGET_LENGTH {
        return answer::target_too_long(&Context { lookup: context.lookup.without_site(), ..context });
    }
    if !request.target.starts_with('/') {
        return answer::bad_request(&Context { lookup: context.lookup.without_site(), ..context });
    }
    match *lookup {
        Lookup::Unknown => answer::unknown_host(&context, request.host),
        Lookup::Unavailable => answer::unavailable(&context),
        Lookup::Damaged => answer::damaged(&context),
        Lookup::Found { record, site } if record.is_conditional() => variants::decide(&context, record, site, request),
        Lookup::Found { record, site } => of_record(&context, record, site, request),
    }
}

/// Decides a request for a record that leads to one deployment.
pub(crate) fn of_record<'a>(
    context: &Context<'a>,
    record: &'a RouteRecord,
    site: Option<&'a Site>,
    request: &Request<'a>,
) -> Decision<'a> {
    match (record.kind, &record.site, site) {
        (Kind::Node | Kind::Python, Some(_), Some(site)) => function_site::decide(context, record, site, request),
        (Kind::Node | Kind::Python, None, _) => proxy::decide(context, record, request),
        (Kind::Static, _, Some(site)) => static_site::decide(context, record, site, request),
        (Kind::Static, None, None) => probe::decide(context, record, request),
        // Hosts may say it either way, so it has to be one answer.
        (_, Some(_), None) => answer::unavailable(&Context { lookup: Lookup::Unavailable, ..*context }),
    }
}

/// Decides the answer when a decision for `request` could not be carried out: a page of ours, or [`Decision::Serve`] of the
/// site's own, unless its storage is what failed. When that can't be carried out either, [`Lookup::without_site`] gives ours.
#[must_use]
pub fn fail<'a>(failure: Failure, lookup: &Lookup<'a>, request: &Request<'a>, settings: &Settings) -> Decision<'a> {
    let lookup = if failure == Failure::StorageUnavailable { lookup.without_site() } else { *lookup };
    answer::failed(&Context::of(&lookup, request, settings), failure)
}

/// What every kind of answer depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub method: Method,
    pub lookup: Lookup<'a>,
    pub settings: Settings,
    pub accept: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub secure: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn of(lookup: &Lookup<'a>, request: &Request<'a>, settings: &Settings) -> Self {
        Self {
            method: request.method,
            lookup: *lookup,
            settings: *settings,
            accept: request.accept,
            request_id: request.id,
            secure: request.secure,
        }
    }

    /// Whether the site may have a page for an error. That for missing files is found otherwise.
    pub fn has_own_page(&self, status: u16) -> bool {
        status != 404 && matches!(self.lookup, Lookup::Found { site: Some(site), .. } if site.has_error_pages())
    }

    /// A head with what the host's configuration and the record demand of every answer.
    pub fn head(&self, status: u16, source: crate::head::Source<'a>) -> Head<'a> {
        let record = match self.lookup {
            Lookup::Found { record, .. } => Some(record),
            _ => None,
        };
        Head {
            status,
            entity_tag: None,
            content_length: None,
            source,
            cache: None,
            location: None,
            coding: None,
            varies: false,
            content_range: None,
            extra: None,
            noindex: record.is_some_and(|record| record.noindex || !record.protection.is_empty()),
            hsts: match record {
                Some(record) if record.hsts => self.secure.then_some(true),
                _ => Some(false),
            },
            pinned: record.is_some_and(|record| !record.pins.is_empty()),
            set_cookie: None,
            changes: Vec::new(),
            visitor: Varies::default(),
            #[cfg(feature = "explain")]
            origin: crate::origin::Origin::default(),
            deployment: record.filter(|_| self.settings.deployment_header).map(|record| record.deployment_id),
        }
    }
}

#[cfg(test)]
mod tests;
