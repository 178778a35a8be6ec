//! Clean URLs as Firebase has them: the index of a folder before the page of the same name, and only a slash at the end that
//! the setting asks for.

use super::Asset;
use crate::site::Site;
use crate::site::format::{Class, HtmlHandling};

/// Finds what the decoded path `key` means. `Force` wants a slash at the end, `Drop` none, and `Auto` takes it as it comes.
#[inline(never)]
pub fn resolve<'a>(site: &Site, key: &'a str) -> Asset<'a> {
    let mode = site.html_handling();
    if let Some(file) = site.file(key) {
        let Some(stem) = key.strip_suffix(".html") else {
            return Asset::File(key, Class::Exact, file);
        };
        return Asset::Elsewhere(without_index(stem), ending(mode, without_index(stem)));
    }
    let stem = key.strip_suffix('/');
    let (stem, slash) = (stem.unwrap_or(key), stem.is_some());
    let wrong = match mode {
        HtmlHandling::Force => !slash,
        HtmlHandling::Drop => slash && !stem.is_empty(),
        _ => false,
    };
    if let Some(file) = site.find(stem, Class::Index) {
        return if wrong { Asset::Elsewhere(stem, ending(mode, stem)) } else { Asset::File(stem, Class::Index, file) };
    }
    if slash && mode == HtmlHandling::Auto {
        return Asset::Missing;
    }
    match site.file(&[stem, ".html"].concat()) {
        None => Asset::Missing,
        Some(_) if wrong => {
            let stem = if slash { stem } else { without_index(stem) };
            Asset::Elsewhere(stem, ending(mode, stem))
        }
        Some(file) => match stem.strip_suffix("/index") {
            Some(folder) => Asset::Elsewhere(folder, ending(mode, folder)),
            None => Asset::File(stem, Class::Page, file),
        },
    }
}

fn without_index(stem: &str) -> &str {
    stem.strip_suffix("/index").unwrap_or(stem)
}

fn ending(mode: HtmlHandling, stem: &str) -> &'static str {
    if mode == HtmlHandling::Force || stem.is_empty() { "/" } else { "" }
}
