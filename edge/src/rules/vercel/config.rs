//! A vercel.json as a whole.

use serde_json::Value;

use super::check::Section;
use super::lower::lower_at;
use super::{ConfigError, Schema, validate};
use crate::request::{VERCEL_COUNTRY, VERCEL_OWN};
use crate::rules::diagnostic::Refusal;
use crate::rules::json_lines::Lines;
use crate::rules::lowered::{Lowered, Rule, rules};

/// What a vercel.json may hold without a word from us: routing, and what only the peer's builds and its own service go by.
const KNOWN: [&str; 21] = [
    "$schema",
    "alias",
    "build",
    "buildCommand",
    "cleanUrls",
    "devCommand",
    "framework",
    "git",
    "github",
    "headers",
    "ignoreCommand",
    "installCommand",
    "name",
    "outputDirectory",
    "public",
    "redirects",
    "rewrites",
    "routes",
    "scope",
    "trailingSlash",
    "version",
];

/// Reads and lowers the text of a vercel.json; what is about builds is left alone.
///
/// # Errors
/// Everything that is wrong: a text that is no JSON, sections that are not what they must be, or the first rule that
/// cannot be lowered. As at the peer, one wrong rule spoils the file.
pub fn read(text: &str) -> Result<Lowered, Vec<Refusal>> {
    let (config, lines) = Lines::read("vercel.json", text).map_err(|refusal| vec![refusal])?;
    let refused = wrong_sections(&config, &lines);
    if !refused.is_empty() {
        return Err(refused);
    }
    let routes = lower_at(&config, &lines).map_err(|ConfigError { code, messages }| {
        messages.into_iter().map(|message| refusal(code, message, &lines)).collect::<Vec<_>>()
    })?;
    Ok(Lowered {
        routes: routes.unwrap_or_default(),
        clean_urls: config.get("cleanUrls") == Some(&Value::Bool(true)),
        trailing_slash: config.get("trailingSlash").and_then(Value::as_bool),
        // The older way to write rules took paths in any case.
        case_sensitive: config.get("routes").is_none(),
        refused: [
            lines.unknown(&config, "", &KNOWN, "this has no effect here: only routing is read from a vercel.json"),
            unsaid_headers(&config, &lines),
        ]
        .concat(),
        ..Lowered::default()
    })
}

/// Conditions on headers that Vercel sets and nobody here does.
fn unsaid_headers(config: &Value, lines: &Lines) -> Vec<Refusal> {
    let sections = ["redirects", "headers", "rewrites", "routes"].into_iter();
    let all = sections.flat_map(|section| rules(config, section, lines, ""));
    let conditions = all.flat_map(|Rule { value, pointer, .. }| {
        ["has", "missing"].into_iter().flat_map(move |list| rules(value, list, lines, &pointer))
    });
    let told = |Rule { value, pointer, .. }: Rule<'_>| {
        let key = value.get("key")?.as_str()?;
        let name = key.to_ascii_lowercase();
        let is_unsaid = value.get("type")? == "header" && name.starts_with(VERCEL_OWN) && name != VERCEL_COUNTRY;
        let reason = "nobody here sets this header, so no request has it".to_owned();
        is_unsaid.then(|| Refusal { line: lines.near(&pointer), text: key.to_owned(), reason })
    };
    conditions.filter_map(told).collect()
}

/// What is told of a rule that cannot be lowered. The peer's sentences name it by its place in its section.
fn refusal(code: &'static str, reason: String, lines: &Lines) -> Refusal {
    let sections = [Section::Redirects, Section::Headers, Section::Rewrites];
    let section = sections.into_iter().find(|section| section.code() == code).map_or("routes", Section::name);
    let place = reason.split_once(" at index ").and_then(|(_, rest)| rest.split(' ').next());
    let line = place.and_then(|place| lines.near(&format!("/{section}/{place}")));
    Refusal { line, text: code.to_owned(), reason }
}

/// The first wrong value of each section.
fn wrong_sections(config: &Value, lines: &Lines) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for (name, schema) in Schema::SECTIONS {
        let Some(problems) = config.get(name).and_then(|section| validate(schema, section).err()) else {
            continue;
        };
        // The innermost problem says most.
        if let Some(problem) = problems.into_iter().max_by_key(|problem| problem.at.len()) {
            let text = format!("{name}{}", problem.at);
            let pointer = text.replace(['[', '.'], "/").replace(']', "");
            refused.push(Refusal { line: lines.near(&format!("/{pointer}")), text, reason: problem.reason });
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_file_is_lowered_or_refused_as_a_whole() {
        let lowered =
            read(r#"{ "name": "x", "cleanUrls": true, "redirects": [{ "source": "/a", "destination": "/b" }] }"#);
        let lowered = lowered.unwrap();
        assert_eq!((lowered.routes.len(), lowered.clean_urls, lowered.trailing_slash), (3, true, None));
        assert!(lowered.table().0.is_some());
        for (text, line, place, reason) in [
            ("{\n  \"a\" 1\n}", 2, "\"a\" 1", "this is not JSON"),
            ("{ \"redirects\": [\n\n{ \"source\": \"/a\" }] }", 3, "redirects[0]", "must have `destination`"),
            ("{\n\"cleanUrls\": 1 }", 2, "cleanUrls", "must be true or false"),
            (
                "{ \"rewrites\": [\n{ \"source\": \"/:\", \"destination\": \"/\" }] }",
                2,
                "invalid_rewrite",
                "Rewrite at index 0",
            ),
        ] {
            let refused = read(text).unwrap_err();
            assert_eq!((refused[0].text.as_str(), refused[0].line), (place, Some(line)));
            assert!(refused[0].reason.starts_with(reason), "{}", refused[0]);
        }
    }
}
