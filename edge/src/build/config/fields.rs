//! On which lines the fields of header rules stand. A rule keeps its own line only.

use crate::rules::{Lines, Refusal};

/// The texts that header rules come from.
pub(super) struct FieldPlaces<'t> {
    /// The `_headers` file.
    pub text: Option<&'t str>,
    /// The `netlify.toml`.
    pub table: Option<&'t str>,
}

/// Fields past these keep the lines of their rules: each is looked for in the whole file.
const MOST_PLACED: usize = 200;

impl FieldPlaces<'_> {
    /// Refusals of fields by their names, which stand on the lines of their rules, with the fields' own lines and texts. One
    /// that is about a rule stays as it is.
    pub fn all_placed(&self, file: &str, refused: Vec<Refusal>, own: &Lines) -> Vec<Refusal> {
        let mut refused = refused.into_iter();
        let first: Vec<_> = refused.by_ref().take(MOST_PLACED).collect();
        first.into_iter().map(|refusal| self.placed(file, refusal, own)).chain(refused).collect()
    }

    fn placed(&self, file: &str, refusal: Refusal, own: &Lines) -> Refusal {
        let Some(line) = refusal.line else { return refusal };
        let found = match file {
            "_headers" => self.text.and_then(|text| after(text, line, &refusal.text, ':', is_path)),
            "netlify.toml" => {
                self.table.and_then(|text| after(text, line, &refusal.text, '=', |line| line.starts_with("[[")))
            }
            _ => own_field(own, line, &refusal.text).map(|line| (line, own.text(line).to_owned())),
        };
        match found {
            Some((line, text)) => Refusal { line: Some(line), text, ..refusal },
            None => refusal,
        }
    }
}

/// The first line behind `rule` that names the field, before the next rule.
fn after(text: &str, rule: u32, name: &str, sign: char, begins: fn(&str) -> bool) -> Option<(u32, String)> {
    let lines = (1..).zip(text.lines().map(str::trim)).skip(rule as usize);
    let mut own = lines.take_while(|(_, line)| !begins(line));
    let names = |line: &str| {
        let field = line.strip_prefix("! ").unwrap_or_else(|| line.split(sign).next().unwrap_or(line));
        field.trim().trim_matches(['"', '\'']).eq_ignore_ascii_case(name.trim())
    };
    own.find(|(_, line)| names(line)).map(|(line, text)| (line, text.to_owned()))
}

/// The line of a field in a rule of the `miaobu.json` that begins on `rule`.
fn own_field(lines: &Lines, rule: u32, name: &str) -> Option<u32> {
    let rules = (0_usize..).map(|index| format!("/headers/{index}"));
    let mut known = rules.map_while(|pointer| Some((lines.at(&pointer)?, pointer)));
    known.find_map(|(line, pointer)| {
        let set = lines.at(&format!("{pointer}/set/{name}")).or_else(|| lines.at(&format!("{pointer}/unset")));
        set.filter(|_| line == rule)
    })
}

/// Whether a line of a `_headers` file begins a rule.
fn is_path(line: &str) -> bool {
    line.starts_with('/') || line.split_whitespace().next().is_some_and(|word| word.contains("://"))
}
