//! Which file a path means: one rule for all four modes of html handling.
//!
//! Every page has one canonical URL, given by the mode. Any other spelling that can only mean this page redirects there,
//! unless another file answers at that URL.

mod clean_folders;

use crate::site::format::{self, Class, HtmlHandling};
use crate::site::{File, Look, Site};

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
    if site.has_flag(format::FLAG_CLEAN_FOLDERS) {
        return clean_folders::resolve(site, key);
    }
    let (stem, spelling) = spelling(key);
    let pages = Pages { site, mode: site.html_handling(), stem, look: site.look(stem) };
    let (own_stem, own_class, own) = match spelling {
        "" => (stem, Class::Exact, pages.look.of(Class::Exact)),
        ".html" => (stem, Class::Page, pages.look.of(Class::Page)),
        "/index.html" => (stem, Class::Index, pages.look.of(Class::Index)),
        // No file's name ends in a slash.
        "/" => (key, Class::Exact, None),
        _ => (key, Class::Exact, site.look(key).of(Class::Exact)),
    };
    if let Some(file) = own.and_then(|index| site.file_at(index)) {
        if pages.mode.keeps_names() {
            return Asset::File(own_stem, own_class, file);
        }
        return match (own_class, pages.canonical(own_class)) {
            (Class::Page | Class::Index, Some(ending)) => Asset::Elsewhere(stem, ending),
            _ => Asset::File(own_stem, own_class, file),
        };
    }
    if pages.mode == HtmlHandling::Off {
        return Asset::Missing;
    }
    // What ends as a page's name may be the name of a folder, or of a page whose file's name has one ending more.
    let whole = || Pages { stem: key, look: site.look(key), ..pages };
    let has_whole = !matches!(spelling, "" | "/");
    if pages.mode.keeps_names() {
        return match pages.folder(spelling) {
            Asset::Missing if has_whole => whole().folder(""),
            asset => asset,
        };
    }
    let first_page = pages.mode == HtmlHandling::Drop || spelling.is_empty();
    let order = if first_page { [Class::Page, Class::Index] } else { [Class::Index, Class::Page] };
    let asset = order.into_iter().find_map(|class| pages.answer(spelling, class));
    let longer = || {
        let pages = whole();
        [Class::Page, Class::Index].into_iter().find_map(|class| pages.answer("", class))
    };
    asset.or_else(|| if has_whole { longer() } else { None }).unwrap_or(Asset::Missing)
}

/// The decoded path at which a stored file answers.
#[cfg(any(feature = "build", feature = "explain"))]
pub fn url_of(site: &Site, path: &str) -> String {
    let (stem, class) = Class::split(path);
    let pages = Pages { site, mode: site.html_handling(), stem, look: site.look(stem) };
    let ending = match (pages.mode, class) {
        (_, Class::Exact) => None,
        (HtmlHandling::Folders | HtmlHandling::Open, Class::Index) => Some("/"),
        (HtmlHandling::OpenPages | HtmlHandling::FoldersWithoutSlash, Class::Index) => {
            Some(if stem.is_empty() { "/" } else { "" })
        }
        (HtmlHandling::OpenPages, Class::Page) => Some(""),
        (_, class) => pages.canonical(class),
    };
    ending.map_or_else(|| path.to_owned(), |ending| [stem, ending].concat())
}

/// The file that the decoded path `key` means, whatever the canonical URL of it is.
pub fn stored<'a>(site: &Site, key: &'a str) -> Option<(&'a str, Class, File)> {
    match resolve(site, key) {
        Asset::File(stem, class, file) => Some((stem, class, file)),
        Asset::Missing => None,
        Asset::Elsewhere(stem, ending) => {
            // `/x/` is spelled so for its index, and `/x` for its page when there is one.
            let order = if ending.is_empty() { [Class::Page, Class::Index] } else { [Class::Index, Class::Page] };
            order.into_iter().find_map(|class| Some((stem, class, site.find(stem, class)?)))
        }
    }
}

/// Splits the ending off a path that can spell a page.
fn spelling(key: &str) -> (&str, &'static str) {
    let endings: &[&str] = match key.as_bytes().last() {
        Some(b'/') => &["/"],
        Some(b'l') => &["/index.html", ".html"],
        Some(b'x') => &["/index"],
        _ => &[],
    };
    let split = |ending: &&'static str| Some((key.strip_suffix(ending)?, *ending));
    endings.iter().find_map(split).unwrap_or((key, ""))
}

/// The pages under one stem.
#[derive(Clone, Copy)]
struct Pages<'s, 'a> {
    site: &'s Site,
    mode: HtmlHandling,
    stem: &'a str,
    look: Look,
}

impl<'a> Pages<'_, 'a> {
    /// What a path other than a file's own name means where pages keep theirs.
    fn folder(&self, spelling: &str) -> Asset<'a> {
        let file = |class| Some(Asset::File(self.stem, class, self.site.file_at(self.look.of(class)?)?));
        let folder = |index: Asset<'a>| match (self.mode, spelling) {
            (HtmlHandling::Folders, "") => Asset::Elsewhere(self.stem, "/"),
            (HtmlHandling::FoldersWithoutSlash, "/") if !self.stem.is_empty() => Asset::Elsewhere(self.stem, ""),
            _ => index,
        };
        let page = || if self.mode == HtmlHandling::OpenPages { file(Class::Page) } else { None };
        let index = || file(Class::Index).map(folder);
        let asset = match spelling {
            "" => page().or_else(index),
            "/" => index().or_else(page),
            _ => None,
        };
        asset.unwrap_or(Asset::Missing)
    }

    fn answer(&self, spelling: &str, class: Class) -> Option<Asset<'a>> {
        let index = self.look.of(class)?;
        let ending = self.canonical(class)?;
        if ending == spelling {
            return Some(Asset::File(self.stem, class, self.site.file_at(index)?));
        }
        Some(Asset::Elsewhere(self.stem, ending))
    }

    /// What follows the stem in the canonical URL of an existing page; `None` when that is the page's own name, because
    /// another file answers at the shorter one.
    fn canonical(&self, class: Class) -> Option<&'static str> {
        // `/.html` and `/x/.html` have no clean URL: a slash belongs to the folder's index.
        let nameless = class == Class::Page && (self.stem.is_empty() || self.stem.ends_with('/'));
        match (self.mode, class) {
            (_, Class::Exact) => None,
            _ if nameless => None,
            (HtmlHandling::Auto | HtmlHandling::Force, Class::Index) => Some("/"),
            (HtmlHandling::Drop, Class::Index) if self.stem.is_empty() => Some("/"),
            (HtmlHandling::Force, Class::Page) => self.look.of(Class::Index).is_none().then_some("/"),
            (HtmlHandling::Auto | HtmlHandling::Drop, Class::Page) => (!self.taken()).then_some(""),
            (HtmlHandling::Drop, Class::Index) => (!self.taken() && self.look.of(Class::Page).is_none()).then_some(""),
            _ => None,
        }
    }

    /// Whether a file has exactly the stem as its name.
    fn taken(&self) -> bool {
        match Class::split(self.stem) {
            (_, Class::Exact) => self.look.of(Class::Exact).is_some(),
            (stem, class) => self.site.look(stem).of(class).is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
