//! Markdown to HTML.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A text of the documentation.
pub struct Text {
    /// Its first heading.
    pub title: String,
    /// The first paragraph without its markup.
    pub summary: String,
    /// Everything after the title.
    pub html: String,
    /// The ids and texts of its headings.
    pub headings: Vec<(String, String)>,
}

impl Text {
    /// Reads Markdown; `None` when it does not begin with a heading of the first level.
    pub fn of(source: &str) -> Option<Self> {
        let (first, rest) = source.split_once('\n')?;
        let title = first.strip_prefix("# ")?.trim().to_owned();
        let mut events: Vec<Event<'_>> =
            Parser::new_ext(rest, Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES).collect();
        let headings = name_headings(&mut events);
        let first = events.iter().position(|event| *event == Event::Start(Tag::Paragraph)).unwrap_or(events.len());
        let summary = plain(&events, &TagEnd::Paragraph, first);
        let mut text = String::new();
        html::push_html(&mut text, events.into_iter());
        // A table that is wider than a phone scrolls by itself.
        let text = text.replace("<table>", "<div class=\"wide\"><table>").replace("</table>", "</table></div>");
        Some(Self { title, summary, html: text, headings })
    }
}

/// Returns a text without a title as HTML.
pub fn fragment(source: &str) -> String {
    let mut text = String::new();
    html::push_html(&mut text, Parser::new_ext(source, Options::ENABLE_TABLES));
    text
}

/// Gives every heading an id of its own words, unless it has one (`## Errors {#errors}`).
fn name_headings(events: &mut [Event<'_>]) -> Vec<(String, String)> {
    let mut headings = Vec::new();
    for index in 0..events.len() {
        let words = match &events[index] {
            Event::Start(Tag::Heading { level, .. }) => plain(events, &TagEnd::Heading(*level), index),
            _ => continue,
        };
        if let Event::Start(Tag::Heading { level: HeadingLevel::H2 | HeadingLevel::H3, id, .. }) = &mut events[index] {
            let name = id.get_or_insert_with(|| CowStr::from(slug(&words)));
            headings.push((name.to_string(), words));
        }
    }
    headings
}

/// Returns the words from `start` on until `end`.
fn plain(events: &[Event<'_>], end: &TagEnd, start: usize) -> String {
    let mut words = String::new();
    for event in events.iter().skip(start) {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            Event::End(found) if found == end => break,
            _ => {}
        }
    }
    words
}

fn slug(words: &str) -> String {
    let mut slug = String::new();
    for letter in words.to_lowercase().chars() {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_ids_and_tables_scroll() {
        let text =
            Text::of("# Title\n\nFirst `code`\nline.\n\n## Two words\n\n## 错误 {#errors}\n\n|a|b|\n|-|-|\n|1|2|\n")
                .expect("a title");
        assert_eq!((text.title.as_str(), text.summary.as_str()), ("Title", "First code line."));
        let ids: Vec<&str> = text.headings.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["two-words", "errors"]);
        assert!(text.html.contains("<h2 id=\"errors\">错误</h2>") && text.html.contains("<div class=\"wide\"><table>"));
        assert!(Text::of("no title\n").is_none());
    }
}
