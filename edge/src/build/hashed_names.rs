//! Which files carry a content hash in their name, so that browsers may keep them for ever.
//!
//! Decided here, with the whole site in view, and never from a single name at the edge: `/assets/app-settings.js` looks
//! like a hashed name and is not one.

use std::collections::HashMap;

/// Folders in which the framework hashes every name: Next.js, Astro, SvelteKit, Nuxt.
const ALWAYS: [&str; 4] = ["/_next/static/", "/_astro/", "/_app/immutable/", "/_nuxt/"];

/// The one file there that is not: Nuxt's pointer to the newest build.
const NEVER: &str = "/_nuxt/builds/latest.json";

/// Folders in which it hashes the names of what it made, beside files copied as they were: Vite, rustdoc, Create React
/// App.
const USUALLY: [&str; 4] = ["/assets/", "/static.files/", "/static/js/", "/static/css/"];

/// The folders of one site whose hashed names can be relied on.
#[derive(Debug, Default)]
pub struct HashedNames<'a> {
    folders: HashMap<&'a str, Evidence>,
}

#[derive(Debug, Default)]
struct Evidence {
    /// A script or style whose name has no hash: someone else's folder.
    bare: bool,
    /// A hash that can't be an ordinary word.
    certain: bool,
}

impl<'a> HashedNames<'a> {
    /// Looks at all paths of a site. A folder counts when every script and style in it has a hash in its name, and one of
    /// these hashes is no word.
    pub fn among(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut folders: HashMap<&str, Evidence> = HashMap::new();
        for path in paths {
            let (folder, name) = split(path);
            let made = [".js", ".mjs", ".css"].iter().any(|extension| name.ends_with(extension));
            if !made || !USUALLY.iter().any(|usual| folder.ends_with(usual)) {
                continue;
            }
            let evidence = folders.entry(folder).or_default();
            match hash_in(name) {
                Some(hash) => evidence.certain |= is_no_word(hash),
                None => evidence.bare = true,
            }
        }
        Self { folders }
    }

    /// Whether the content under `path` can never change.
    pub fn contains(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        ALWAYS.iter().any(|always| path.contains(always)) && !path.ends_with(NEVER)
            || self.folders.get(folder).is_some_and(|evidence| evidence.certain && !evidence.bare)
                && hash_in(name).is_some()
    }
}

fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// The hash in `name-HASH.ext` or `name.HASH.ext`: eight characters of base64url, or eight or more hexadecimal digits.
fn hash_in(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".map").unwrap_or(name);
    let (stem, _) = name.rsplit_once('.')?;
    let stem = stem.strip_suffix(".chunk").unwrap_or(stem);
    let hexadecimal = stem.rsplit(['-', '.']).next().filter(|part| {
        part.len() >= 8 && part.len() < stem.len() && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    hexadecimal.or_else(|| {
        let at = stem.len().checked_sub(9).filter(|at| *at > 0)?;
        let hash = stem.get(at..)?.strip_prefix(['-', '.'])?;
        hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).then_some(hash)
    })
}

fn is_no_word(hash: &str) -> bool {
    let digit = hash.bytes().any(|byte| byte.is_ascii_digit());
    digit
        || hash.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
            && hash.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::HashedNames;

    #[test]
    fn hashed_names_are_recognised_by_folder_and_evidence() {
        for (paths, expected) in [
            (&["/_next/static/chunks/main.js"][..], &["/_next/static/chunks/main.js"][..]),
            (&["/_astro/x.css", "/_app/version.json"], &["/_astro/x.css"]),
            (
                &[
                    "/assets/index-DiwrgTda.js",
                    "/assets/index-abcdefgh.css",
                    "/assets/logo.svg",
                    "/assets/font-B2x_-9aZ.woff2",
                ],
                &["/assets/index-DiwrgTda.js", "/assets/index-abcdefgh.css", "/assets/font-B2x_-9aZ.woff2"],
            ),
            (&["/assets/index-DiwrgTda.js", "/assets/vendor.js"], &[]),
            (&["/assets/app-settings.js"], &[]),
            (&["/assets/user-Profiles.js"], &[]),
            (&["/docs/assets/a-1234abcd.js"], &["/docs/assets/a-1234abcd.js"]),
            (&["/lib/a-1234abcd.js"], &[]),
            (
                &["/static.files/main-1f8d2b52.js", "/static.files/Fira-81dc35de.woff2"],
                &["/static.files/main-1f8d2b52.js", "/static.files/Fira-81dc35de.woff2"],
            ),
            (
                &["/static/js/2.0a1b2c3d.chunk.js", "/static/js/2.0a1b2c3d.chunk.js.map"],
                &["/static/js/2.0a1b2c3d.chunk.js", "/static/js/2.0a1b2c3d.chunk.js.map"],
            ),
            (&["/_nuxt/Bx1yAbcd.js", "/_nuxt/builds/latest.json"], &["/_nuxt/Bx1yAbcd.js"]),
            (&["/assets/-abcdefgh.js"], &[]),
            (&["/assets/1234abcd.js"], &[]),
        ] {
            let hashed = HashedNames::among(paths.iter().copied());
            let found: Vec<_> = paths.iter().copied().filter(|path| hashed.contains(path)).collect();
            assert_eq!(found, expected, "{paths:?}");
        }
    }
}
