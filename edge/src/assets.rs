//! Which file a path means: one rule for all four modes of html handling.
//!
//! Every page has one canonical URL, given by the mode. Any other spelling that can only mean this page redirects there,
//! unless another file answers at that URL.

use crate::site::format::{Class, HtmlHandling};
use crate::site::{File, Site};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset<'a> {
    /// A file, named by stem and class.
    File(&'a str, Class, File),
    /// A page whose canonical URL is this stem, decoded, followed by this ending.
    Elsewhere(&'a str, &'static str),
    /// Nothing.
    Missing,
}

/// Finds what the decoded path `key` means.
pub fn resolve<'a>(site: &Site, key: &'a str) -> Asset<'a> {
    let (stem, class) = Class::split(key);
    let own = site.find(stem, class);
    let mode = site.html_handling();
    if let Some(file) = own {
        return match (class, canonical(site, mode, stem, class)) {
            (Class::Page | Class::Index, Some(ending)) => Asset::Elsewhere(stem, ending),
            _ => Asset::File(stem, class, file),
        };
    }
    if mode == HtmlHandling::Off {
        return Asset::Missing;
    }
    let (stem, spelling) = spelling(key);
    let first_page = mode == HtmlHandling::Drop || spelling.is_empty();
    let order = if first_page {
        [Class::Page, Class::Index]
    } else {
        [Class::Index, Class::Page]
    };
    answer(site, mode, stem, spelling, order)
        .or_else(|| {
            // `/x/index` is also the clean URL of a page or folder of that name.
            (spelling == "/index")
                .then(|| answer(site, mode, key, "", [Class::Page, Class::Index]))
                .flatten()
        })
        .unwrap_or(Asset::Missing)
}

/// Splits the ending off a path that can spell a page.
fn spelling(key: &str) -> (&str, &'static str) {
    for ending in ["/index.html", "/index", ".html", "/"] {
        if let Some(stem) = key.strip_suffix(ending) {
            return (stem, ending);
        }
    }
    (key, "")
}

fn answer<'a>(
    site: &Site,
    mode: HtmlHandling,
    stem: &'a str,
    spelling: &str,
    order: [Class; 2],
) -> Option<Asset<'a>> {
    order.into_iter().find_map(|class| {
        let file = site.find(stem, class)?;
        let ending = canonical(site, mode, stem, class)?;
        Some(if ending == spelling {
            Asset::File(stem, class, file)
        } else {
            Asset::Elsewhere(stem, ending)
        })
    })
}

/// What follows the stem in the canonical URL of an existing page; `None` when that is the page's own name, because
/// another file answers at the shorter one.
fn canonical(site: &Site, mode: HtmlHandling, stem: &str, class: Class) -> Option<&'static str> {
    let exists = |class| site.find(stem, class).is_some();
    // `/.html` and `/x/.html` have no clean URL: a slash belongs to the folder's index.
    let nameless = class == Class::Page && (stem.is_empty() || stem.ends_with('/'));
    match (mode, class) {
        (HtmlHandling::Off, _) | (_, Class::Exact) => None,
        _ if nameless => None,
        (HtmlHandling::Auto | HtmlHandling::Force, Class::Index) => Some("/"),
        (HtmlHandling::Drop, Class::Index) if stem.is_empty() => Some("/"),
        (HtmlHandling::Force, Class::Page) => (!exists(Class::Index)).then_some("/"),
        (HtmlHandling::Auto | HtmlHandling::Drop, Class::Page) => {
            (!taken(site, stem)).then_some("")
        }
        (HtmlHandling::Drop, Class::Index) => {
            (!taken(site, stem) && !exists(Class::Page)).then_some("")
        }
    }
}

/// Whether a file has exactly this name.
fn taken(site: &Site, name: &str) -> bool {
    site.file(name).is_some()
}

#[cfg(test)]
mod tests;
