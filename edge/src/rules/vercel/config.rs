//! A vercel.json as a whole.

use serde_json::Value;

use super::{ConfigError, Schema, lower, validate};
use crate::rules::diagnostic::Refusal;
use crate::rules::lowered::{Lowered, read_json};

/// Reads and lowers the text of a vercel.json; what is not about routing is left alone.
///
/// # Errors
/// Everything that is wrong: a text that is no JSON, sections that are not what they must be, or the first rule that
/// cannot be lowered. As at the peer, one wrong rule spoils the file.
pub fn read(text: &str) -> Result<Lowered, Vec<Refusal>> {
    let config = read_json(text).map_err(|refusal| vec![refusal])?;
    let refused = wrong_sections(&config);
    if !refused.is_empty() {
        return Err(refused);
    }
    let routes = lower(&config).map_err(|ConfigError { code, messages }| {
        let refusal = |reason| Refusal { line: None, text: code.to_owned(), reason };
        messages.into_iter().map(refusal).collect::<Vec<_>>()
    })?;
    Ok(Lowered {
        routes: routes.unwrap_or_default(),
        clean_urls: config.get("cleanUrls") == Some(&Value::Bool(true)),
        trailing_slash: config.get("trailingSlash").and_then(Value::as_bool),
        // The older way to write rules took paths in any case.
        case_sensitive: config.get("routes").is_none(),
        ..Lowered::default()
    })
}

/// The first wrong value of each section.
fn wrong_sections(config: &Value) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for (name, schema) in Schema::SECTIONS {
        let Some(problems) = config.get(name).and_then(|section| validate(schema, section).err()) else {
            continue;
        };
        // The innermost problem says most.
        if let Some(problem) = problems.into_iter().max_by_key(|problem| problem.at.len()) {
            let text = format!("{name}{}", problem.at);
            refused.push(Refusal { line: None, text, reason: problem.reason });
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
        for (text, place, reason) in [
            ("{\n  \"a\" 1\n}", "\"a\" 1", "this is not JSON"),
            (r#"{ "redirects": [{ "source": "/a" }] }"#, "redirects[0]", "must have `destination`"),
            (r#"{ "cleanUrls": 1 }"#, "cleanUrls", "must be true or false"),
            (r#"{ "rewrites": [{ "source": "/:", "destination": "/" }] }"#, "invalid_rewrite", "Rewrite at index 0"),
        ] {
            let refused = read(text).unwrap_err();
            assert_eq!(refused[0].text, place);
            assert!(refused[0].reason.starts_with(reason), "{}", refused[0]);
        }
    }
}
