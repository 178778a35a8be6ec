//! Files that are never uploaded: the syntax of `.gitignore`, for `.assetsignore` and the like.

/// A compiled list of ignore patterns.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    segments: Vec<Vec<char>>,
    negative: bool,
    folders_only: bool,
}

/// The files of a site that configure its serving; they are not served unless the site's own list says `!name`.
pub const CONFIGURATION_FILES: [&str; 3] = ["/.assetsignore", "/_redirects", "/_headers"];

impl IgnoreRules {
    /// Reads the text of an ignore file, after the lines in `before`.
    #[must_use]
    pub fn parse<'t>(before: impl IntoIterator<Item = &'t str>, text: &'t str) -> Self {
        let lines = before.into_iter().chain(text.trim_start_matches('\u{feff}').lines());
        Self { rules: lines.filter_map(Rule::parse).collect() }
    }

    /// Whether the file at `path`, relative to the site's folder, is left out. A file in a folder that is left out cannot
    /// be taken in again.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let segments: Vec<Vec<char>> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| segment.to_lowercase().chars().collect())
            .collect();
        (1..segments.len()).any(|end| segments.get(..end).is_some_and(|folder| self.last_says(folder, true)))
            || self.last_says(&segments, false)
    }

    /// What the last pattern says that matches.
    fn last_says(&self, path: &[Vec<char>], is_folder: bool) -> bool {
        let matching = self
            .rules
            .iter()
            .rev()
            .find(|rule| (is_folder || !rule.folders_only) && matches_segments(&rule.segments, path));
        matching.is_some_and(|rule| !rule.negative)
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let line = without_trailing_space(line.trim_end_matches('\r'));
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (negative, pattern) = line.strip_prefix('!').map_or((false, line), |pattern| (true, pattern));
        let folders_only = pattern.ends_with('/');
        let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
        let anchored = pattern.contains('/');
        let rooted = pattern.strip_prefix('/').unwrap_or(pattern);
        if rooted.is_empty() {
            return None;
        }
        // Letters match in both cases, as file systems and the peer's matcher have it.
        let mut segments: Vec<Vec<char>> =
            rooted.split('/').map(|segment| segment.to_lowercase().chars().collect()).collect();
        if !anchored {
            segments.insert(0, vec!['*', '*']);
        }
        Some(Self { segments, negative, folders_only })
    }
}

/// Cuts trailing spaces off, but not one behind a backslash.
fn without_trailing_space(line: &str) -> &str {
    let trimmed = line.trim_end_matches(' ');
    let escaped = trimmed.len() < line.len() && trimmed.ends_with('\\') && !trimmed.ends_with("\\\\");
    if escaped { line.split_at(trimmed.len() + 1).0 } else { trimmed }
}

type Segments<'a> = &'a [Vec<char>];

/// Matches segment by segment; `**` stands for any number of them, at the end for at least one.
///
/// As with a `*` in a segment, only the last `**` is ever lengthened, so that cost stays the product of the lengths.
fn matches_segments(pattern: Segments<'_>, path: Segments<'_>) -> bool {
    let (mut pattern, mut path) = (pattern, path);
    let mut retry: Option<(Segments<'_>, Segments<'_>)> = None;
    loop {
        if let [first, rest @ ..] = pattern
            && *first == ['*', '*']
        {
            if rest.is_empty() {
                return !path.is_empty();
            }
            retry = Some((rest, path));
            pattern = rest;
            continue;
        }
        if pattern.is_empty() && path.is_empty() {
            return true;
        }
        if let ([first, rest @ ..], [segment, after @ ..]) = (pattern, path)
            && matches_chars(first, segment)
        {
            (pattern, path) = (rest, after);
            continue;
        }
        let Some((rest, [_, after @ ..])) = retry else {
            return false;
        };
        retry = Some((rest, after));
        (pattern, path) = (rest, after);
    }
}

/// Matches one segment: `*` any characters, `?` one, `[…]` one of a class, `\` the next as it is.
fn matches_chars(pattern: &[char], text: &[char]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on when what follows the last star did not match: the star may take one more character.
    let mut retry: Option<(&[char], &[char])> = None;
    loop {
        if let ['*', rest @ ..] = pattern {
            retry = Some((rest, text));
            pattern = rest;
            continue;
        }
        let step = match text {
            [] if pattern.is_empty() => return true,
            [] => None,
            [first, after @ ..] => one(pattern, *first).map(|rest| (rest, after)),
        };
        if let Some((rest, after)) = step {
            (pattern, text) = (rest, after);
            continue;
        }
        let Some((rest, [_, after @ ..])) = retry else {
            return false;
        };
        retry = Some((rest, after));
        (pattern, text) = (rest, after);
    }
}

/// What is left of `pattern` when its first element matches `character`.
fn one(pattern: &[char], character: char) -> Option<&[char]> {
    match pattern {
        ['?', rest @ ..] => Some(rest),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] if literal == &character && *literal != '[' => Some(rest),
        ['[', class @ ..] => {
            let (negative, class) = match class {
                ['!' | '^', class @ ..] => (true, class),
                class => (false, class),
            };
            let end = class.iter().skip(1).position(|end| *end == ']')? + 1;
            let (class, rest) = class.split_at(end);
            (in_class(class, character) != negative).then_some(rest.get(1..).unwrap_or_default())
        }
        _ => None,
    }
}

fn in_class(class: &[char], character: char) -> bool {
    let mut rest = class;
    while let [first, after @ ..] = rest {
        if let ['-', last, after @ ..] = after {
            if (*first..=*last).contains(&character) {
                return true;
            }
            rest = after;
            continue;
        }
        if *first == character {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests;
