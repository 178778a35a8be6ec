//! Compiling redirect rules to an image.

use super::conditions::{COOKIE, COUNTRY, HOST, LANGUAGE, QUERY_PRESENT, QUERY_VALUE, ROLE, SCHEME};
use super::rule::{RedirectRule, Source, Values, is_url};
use super::{
    FLAG_ANY_FORCED, FLAG_COLLAPSE, FLAG_COUNTRY, FLAG_FOLD_CASE, FLAG_SLASHLESS, FLAG_UNCONDITIONAL, RULE_EXTERNAL,
    RULE_FORCE, SEED_FOLDER, SEED_WHOLE, gitlab,
};
use crate::hash::hash;
use crate::rules::bytes::{push_block, push_short_text};
use crate::rules::diagnostic::{Dialect, Refusal};
use crate::rules::pattern::{PatternSource, Prefix};
use crate::rules::template;

/// How much of a file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rules without `*` and placeholders.
    pub static_rules: usize,
    /// Rules with them.
    pub dynamic_rules: usize,
    /// Characters of one line.
    pub line_length: usize,
}

impl Limits {
    /// What the peers take.
    pub const INLINE: Self = Self { static_rules: 2_000, dynamic_rules: 100, line_length: 2_000 };
    /// What a site may have. Rules with `*` and placeholders are tried one after the other where they share a folder, so
    /// that they are fewer.
    pub const SHARDED: Self = Self { static_rules: 10_000, ..Self::INLINE };
    /// All of what was counted before.
    pub(crate) const NONE: Self = Self { static_rules: usize::MAX, dynamic_rules: usize::MAX, line_length: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self::INLINE
    }
}

/// What came of compiling.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The image, for [`Redirects::load`](super::Redirects::load).
    pub image: Vec<u8>,
    /// How many rules are in it.
    pub count: usize,
    /// Which of the rules given these are, by their indices.
    pub used: Vec<usize>,
    /// The rules that are not, and why.
    pub refused: Vec<Refusal>,
}

/// Whether a source has a splat or a placeholder.
#[must_use]
pub fn is_dynamic(from: &str) -> bool {
    let path = Source::split(from).path;
    path.contains('*')
        || path.split(':').skip(1).any(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// The path that a rule applies to, when it is one.
pub(crate) fn whole_path(rule: &RedirectRule, dialect: Dialect) -> Option<String> {
    match pattern_of(Source::split(&rule.from).path, dialect).ok()?.prefix {
        Prefix::Whole(path) => Some(path),
        Prefix::Folder(_) => None,
    }
}

/// Compiles `rules`, which are in the order of their precedence.
#[must_use]
pub fn compile(rules: &[RedirectRule], dialect: Dialect, limits: Limits) -> Compiled {
    let mut compiled = Compiled::default();
    let mut image = Image::default();
    let (mut fixed, mut dynamic) = (0, 0);
    for (index, rule) in rules.iter().enumerate() {
        let (count, most) = match is_dynamic(&rule.from) {
            true => (&mut dynamic, limits.dynamic_rules),
            false => (&mut fixed, limits.static_rules),
        };
        *count += 1;
        let added = match *count > most {
            true => Err(format!("more than {most} rules of this kind (with or without * and placeholders)")),
            false => image.add(rule, dialect),
        };
        match added {
            Ok(()) => {
                compiled.count += 1;
                compiled.used.push(index);
            }
            Err(reason) => compiled.refused.push(Refusal::of_line(rule.line, &rule.to_string(), reason)),
        }
    }
    compiled.image = image.finish(dialect);
    compiled
}

#[derive(Default)]
struct Image {
    rules: Vec<Record>,
    entries: Vec<(u64, u32)>,
    blocks: Vec<u8>,
    depth: u16,
    any_forced: bool,
    any_country: bool,
}

/// One rule; offsets count from the start of the blocks.
struct Record {
    pattern: u32,
    template: u32,
    conditions: Option<u32>,
    line: u32,
    status: u16,
    flags: u16,
}

impl Image {
    fn add(&mut self, rule: &RedirectRule, dialect: Dialect) -> Result<(), String> {
        let source = Source::split(&rule.from);
        let pattern = pattern_of(source.path, dialect)?;
        let conditions = conditions_of(rule, source)?;
        let external = is_url(&rule.to);
        let target = target_of(rule, external)?;
        let query: Vec<_> = rule
            .query
            .iter()
            .filter_map(|(key, value)| Some((value.strip_prefix(':')?.to_owned(), key.clone())))
            .collect();
        let names = template::Names {
            captures: &pattern.names,
            query: &query,
            unknown_is_empty: dialect == Dialect::GitLab,
            is_url: true,
        };
        let template = template::compile(&target, names);
        if external {
            check_host(&template)?;
        }
        let status = status_of(rule, dialect)?;
        let record = Record {
            pattern: self.block(&pattern.code)?,
            template: self.block(&template)?,
            conditions: if conditions.is_empty() { None } else { Some(self.block(&conditions)?) },
            line: rule.line,
            status,
            flags: (u16::from(rule.force) * RULE_FORCE) | (u16::from(external) * RULE_EXTERNAL),
        };
        let index = u32::try_from(self.rules.len()).map_err(|_| "too many rules".to_owned())?;
        let key = match &pattern.prefix {
            Prefix::Whole(path) => hash(path.as_bytes(), SEED_WHOLE),
            Prefix::Folder(folder) => {
                let depth = u16::try_from(folder.matches('/').count()).map_err(|_| "too many segments".to_owned())?;
                self.depth = self.depth.max(depth);
                hash(folder.as_bytes(), SEED_FOLDER)
            }
        };
        self.entries.push((key, index));
        self.any_forced |= rule.force;
        self.any_country |= rule.conditions.iter().any(|(name, _)| name.eq_ignore_ascii_case("country"));
        self.rules.push(record);
        Ok(())
    }

    fn block(&mut self, block: &[u8]) -> Result<u32, String> {
        push_block(&mut self.blocks, block).ok_or_else(|| "the rule is too long".to_owned())
    }

    fn finish(mut self, dialect: Dialect) -> Vec<u8> {
        let bits = self.entries.len().next_power_of_two().trailing_zeros().saturating_sub(1).min(16);
        let bucket = |key: u64| key.checked_shr(64 - bits).unwrap_or(0);
        self.entries.sort_unstable_by_key(|(key, rule)| (bucket(*key), *rule));
        let mut flags = u16::from(self.any_forced) * FLAG_ANY_FORCED;
        flags |= u16::from(self.rules.iter().all(|rule| rule.conditions.is_none())) * FLAG_UNCONDITIONAL;
        flags |= u16::from(self.any_country) * FLAG_COUNTRY;
        flags |= match dialect {
            Dialect::Netlify => FLAG_SLASHLESS,
            Dialect::Cloudflare => FLAG_COLLAPSE,
            Dialect::GitLab => FLAG_SLASHLESS | FLAG_FOLD_CASE | FLAG_COLLAPSE,
        };
        let mut image = Vec::new();
        image.extend(flags.to_le_bytes());
        image.extend(self.depth.to_le_bytes());
        // Counts and offsets fit: a file is bounded by its limits, a block by its own length.
        image.extend(count(self.rules.len()).to_le_bytes());
        image.extend(bits.to_le_bytes());
        let buckets = (1_usize << bits) + 1;
        let base = count(
            image.len()
                + self.rules.len() * super::RULE_LENGTH
                + buckets * 4
                + self.entries.len() * super::ENTRY_LENGTH,
        );
        for rule in &self.rules {
            let conditions = rule.conditions.map_or(0, |offset| base + offset);
            for value in [base + rule.pattern, base + rule.template, conditions, rule.line] {
                image.extend(value.to_le_bytes());
            }
            image.extend(rule.status.to_le_bytes());
            image.extend(rule.flags.to_le_bytes());
        }
        for index in 0..buckets {
            let first =
                self.entries.partition_point(|(key, _)| usize::try_from(bucket(*key)).is_ok_and(|at| at < index));
            image.extend(count(first).to_le_bytes());
        }
        for (key, rule) in &self.entries {
            image.extend(key.to_le_bytes().iter().take(4));
            image.extend(rule.to_le_bytes());
        }
        image.extend(self.blocks);
        image
    }
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn pattern_of(path: &str, dialect: Dialect) -> Result<PatternSource, String> {
    let rooted = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    match dialect {
        _ if path.is_empty() => Err("a URL as the source needs a path, at least /".to_owned()),
        Dialect::Netlify => PatternSource::netlify(&rooted),
        Dialect::Cloudflare => PatternSource::cloudflare(&rooted),
        Dialect::GitLab => PatternSource::gitlab(&rooted),
    }
}

fn status_of(rule: &RedirectRule, dialect: Dialect) -> Result<u16, String> {
    if dialect == Dialect::GitLab {
        gitlab::validate_rule(rule)?;
    }
    let status = rule.status.unwrap_or(if dialect == Dialect::Cloudflare { 302 } else { 301 });
    match status {
        200 | 301 | 302 | 303 | 307 | 308 | 400..=599 => Ok(status),
        _ => Err(format!("the status must be 200, 301, 302, 303, 307, 308 or an error, not {status}")),
    }
}

/// The target as a path of this site or a URL.
fn target_of(rule: &RedirectRule, external: bool) -> Result<String, String> {
    let rest = rule.to.trim_start_matches(['/', '\\']);
    if rule.to.len() - rest.len() > 1 && !rest.is_empty() {
        return Err("a target that begins with two slashes leads to another host: write https://".to_owned());
    }
    Ok(if external || rule.to.starts_with('/') { rule.to.clone() } else { format!("/{}", rule.to) })
}

/// Refuses a URL whose host a visitor could choose: what follows a placeholder there must be a fixed domain.
fn check_host(template: &[u8]) -> Result<(), String> {
    let (mut authority, mut open, mut rest) = (String::new(), true, template);
    while let (true, Some((kind, after))) = (open, rest.split_first()) {
        if *kind == template::CAPTURE {
            authority.push('\0');
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let (text, after) = crate::rules::bytes::short_text(after).unwrap_or_default();
        if *kind == template::QUERY {
            authority.push('\0');
        } else {
            authority.push_str(text);
            open = !authority.split_once("://").is_some_and(|(_, host)| host.contains(['/', '?', '#']));
        }
        rest = after;
    }
    let host = authority.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or(host);
    let fixed = host.rsplit('\0').next().unwrap_or(host);
    let safe =
        if host.contains('\0') { fixed.starts_with('.') && fixed.matches('.').count() > 1 } else { !host.is_empty() };
    if safe && !host.contains('@') {
        Ok(())
    } else {
        Err("a placeholder in the host must be followed by a fixed domain, as in https://:name.example.com/".to_owned())
    }
}

fn conditions_of(rule: &RedirectRule, source: Source<'_>) -> Result<Vec<u8>, String> {
    let mut block = Vec::new();
    let too_long = || "a condition is longer than 255 characters".to_owned();
    if let Some(scheme) = source.scheme {
        block.extend([SCHEME, u8::from(scheme == "https")]);
    }
    if let Some(host) = source.host {
        if host.is_empty() || host.contains(['*', '@']) || host.starts_with(':') {
            return Err(format!("{host:?} is not a host"));
        }
        block.push(HOST);
        push_short_text(&mut block, &host.to_ascii_lowercase()).ok_or_else(too_long)?;
    }
    for (name, value) in &rule.query {
        let captured = value.strip_prefix(':').is_some_and(|name| !name.is_empty());
        block.push(if captured { QUERY_PRESENT } else { QUERY_VALUE });
        push_short_text(&mut block, name).ok_or_else(too_long)?;
        if !captured {
            push_short_text(&mut block, value).ok_or_else(too_long)?;
        }
    }
    for (name, values) in &rule.conditions {
        let kind = match name.to_ascii_lowercase().as_str() {
            "country" => COUNTRY,
            "language" => LANGUAGE,
            "role" => ROLE,
            "cookie" => COOKIE,
            _ => {
                return Err(format!("{name} is not a condition: use Country, Language, Role or Cookie"));
            }
        };
        push_list(&mut block, kind, values).ok_or_else(too_long)?;
    }
    Ok(block)
}

fn push_list(block: &mut Vec<u8>, kind: u8, values: &Values) -> Option<()> {
    block.extend([kind, u8::try_from(values.iter().count()).ok()?]);
    values.iter().try_for_each(|value| push_short_text(block, value))
}
