//! What commands print on standard output: tables for people, tab-separated lines for pipes, JSON for programs.

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{Table, presets};
use indicatif::HumanDuration;
use serde::Serialize;

use crate::errors::{Failure, Kind};

/// Prints one line.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    // The reader of a pipe may leave early; there is nobody left to tell.
    written.map_err(|error| Failure::new(Kind::Failed, "output_closed", format!("standard output: {error}")))
}

/// Prints a value as JSON on one line.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new(Kind::Failed, "output_unwritable", error.to_string()))?;
    line(&text)
}

/// Prints rows: a table with a header on a terminal, else a line each with tabs between and no header.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if !std::io::stdout().is_terminal() {
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| clean(cell)).collect();
            line(&cells.join("\t"))?;
        }
        return Ok(());
    }
    let mut table = Table::new();
    // Columns keep their width: a terminal that is too narrow breaks a line better than a table breaks words.
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect::<Vec<_>>()));
    line(&table.trim_fmt())
}

/// Returns a time as a person reads it at the time `now` on a terminal, as RFC 3339 elsewhere.
pub fn when(time: DateTime<Utc>, now: SystemTime) -> String {
    if !std::io::stdout().is_terminal() {
        return time.to_rfc3339_opts(SecondsFormat::Millis, true);
    }
    ago(DateTime::<Utc>::from(now).signed_duration_since(time).to_std().unwrap_or_default())
}

fn ago(span: Duration) -> String {
    if span < Duration::from_secs(5) {
        return "just now".to_owned();
    }
    format!("{} ago", HumanDuration(span))
}

/// Makes text from elsewhere harmless for a terminal: no control character gets through.
pub fn clean(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// The same for text of several lines.
pub fn clean_lines(text: &str) -> String {
    text.chars().map(|character| if character.is_control() && character != '\n' { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\tc\r\n\u{9b}d"), "a [2Jb c   d");
        assert_eq!(clean_lines("a\u{7}\nb"), "a \nb");
    }

    #[test]
    fn spans_are_told_as_people_do() {
        let cases = [
            (0, "just now"),
            (4, "just now"),
            (61, "61 seconds ago"),
            (150, "3 minutes ago"),
            (7200, "2 hours ago"),
            (90_000, "25 hours ago"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(ago(Duration::from_secs(seconds)), expected);
        }
    }
}
