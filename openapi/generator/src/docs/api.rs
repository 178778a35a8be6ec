//! The API reference: a page for each group of operations.

use std::fmt::Write as _;

use serde_json::Value;

use super::example;
use super::language::Language;
use super::markdown::{Text, fragment};
use super::page::{Page, Part, escaped};

/// Returns the pages of the reference.
pub fn pages(language: &Language, document: &Value) -> Vec<Page> {
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| page(language, document, tag)).collect()
}

fn page(language: &Language, document: &Value, tag: &Value) -> Page {
    let name = tag["name"].as_str().unwrap_or_default();
    let own = language.tags.iter().find(|(tag, ..)| *tag == name);
    let title = own.map_or_else(|| spaced(name), |(_, title, _)| (*title).to_owned());
    let about = own.map_or_else(|| tag["description"].as_str().unwrap_or_default(), |(.., about)| about);
    let (mut html, mut headings) = (fragment(about) + language.reference_text, Vec::new());
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if operation["tags"][0] == name {
                headings.push((word(operation, "operationId").to_owned(), summary(language, operation).to_owned()));
                write_operation(&mut html, language, document, (path, method, operation));
            }
        }
    }
    let text = Text { title, summary: about.to_owned(), html, headings };
    Page::of(&format!("api-{}", name.to_lowercase()), text, Part::Reference)
}

/// Returns `EnvVars` as people write it.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

fn write_operation(
    html: &mut String,
    language: &Language,
    document: &Value,
    (path, method, operation): (&str, &str, &Value),
) {
    let method = method.to_uppercase();
    _ = write!(
        html,
        "<section>\n<h2 id=\"{}\">{}</h2>\n<p class=\"operation\"><code><b>{method}</b> {}</code> <code class=\"id\">{0}</code></p>\n{}",
        word(operation, "operationId"),
        escaped(summary(language, operation)),
        escaped(path),
        fragment(word(operation, "description")),
    );
    _ = writeln!(html, "<p>{}</p>", needs(language, operation));
    write_parameters(html, language, operation);
    let body = &operation["requestBody"]["content"];
    let sent = body["application/json"]["schema"]
        .as_object()
        .map(|_| example::of(document, &body["application/json"]["schema"]));
    if let Some(sent) = &sent {
        _ = writeln!(html, "<h3>{}</h3>\n<p><code>application/json</code></p>", language.request);
        write_json(html, sent);
    } else if body.is_object() {
        _ = writeln!(
            html,
            "<h3>{}</h3>\n<p><code>application/octet-stream</code>: {}</p>",
            language.request, language.bytes
        );
    }
    _ = writeln!(
        html,
        "<h3>{}</h3>\n<pre><code>{}</code></pre>",
        language.example,
        escaped(&curl(&method, path, operation, sent.as_ref()))
    );
    write_answer(html, language, document, operation);
    _ = writeln!(html, "<h3>{}</h3>\n<p>{}</p>\n</section>", language.errors, language.errors_text);
}

fn needs(language: &Language, operation: &Value) -> String {
    let mut text = match word(operation, "x-required-scope") {
        "" | "none" => language.needs_nothing.to_owned(),
        "session" => language.needs_session.to_owned(),
        scope => format!("{} <code>{}</code>", language.needs, escaped(scope)),
    };
    let role = word(operation, "x-required-role");
    if !matches!(role, "" | "none") {
        _ = write!(text, " · {} <code>{}</code>", language.role, escaped(role));
    }
    text
}

fn write_parameters(html: &mut String, language: &Language, operation: &Value) {
    let Some(parameters) = operation["parameters"].as_array().filter(|parameters| !parameters.is_empty()) else {
        return;
    };
    let [name, place, meaning] = language.parameter_columns;
    _ = writeln!(
        html,
        "<h3>{}</h3>\n<div class=\"wide\"><table>\n<tr><th>{name}</th><th>{place}</th><th>{meaning}</th></tr>",
        language.parameters
    );
    for parameter in parameters {
        let required = if parameter["required"] == true { format!(" ({})", language.required) } else { String::new() };
        _ = writeln!(
            html,
            "<tr><td><code>{}</code>{required}</td><td>{}</td><td>{}</td></tr>",
            escaped(word(parameter, "name")),
            escaped(word(parameter, "in")),
            fragment(word(parameter, "description")),
        );
    }
    html.push_str("</table></div>\n");
}

fn write_answer(html: &mut String, language: &Language, document: &Value, operation: &Value) {
    let answers = operation["responses"].as_object().into_iter().flatten();
    for (status, answer) in answers.filter(|(status, _)| !status.ends_with("XX")) {
        _ = write!(
            html,
            "<h3>{} <code>{status}</code></h3>\n{}",
            language.answer,
            fragment(word(answer, "description"))
        );
        let content = answer["content"].as_object().filter(|content| !content.is_empty());
        match content.and_then(|content| content.iter().next()) {
            None if status.starts_with('2') => _ = writeln!(html, "<p>{}</p>", language.no_body),
            None => {}
            Some((kind, content)) => {
                _ = writeln!(html, "<p><code>{}</code></p>", escaped(kind));
                if kind == "application/json" {
                    write_json(html, &example::of(document, &content["schema"]));
                }
            }
        }
    }
}

fn write_json(html: &mut String, value: &Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    _ = writeln!(html, "<pre><code>{}</code></pre>", escaped(&text));
}

/// Returns the request as a person would make it by hand.
fn curl(method: &str, path: &str, operation: &Value, sent: Option<&Value>) -> String {
    let mut line = "curl".to_owned();
    if method != "GET" {
        _ = write!(line, " -X {method}");
    }
    if word(operation, "x-required-scope") != "none" {
        line.push_str(" -H \"Authorization: Bearer $MIAOBU_TOKEN\"");
    }
    let of_project =
        path.replace("{project}", "my-site").replace("{environment}", "production").replace("{target}", "staging");
    let place = of_project
        .split(['{', '}'])
        .enumerate()
        .map(|(at, part)| if at % 2 == 0 { part } else { "42" })
        .collect::<String>();
    if let Some(sent) = sent {
        _ = write!(line, " \\\n  -H 'Content-Type: application/json' -d '{}'", sent.to_string().replace('\'', "'\\''"));
    } else if operation["requestBody"].is_object() {
        line.push_str(" \\\n  -H 'Content-Type: application/octet-stream' --data-binary @FILE");
    }
    _ = write!(line, " \\\n  \"$MIAOBU_URL{place}\"");
    line
}

/// What the operation does, in a few words of the language.
fn summary<'a>(language: &Language, operation: &'a Value) -> &'a str {
    let id = word(operation, "operationId");
    let own = language.summaries.iter().find(|(known, _)| *known == id);
    own.map_or_else(|| word(operation, "summary"), |(_, summary)| summary)
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
