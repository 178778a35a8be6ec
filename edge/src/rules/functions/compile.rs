//! Reading and compiling `run_first` rules.

use crate::rules::bytes::push_short_text;

/// More rules than this are refused.
const MAX_RULES: usize = 100;
/// Longer rules are refused.
const MAX_LENGTH: usize = 100;

/// Rules taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionRules {
    /// Globs of paths that go to the function.
    pub function_first: Vec<String>,
    /// Globs of paths that go to the assets; they come before the others.
    pub assets_first: Vec<String>,
}

/// Reads rules; `!` before one sends its paths to the assets. Returns the reasons for a refusal, one for each problem.
pub fn parse(rules: &[String]) -> Result<FunctionRules, Vec<String>> {
    if rules.is_empty() {
        return Err(vec!["run_first has no rules: give at least one, or true for all paths".to_owned()]);
    }
    if rules.len() > MAX_RULES {
        return Err(vec![format!("run_first has {} rules, more than {MAX_RULES}", rules.len())]);
    }
    let mut parsed = FunctionRules::default();
    let mut problems = Vec::new();
    for rule in rules {
        match (rule.strip_prefix('!'), rule.starts_with('/')) {
            (Some(path), _) if path.starts_with('/') => parsed.assets_first.push(path.to_owned()),
            (Some(_), _) => problems.push(format!("{rule}: a negative rule must begin with !/")),
            (None, true) => parsed.function_first.push(rule.clone()),
            (None, false) => problems.push(format!("{rule}: a rule must begin with / or !/")),
        }
    }
    if parsed.function_first.is_empty() && !parsed.assets_first.is_empty() {
        return Err(vec!["run_first has only negative rules: give at least one that is not".to_owned()]);
    }
    check(&parsed.function_first, "", &mut problems);
    check(&parsed.assets_first, "!", &mut problems);
    if problems.is_empty() { Ok(parsed) } else { Err(problems) }
}

/// Compiles rules for [`Routing`](super::Routing).
#[must_use]
pub fn compile(rules: &FunctionRules) -> Vec<u8> {
    let mut image = Vec::new();
    // Parsing has bounded the lengths and refused empty rules.
    let mut push = |globs: &[String]| globs.iter().try_for_each(|glob| push_short_text(&mut image, glob));
    let _ = push(&rules.assets_first);
    let _ = push(&[String::new()]);
    let _ = push(&rules.function_first);
    image
}

fn check(rules: &[String], sign: &str, problems: &mut Vec<String>) {
    for (index, rule) in rules.iter().enumerate() {
        if sign.len() + rule.chars().count() > MAX_LENGTH {
            problems.push(format!("{sign}{rule}: a rule has at most {MAX_LENGTH} characters"));
        }
        if rules.iter().take(index).any(|earlier| earlier == rule) {
            problems.push(format!("{sign}{rule}: the rule stands twice"));
        }
        let Some(start) = rule.strip_suffix('*') else {
            continue;
        };
        let redundant = rules.iter().filter(|other| *other != rule && other.starts_with(start));
        problems.extend(redundant.map(|other| format!("{sign}{other}: {sign}{rule} covers it already")));
    }
}
