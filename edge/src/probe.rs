//! Records without a site: the older routine's order, exact file, directory index, single-page shell.

use crate::answer;
use crate::content_type::ContentType;
use crate::decision::{Candidate, Context, Decision, ObjectKey, Probe};
use crate::head::Source;
use crate::path::Path;
use crate::record::RouteRecord;
use crate::request::{Method, Request};
use crate::site::format::Class;
use std::borrow::Cow;

#[inline(never)]
pub fn decide<'a>(context: &Context<'a>, record: &'a RouteRecord, request: &Request<'a>) -> Decision<'a> {
    match request.method {
        Method::Get | Method::Head => {}
        Method::Options => return answer::options(context),
        Method::Other => return answer::method_not_allowed(context),
    }
    let path = Path::read(request.path());
    if !path.is_storable() {
        return answer::not_found(context);
    }
    let mut names: Vec<(Cow<'a, str>, Class)> = Vec::with_capacity(3);
    match path.key.strip_suffix('/') {
        Some(folder) => names.push((Cow::Owned(folder.to_owned()), Class::Index)),
        None => names.extend([(path.key.clone(), Class::Exact), (path.key, Class::Index)]),
    }
    if !matches!(names.first(), Some((stem, class)) if matches!((&**stem, class), ("", Class::Index) | ("/index.html", _)))
    {
        names.push((Cow::Borrowed(""), Class::Index));
    }
    let candidate = |(stem, class): (Cow<'a, str>, Class)| {
        let content_type = if class == Class::Exact { ContentType::of(&stem) } else { ContentType::of(class.suffix()) };
        let object = ObjectKey { folder: &record.oss_path, coding: None, stem, suffix: class.suffix() };
        Candidate { head: context.head(200, Source::File(content_type)), object }
    };
    Decision::Probe(Probe {
        candidates: names.into_iter().map(candidate).collect(),
        missing: Box::new(answer::not_found(context)),
        with_body: request.method == Method::Get,
    })
}
