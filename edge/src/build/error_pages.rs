//! Which of a site's files are its pages for errors.

use std::collections::BTreeMap;

use super::Input;

/// Whether a page for a status can be a site's own. A protected site shows nothing before it is opened, an address or a host
/// that can't be taken is refused before the site is known, 404 has pages by folder, and 416 no body.
pub(crate) fn may_be_own(status: u16) -> bool {
    (400..600).contains(&status) && ![401, 404, 414, 416, 421].contains(&status)
}

/// The file for each status: what the site's configuration names, where that is there, else `/{status}.html`.
pub(super) fn of(named: &BTreeMap<u16, String>, files: &[&Input]) -> BTreeMap<u16, String> {
    let own = || files.iter().filter(|file| !file.retained).map(|file| file.path.as_str());
    let by_name = own().filter_map(|path| {
        let status = path.strip_prefix('/')?.strip_suffix(".html").filter(|digits| digits.len() == 3)?.parse().ok()?;
        may_be_own(status).then(|| (status, path.to_owned()))
    });
    let mut pages: BTreeMap<u16, String> = by_name.collect();
    for (status, page) in named {
        let found = spellings(page).into_iter().find(|spelling| own().any(|path| path == spelling));
        pages.extend(found.map(|path| (*status, path)));
    }
    pages
}

/// The files that a named page may be, the best first.
pub(super) fn spellings(page: &str) -> [String; 3] {
    let stem = page.trim_end_matches('/');
    [page.to_owned(), format!("{stem}.html"), format!("{stem}/index.html")]
}

/// The section that says so; empty when there are none.
pub(super) fn section(pages: &BTreeMap<u16, String>) -> Vec<u8> {
    pages.iter().flat_map(|(status, path)| format!("{status} {path}\n").into_bytes()).collect()
}
