//! Project slugs.

use std::fmt;

/// The name of a project: 3 to 40 lower-case letters, digits and single hyphens, a letter first.
///
/// It is the first label of the project's hostnames, so it may neither be reserved nor look like one of the labels that
/// the platform makes from slugs (`-staging`, `-git-`, `-d` + digits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// Why a text is not a slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlug {
    /// Shorter than 3 or longer than 40 characters.
    #[error("a slug has 3 to 40 characters, this one has {0}")]
    Length(usize),
    /// A character outside `a-z`, `0-9` and `-`.
    #[error("a slug is made of lower-case letters, digits and hyphens; {0:?} is none of them")]
    Character(char),
    /// Does not begin with a letter.
    #[error("a slug begins with a letter")]
    FirstCharacter,
    /// A hyphen at the end, or two in a row.
    #[error("hyphens in a slug stand single and between other characters")]
    Hyphen,
    /// A name that the platform keeps for itself.
    #[error("{0:?} is a reserved name")]
    Reserved(String),
    /// Would be mistaken for a hostname that the platform derives from another slug.
    #[error("a slug does not {0}: such names belong to previews and pinned deployments")]
    Derived(&'static str),
}

const RESERVED: &[&str] = &[
    "account",
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "billing",
    "blog",
    "cdn",
    "console",
    "dashboard",
    "dev",
    "docs",
    "edge",
    "email",
    "files",
    "ftp",
    "git",
    "graphql",
    "health",
    "help",
    "host",
    "imap",
    "internal",
    "localhost",
    "login",
    "logout",
    "mail",
    "metrics",
    "miaobu",
    "monitor",
    "news",
    "oauth",
    "official",
    "ping",
    "pop",
    "preview",
    "production",
    "proxy",
    "public",
    "redoc",
    "root",
    "routine",
    "security",
    "signup",
    "smtp",
    "ssh",
    "ssl",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "test",
    "tls",
    "token",
    "tokens",
    "user",
    "users",
    "vpn",
    "webhook",
    "webhooks",
    "webmail",
    "www",
];

impl Slug {
    /// Returns the slug that `text` is, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let length = text.chars().count();
        if !(3..=40).contains(&length) {
            return Err(InvalidSlug::Length(length));
        }
        if let Some(other) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(InvalidSlug::Character(other));
        }
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(InvalidSlug::FirstCharacter);
        }
        if text.ends_with('-') || text.contains("--") {
            return Err(InvalidSlug::Hyphen);
        }
        if RESERVED.contains(&text) {
            return Err(InvalidSlug::Reserved(text.to_owned()));
        }
        if text.ends_with("-staging") {
            return Err(InvalidSlug::Derived("end in \"-staging\""));
        }
        if text.contains("-git-") {
            return Err(InvalidSlug::Derived("contain \"-git-\""));
        }
        if ends_like_pinned(text) {
            return Err(InvalidSlug::Derived("end in \"-d\" and digits"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn ends_like_pinned(text: &str) -> bool {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    head.len() < text.len() && head.ends_with("-d")
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_accepted_or_refused_with_a_reason() {
        use InvalidSlug::*;
        let forty = "a".repeat(40);
        let cases: &[(&str, Result<(), InvalidSlug>)] = &[
            ("abc", Ok(())),
            ("my-site-2", Ok(())),
            (&forty, Ok(())),
            ("ab", Err(Length(2))),
            (&format!("{forty}a"), Err(Length(41))),
            ("My-site", Err(Character('M'))),
            ("a_b", Err(Character('_'))),
            ("a.b", Err(Character('.'))),
            ("秒部秒部", Err(Character('秒'))),
            ("1abc", Err(FirstCharacter)),
            ("-abc", Err(FirstCharacter)),
            ("abc-", Err(Hyphen)),
            ("a--b", Err(Hyphen)),
            ("api", Err(Reserved("api".into()))),
            ("shop-staging", Err(Derived("end in \"-staging\""))),
            ("shop-git-main", Err(Derived("contain \"-git-\""))),
            ("shop-d42", Err(Derived("end in \"-d\" and digits"))),
            ("shop-d", Ok(())),
            ("shopd42", Ok(())),
        ];
        for (text, expected) in cases {
            assert_eq!(Slug::parse(text).map(|_| ()), *expected, "{text}");
        }
    }
}
