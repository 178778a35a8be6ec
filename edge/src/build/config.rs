//! A site's own configuration files, read at deploy: `miaobu.json`, and those of the peers.
//!
//! Settings of the project apply first; then those that a peer's file implies; then `miaobu.json`. Redirect rules are
//! tried in this order: `miaobu.json`, `_redirects`, `netlify.toml`. Header rules apply in this order, a later one over
//! an earlier one: `netlify.toml`, `_headers`, `miaobu.json`. Of `vercel.json`, `firebase.json` and `serve.json` the first
//! that is there makes the route table, and the others are told of and left alone.
//!
//! Nothing is refused silently: whatever can't be used is in [`Configured::diagnostics`].

mod lines;
mod miaobu;
mod peers;

use std::fmt;

use super::SiteSettings;
use crate::rules::headers::{self, HeaderRule};
use crate::rules::redirects::{self, Limits, RedirectRule};
use crate::rules::{Dialect, Parsed, Refusal, source_line};
use crate::site::format::HtmlHandling;

/// The files that configure a site, by their paths in it. They are not served.
pub const FILES: [&str; 7] =
    ["/_headers", "/_redirects", "/firebase.json", "/miaobu.json", "/netlify.toml", "/serve.json", "/vercel.json"];

/// Longer files are not read.
pub const LONGEST_FILE: u64 = 1 << 20;

/// Past what one value of the edge KV holds, rules lie in shards.
const LIMITS: Limits = Limits::SHARDED;

/// One of [`FILES`], as it is in the deployment.
#[derive(Clone, Copy, Debug)]
pub struct ConfigFile<'a> {
    /// Its path in the site, such as `/_redirects`.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Something in a configuration file that has no effect, told so that its author can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name.
    pub file: String,
    /// The line it begins on, counted from 1; `None` when it is about the file as a whole.
    pub line: Option<u32>,
    /// The text as written; may be empty.
    pub text: String,
    /// Why it has no effect.
    pub reason: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        write!(formatter, ": {}", self.reason)?;
        if self.text.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.text) }
    }
}

/// What configuration files come to.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// How the site is served.
    pub settings: SiteSettings,
    /// Everything that has no effect, file by file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a site's configuration files; `project` holds what applies where they say nothing.
#[must_use]
pub fn configure(files: &[ConfigFile<'_>], project: SiteSettings) -> Configured {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text);
    let mut reading = Reading { settings: project, ..Reading::default() };
    reading.peers(text);
    reading.miaobu(text("/miaobu.json"));
    reading.netlify(text("/netlify.toml"));
    if let Some(text) = text("/_redirects") {
        let pages = reading.settings.html_handling != HtmlHandling::Off;
        let parsed = redirects::parse(text, reading.dialect.redirects(), LIMITS, pages);
        reading.text_redirects = reading.take("_redirects", parsed);
    }
    if let Some(text) = text("/_headers") {
        let parsed = match reading.dialect {
            Grammar::Netlify => headers::parse_netlify(text),
            _ => headers::parse_cloudflare(text, headers::MAX_RULES, LIMITS.line_length),
        };
        reading.text_headers = reading.take("_headers", parsed);
    }
    reading.finish()
}

/// Whose reading of `_redirects` and `_headers` applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Grammar {
    /// Netlify's redirects, the superset, and Cloudflare's headers, which can take a header away.
    #[default]
    Best,
    Netlify,
    Cloudflare,
    GitLab,
}

impl Grammar {
    fn redirects(self) -> Dialect {
        match self {
            Self::Best | Self::Netlify => Dialect::Netlify,
            Self::Cloudflare => Dialect::Cloudflare,
            Self::GitLab => Dialect::GitLab,
        }
    }

    fn headers(self) -> Dialect {
        if self == Self::Netlify { Dialect::Netlify } else { Dialect::Cloudflare }
    }
}

#[derive(Default)]
struct Reading {
    settings: SiteSettings,
    dialect: Grammar,
    own_redirects: Vec<RedirectRule>,
    text_redirects: Vec<RedirectRule>,
    table_redirects: Vec<RedirectRule>,
    table_headers: Vec<HeaderRule>,
    text_headers: Vec<HeaderRule>,
    own_headers: Vec<HeaderRule>,
    diagnostics: Vec<Diagnostic>,
}

impl Reading {
    fn netlify(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        let parsed = redirects::parse_table(text);
        self.table_redirects = self.take("netlify.toml", parsed);
        let Parsed { rules, refused } = headers::parse_table(text);
        // A file that does not parse was told of above.
        let refused = refused.into_iter().filter(|refusal| !self.tells("netlify.toml", refusal)).collect();
        self.table_headers = self.take("netlify.toml", Parsed { rules, refused });
    }

    fn take<Rule>(&mut self, file: &str, parsed: Parsed<Rule>) -> Vec<Rule> {
        self.refuse(file, parsed.refused);
        parsed.rules
    }

    fn refuse(&mut self, file: &str, refused: impl IntoIterator<Item = Refusal>) {
        let told = refused.into_iter().map(|Refusal { line, text, reason }| Diagnostic {
            file: file.to_owned(),
            line,
            text,
            reason,
        });
        self.diagnostics.extend(told);
    }

    fn tells(&self, file: &str, refusal: &Refusal) -> bool {
        self.diagnostics.iter().any(|told| told.file == file && told.line == refusal.line && told.text == refusal.text)
    }

    fn finish(mut self) -> Configured {
        let dialect = self.dialect.redirects();
        let sources = [
            ("miaobu.json", std::mem::take(&mut self.own_redirects)),
            ("_redirects", std::mem::take(&mut self.text_redirects)),
            ("netlify.toml", std::mem::take(&mut self.table_redirects)),
        ];
        // Lines of several files are told apart by compiling each file's rules for its refusals, and all for the image.
        let mut told = 0;
        for (file, rules) in &sources {
            let refused = redirects::compile(rules, dialect, LIMITS).refused;
            told += refused.len();
            self.refuse(file, refused);
        }
        let kept = |(file, rules): (&str, Vec<RedirectRule>)| -> Vec<_> {
            let kept = |rule: RedirectRule| RedirectRule { line: source_line::kept(file, rule.line), ..rule };
            rules.into_iter().map(kept).collect()
        };
        let rules: Vec<_> = sources.into_iter().flat_map(kept).collect();
        let compiled = redirects::compile(&rules, dialect, LIMITS);
        let over = compiled.refused.len().saturating_sub(told);
        if over > 0 {
            let Limits { static_rules, dynamic_rules, .. } = LIMITS;
            let reason = format!(
                "the site's files have more than {static_rules} rules, or {dynamic_rules} with * and placeholders, in all: the last {over} are ignored"
            );
            self.refuse("redirects", [Refusal { line: None, text: String::new(), reason }]);
        }
        if compiled.count > 0 {
            self.settings.rules.redirects = compiled.image;
            self.settings.rules.redirect_source = {
                let used = compiled.used.into_iter().filter_map(|index| rules.get(index).cloned()).collect();
                Some((used, dialect))
            };
        }
        let dialect = self.dialect.headers();
        let sources = [
            ("netlify.toml", std::mem::take(&mut self.table_headers)),
            ("_headers", std::mem::take(&mut self.text_headers)),
            ("miaobu.json", std::mem::take(&mut self.own_headers)),
        ];
        for (file, rules) in &sources {
            self.refuse(file, headers::compile(rules, dialect).refused);
        }
        let kept = |(file, rules): (&str, Vec<HeaderRule>)| -> Vec<_> {
            let kept = |rule: HeaderRule| HeaderRule { line: source_line::kept(file, rule.line), ..rule };
            rules.into_iter().map(kept).collect()
        };
        let rules: Vec<_> = sources.into_iter().flat_map(kept).collect();
        let compiled = headers::compile(&rules, dialect);
        if compiled.count > 0 {
            self.settings.rules.headers = compiled.image;
        }
        Configured { settings: self.settings, diagnostics: self.diagnostics }
    }
}

#[cfg(test)]
mod tests;
