//! A site's own configuration files, read at deploy: `miaobu.json`, and those of the peers.
//!
//! Settings of the project apply first; then those that a peer's file implies; then `miaobu.json`. Redirect rules are
//! tried in this order: `miaobu.json`, `_redirects`, `netlify.toml`. Header rules apply in this order, a later one over
//! an earlier one: `netlify.toml`, `_headers`, `miaobu.json`. Of `vercel.json`, `firebase.json` and `serve.json` the first
//! that is there makes the route table, and the others are told of and left alone.
//!
//! Nothing is refused silently: whatever can't be used is in [`Configured::diagnostics`].

mod demands;
mod fields;
mod miaobu;
mod netlify;
mod peers;
mod unheeded;

use std::fmt;

use self::demands::Demand;
use self::fields::FieldPlaces;
use super::SiteSettings;
use crate::rules::headers::{self, HeaderRule};
use crate::rules::redirects::{self, Limits, RedirectRule};
use crate::rules::{Dialect, Lines, Parsed, Refusal, source_line};
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

impl Diagnostic {
    fn of(file: &str, Refusal { line, text, reason }: Refusal) -> Self {
        Self { file: file.to_owned(), line: line.filter(|line| *line > 0), text, reason }
    }
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
    /// Everything that has no effect, file by file. [`Configured::hold_against`] adds what depends on the rest of the
    /// deployment.
    pub diagnostics: Vec<Diagnostic>,
    demands: Vec<Demand>,
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
        let parsed = redirects::parse(text, reading.settings.dialect.redirects(), LIMITS, pages);
        reading.text_redirects = reading.take("_redirects", parsed);
    }
    if let Some(text) = text("/_headers") {
        let parsed = match reading.settings.dialect {
            Grammar::Netlify => headers::parse_netlify(text),
            _ => headers::parse_cloudflare(text, headers::MAX_RULES, LIMITS.line_length),
        };
        reading.text_headers = reading.take("_headers", parsed);
    }
    let field_places = FieldPlaces { text: text("/_headers"), table: text("/netlify.toml") };
    reading.finish(&field_places)
}

/// Whose reading of `_redirects` and `_headers` applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grammar {
    /// Netlify's redirects, the superset, and Cloudflare's headers, which can take a header away.
    #[default]
    Best,
    /// Netlify's of both.
    Netlify,
    /// Cloudflare's of both.
    Cloudflare,
    /// GitLab Pages' redirects, and Cloudflare's headers.
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
    own_redirects: Vec<RedirectRule>,
    text_redirects: Vec<RedirectRule>,
    table_redirects: Vec<RedirectRule>,
    table_headers: Vec<HeaderRule>,
    text_headers: Vec<HeaderRule>,
    own_headers: Vec<HeaderRule>,
    own_lines: Lines,
    diagnostics: Vec<Diagnostic>,
    demands: Vec<Demand>,
}

impl Reading {
    fn take<Rule>(&mut self, file: &str, parsed: Parsed<Rule>) -> Vec<Rule> {
        self.refuse(file, parsed.refused);
        parsed.rules
    }

    fn refuse(&mut self, file: &str, refused: impl IntoIterator<Item = Refusal>) {
        self.diagnostics.extend(refused.into_iter().map(|refusal| Diagnostic::of(file, refusal)));
    }

    fn tells(&self, file: &str, refusal: &Refusal) -> bool {
        self.diagnostics.iter().any(|told| told.file == file && told.line == refusal.line && told.text == refusal.text)
    }

    fn finish(mut self, places: &FieldPlaces<'_>) -> Configured {
        let dialect = self.settings.dialect.redirects();
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
            self.refuse(file, unheeded::told(rules));
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
            let mut used: Vec<_> = compiled.used.into_iter().filter_map(|index| rules.get(index).cloned()).collect();
            let closing = unheeded::closing(&used);
            self.settings.rules.redirects = compiled.image;
            if !closing.is_empty() {
                used.extend(closing);
                self.settings.rules.redirects = redirects::compile(&used, dialect, Limits::NONE).image;
            }
            self.settings.rules.redirect_source = Some((used, dialect));
        }
        let dialect = self.settings.dialect.headers();
        let sources = [
            ("netlify.toml", std::mem::take(&mut self.table_headers)),
            ("_headers", std::mem::take(&mut self.text_headers)),
            ("miaobu.json", std::mem::take(&mut self.own_headers)),
        ];
        for (file, rules) in &sources {
            let refused = headers::compile(rules, dialect).refused;
            let refused = places.all_placed(file, refused, &self.own_lines);
            self.refuse(file, refused);
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
        Configured { settings: self.settings, diagnostics: self.diagnostics, demands: self.demands }
    }
}

#[cfg(test)]
mod tests;
