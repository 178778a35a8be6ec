//! Templates of a rewrite's request path: parameters as `:name`, references as `$1` and `$name`.

use super::segments::{UNNAMED, fill, references};

/// Turns the template into references to what the route captures.
///
/// # Errors
/// The sentence that says which parameter is unknown, or which one is written as a reference though it is none.
pub(super) fn compile(
    template: &str,
    segments: &[String],
    condition_segments: &[String],
    environment: &[&str],
) -> Result<String, String> {
    let references = references(segments, condition_segments);
    for name in names_behind(template, ':') {
        if references.get(name).is_none() {
            return Err(format!(
                "Path template references parameter \":{name}\" that is not present in the source or has conditions."
            ));
        }
    }
    let is_parameter = |name: &str| {
        segments.iter().filter(|name| *name != UNNAMED).chain(condition_segments).any(|known| known == name)
    };
    for name in names_behind(template, '$') {
        if is_parameter(name) && !environment.contains(&name) {
            return Err(format!(
                "Path template references route parameter \"{name}\" as `${name}`. Use `:{name}` path-to-regexp syntax \
                 in high-level rewrites, or list \"{name}\" in the transform env allowlist if it is an environment \
                 variable."
            ));
        }
    }
    fill(template, &references, true).map_err(|error| error.to_string())
}

/// The identifiers that directly follow an unescaped `sign`; behind `$` also those in braces.
fn names_behind(template: &str, sign: char) -> Vec<&str> {
    let mut names = Vec::new();
    let mut backslashes = 0;
    for (index, char) in template.char_indices() {
        if char == sign && backslashes % 2 == 0 {
            let rest = template.get(index + 1..).unwrap_or_default();
            let braced = rest.strip_prefix('{').filter(|_| sign == '$');
            let name = braced.and_then(|rest| {
                identifier(rest).filter(|name| rest.get(name.len()..).is_some_and(|rest| rest.starts_with('}')))
            });
            names.extend(name.or_else(|| identifier(rest)));
        }
        backslashes = if char == '\\' { backslashes + 1 } else { 0 };
    }
    names
}

fn identifier(text: &str) -> Option<&str> {
    let end = text.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(text.len());
    let name = text.get(..end)?;
    (!name.is_empty() && !name.starts_with(|char: char| char.is_ascii_digit())).then_some(name)
}
