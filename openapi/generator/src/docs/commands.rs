//! The reference of the command line, as `miaobu reference` describes it.

use std::fmt::Write as _;

use serde_json::Value;

use super::language::Language;
use super::markdown::Text;
use super::page::{Page, Part, escaped};

/// Returns the page.
pub fn page(language: &Language, described: &Value) -> Page {
    let mut html = format!("<p>{}</p>\n", language.command_line_text);
    let mut headings = Vec::new();
    for command in described["commands"].as_array().into_iter().flatten() {
        write_command(&mut html, &mut headings, language, command, 2);
    }
    let summary = described["about"].as_str().unwrap_or_default().to_owned();
    let text = Text { title: language.command_line.to_owned(), summary, html, headings };
    Page::of("cli", text, Part::CommandLine)
}

fn write_command(
    html: &mut String,
    headings: &mut Vec<(String, String)>,
    language: &Language,
    command: &Value,
    level: usize,
) {
    let word = |value: &Value, name: &str| escaped(value[name].as_str().unwrap_or_default());
    let name = word(command, "name");
    let id = name.split_once(' ').map_or(name.as_str(), |(_, rest)| rest).replace(' ', "-");
    headings.push((id.clone(), name.clone()));
    _ = writeln!(html, "<h{level} id=\"{id}\"><code>{name}</code></h{level}>");
    for paragraph in word(command, "about").split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        _ = writeln!(html, "<p lang=\"en\">{paragraph}</p>");
    }
    let commands = command["commands"].as_array().map(Vec::as_slice).unwrap_or_default();
    if commands.is_empty() {
        _ = writeln!(html, "<pre aria-label=\"{}\"><code>{}</code></pre>", language.usage, word(command, "usage"));
    }
    let arguments = command["arguments"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !arguments.is_empty() {
        html.push_str("<div class=\"wide\"><table>\n");
        for argument in arguments {
            let mut help = word(argument, "help");
            let values: Vec<&str> =
                argument["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !values.is_empty() {
                _ = write!(help, " [{}: <code>{}</code>]", language.one_of, escaped(&values.join(" ")));
            }
            if let Some(default) = argument["default"].as_str() {
                _ = write!(help, " [{}: <code>{}</code>]", language.default, escaped(default));
            }
            _ = writeln!(html, "<tr><td><code>{}</code></td><td lang=\"en\">{help}</td></tr>", word(argument, "name"));
        }
        html.push_str("</table></div>\n");
    }
    for command in commands {
        write_command(html, headings, language, command, 3);
    }
}
