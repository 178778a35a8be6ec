//! Suite `path-to-regexp`: patterns read, matched and filled in.

use miaobu_edge::rules::path_to_regexp::{
    Key, Name, Options, Params, Token, Value as Param, compile, parse, path_to_regexp,
};
use miaobu_edge::rules::regex::{Budget, Captures, Pattern, search};
use serde_json::{Map, Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let pattern = case["pattern"].as_str().expect("a pattern is a text");
    let options = options(&case["options"]);
    let got = match case["op"].as_str() {
        Some("parse") => match parse(pattern, &options) {
            Ok(tokens) => json!({ "tokens": tokens.iter().map(token).collect::<Vec<_>>() }),
            Err(error) => json!({ "error": true, "message": error.to_string() }),
        },
        Some("match") => {
            let path = case["path"].as_str().expect("a path is a text");
            json!({
                "captures": captures(pattern, &options, path),
                "params_default_options": params(pattern, &Options::default(), path),
            })
        }
        Some("compile") => match compile(pattern, &values(&case["params"]), &options) {
            Ok(path) => json!({ "path": path }),
            Err(error) => json!({ "error": true, "message": error.to_string() }),
        },
        _ => {
            return Outcome::Unclaimed { why: "unknown operation" };
        }
    };
    Outcome::of(&case["expect"], got)
}

fn options(given: &Value) -> Options {
    let default = Options::default();
    let flag = |name: &str, default| given[name].as_bool().unwrap_or(default);
    let text = |name: &str, default: String| given[name].as_str().map_or(default, str::to_owned);
    Options {
        sensitive: flag("sensitive", default.sensitive),
        strict: flag("strict", default.strict),
        start: flag("start", default.start),
        end: flag("end", default.end),
        delimiter: text("delimiter", default.delimiter),
        ends_with: text("endsWith", default.ends_with),
        prefixes: text("prefixes", default.prefixes),
        validate: flag("validate", default.validate),
    }
}

fn token(token: &Token) -> Value {
    match token {
        Token::Text(text) => json!(text),
        Token::Key(Key { name, prefix, suffix, pattern, modifier }) => json!({
            "name": match name {
                Name::Text(name) => json!(name),
                Name::Index(index) => json!(index),
            },
            "prefix": prefix,
            "suffix": suffix,
            "pattern": pattern,
            "modifier": modifier.as_str(),
        }),
    }
}

/// The groups of the match, the whole match first; `None` for no match.
fn captures(pattern: &str, options: &Options, path: &str) -> Option<Vec<Option<String>>> {
    let expression = path_to_regexp(pattern, options).expect("a pattern to match is valid");
    let program =
        Pattern::parse(&expression.source).ok()?.compile(!options.sensitive).expect("a pattern to match compiles");
    let mut captures = Captures::default();
    search(&program, path, &mut captures, &mut Budget::default())
        .then(|| (0..=captures.groups()).map(|group| captures.get(group, path).map(str::to_owned)).collect())
}

/// The parameters of the match by name, `false` for no match.
fn params(pattern: &str, options: &Options, path: &str) -> Value {
    let expression = path_to_regexp(pattern, options).expect("a pattern to match is valid");
    let Some(captures) = captures(pattern, options, path) else {
        return json!(false);
    };
    let mut params = Map::new();
    for (key, value) in expression.keys.iter().zip(captures.into_iter().skip(1)) {
        let Some(value) = value else { continue };
        let repeats = matches!(key.modifier.as_str(), "*" | "+");
        let between = format!("{}{}", key.prefix, key.suffix);
        let value = match (repeats, between.is_empty()) {
            (true, false) => json!(value.split(&between).collect::<Vec<_>>()),
            (true, true) => json!(value.chars().map(String::from).collect::<Vec<_>>()),
            (false, _) => json!(value),
        };
        params.insert(key.name.to_string(), value);
    }
    Value::Object(params)
}

fn values(given: &Value) -> Params {
    let mut params = Params::default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (name, value) in given.as_object().into_iter().flatten() {
        match value {
            Value::Array(values) => params.set(name, Param::List(values.iter().map(text).collect())),
            Value::String(_) | Value::Number(_) => params.set(name, Param::Text(text(value))),
            _ => {}
        }
    }
    params
}
