//! Project slugs: the rule, and a guess from a folder's name.

use std::path::Path;

/// What a slug must look like, for messages.
pub const RULE: &str = "3 to 40 lower-case letters, digits and single hyphens, a letter first, no hyphen last, \
not ending in -staging or in -d and digits, not containing -git-";

const SHORTEST: usize = 3;
const LONGEST: usize = 40;

// Names that say how a folder was made and not what it is.
const OUTPUT_FOLDERS: [&str; 12] =
    ["dist", "build", "public", "out", "output", ".output", "_site", "site", "www", "html", "static", "target"];

/// Whether the server would take `slug` as far as its form goes; reserved words are known to the server only.
pub fn is_valid(slug: &str) -> bool {
    let characters = slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    characters
        && (SHORTEST..=LONGEST).contains(&slug.len())
        && slug.starts_with(|first: char| first.is_ascii_lowercase())
        && !slug.ends_with('-')
        && !slug.contains("--")
        && !slug.contains("-git-")
        && without_reserved_end(slug) == slug
}

/// Guesses a slug from the name of `folder`, an absolute path; from its parent's for `dist` and the like.
///
/// `None` when no usable letters are left.
pub fn from_folder(folder: &Path) -> Option<String> {
    let names = folder.ancestors().filter_map(|path| path.file_name()?.to_str());
    let telling = names.clone().find(|name| !OUTPUT_FOLDERS.contains(&name.to_ascii_lowercase().as_str()));
    telling.or_else(|| names.clone().next()).and_then(from_name)
}

fn from_name(name: &str) -> Option<String> {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' => slug.push(character),
            '0'..='9' if !slug.is_empty() => slug.push(character),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let mut slug = slug.replace("-git-", "-");
    slug.truncate(LONGEST);
    loop {
        let shorter = without_reserved_end(slug.trim_end_matches('-')).to_owned();
        if shorter == slug {
            break;
        }
        slug = shorter;
    }
    if !slug.is_empty() && slug.len() < SHORTEST {
        slug.push_str("-site");
    }
    is_valid(&slug).then_some(slug)
}

fn without_reserved_end(slug: &str) -> &str {
    let without_digits = slug.trim_end_matches(|character: char| character.is_ascii_digit());
    if without_digits.len() < slug.len()
        && let Some(rest) = without_digits.strip_suffix("-d")
    {
        return rest;
    }
    slug.strip_suffix("-staging").unwrap_or(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_name_becomes_a_slug() {
        let cases = [
            ("/home/ada/blog", Some("blog")),
            ("/home/ada/My Blog_2", Some("my-blog-2")),
            ("/home/ada/blog/dist", Some("blog")),
            ("/home/ada/blog/.output/public", Some("blog")),
            ("/home/ada/blog/Build", Some("blog")),
            ("/dist", Some("dist")),
            ("/srv/2024 report", Some("report")),
            ("/srv/ab", Some("ab-site")),
            ("/srv/--x--", Some("x-site")),
            ("/srv/caf\u{e9}-menu", Some("caf-menu")),
            ("/srv/shop-staging", Some("shop")),
            ("/srv/shop-d12", Some("shop")),
            ("/srv/shop-staging-d12", Some("shop")),
            ("/srv/my-git-notes", Some("my-notes")),
            ("/srv/\u{79d2}\u{90e8}", None),
            ("/srv/123", None),
            ("/", None),
        ];
        for (folder, slug) in cases {
            assert_eq!(from_folder(Path::new(folder)).as_deref(), slug, "{folder}");
        }
        let long = format!("/srv/{}-d1x", "a".repeat(38));
        assert_eq!(from_folder(Path::new(&long)), Some(format!("{}-d", "a".repeat(38))));
    }

    #[test]
    fn slugs_follow_the_rule() {
        for slug in ["abc", "a-1", "shop-d", "shop-d1a", "git-hub", "a23456789012345678901234567890123456789a"] {
            assert!(is_valid(slug), "{slug}");
        }
        for slug in [
            "",
            "ab",
            "1ab",
            "-ab",
            "ab-",
            "a--b",
            "Abc",
            "a.b",
            "a_b",
            "x-staging",
            "x-d1",
            "a-git-b",
            "caf\u{e9}",
            "a234567890123456789012345678901234567890x",
        ] {
            assert!(!is_valid(slug), "{slug}");
        }
    }
}
