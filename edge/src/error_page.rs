//! A site's own pages for errors, in place of ours.

use std::borrow::Cow;

use crate::answer;
use crate::decision::{Context, Decision, Lookup, ObjectKey, Serve};
use crate::head::{NO_STORE, Source};
use crate::origin::Origin;
use crate::request::Method;
use crate::site::format::Class;
use crate::text::{read_decimal, split, split_once};

/// The page that the site has for an error. `None` where it has none, and for who asks for JSON, not for pages.
#[inline(never)]
pub fn decide<'a>(
    context: &Context<'a>,
    status: u16,
    extra: Option<(&'static str, &'static str)>,
) -> Option<Decision<'a>> {
    let Lookup::Found { record, site: Some(site) } = context.lookup else {
        return None;
    };
    if answer::wants_json(context.accept) {
        return None;
    }
    // The lines are in order, and frameworks make no other page for failures than that for 500.
    let mut path = None;
    for line in split(site.error_pages()?, b'\n') {
        let (number, page) = split_once(line, b' ').unwrap_or_default();
        if read_decimal(number).is_some_and(|number| number == u64::from(status) || number == 500 && status > 500) {
            path = Some(page);
        }
    }
    let path = path?;
    let (stem, class) = Class::split(path);
    let file = site.find(stem, class)?;
    let mut head = context.head(status, Source::Site(site, file.header_set));
    head.cache = Some(NO_STORE);
    head.extra = extra;
    head.content_length = Some(file.size);
    head.because(Origin::ErrorPage);
    if let Some(id) = context.request_id.filter(|_| status >= 500) {
        head.changes.push((Cow::Borrowed("x-miaobu-request-id"), Some(id.to_owned())));
    }
    let object =
        ObjectKey { folder: &record.oss_path, coding: None, stem: Cow::Owned(stem.to_owned()), suffix: class.suffix() };
    let with_body = context.method != Method::Head;
    Some(Decision::Serve(Serve { head, object, size: Some(file.size), range: None, with_body }))
}

#[cfg(all(test, feature = "build"))]
mod tests;
