//! Checks a section of a vercel.json against its schema.

use serde_json::Value;

use super::schema::{HEADER_NAME, HEADER_VALUE, REQUEST_PATH, Schema, TRANSFORM};

/// What a value must be.
pub(super) enum Rule {
    Boolean,
    Number,
    Integer {
        min: i64,
        max: i64,
    },
    Text(Text),
    OneOf(&'static [&'static str]),
    List(List),
    Object(Object),
    /// An object with further properties.
    Open {
        required: &'static [&'static str],
        properties: &'static [(&'static str, Self)],
    },
    /// One of several.
    Any(&'static [Self]),
    /// A rule that is written elsewhere.
    Same(&'static Self),
    /// A transform of a route, some of whose rules depend on its type.
    Transform,
}

pub(super) struct Text {
    pub min: usize,
    pub max: usize,
    pub allows: Option<fn(&str) -> bool>,
}

pub(super) struct List {
    pub item: &'static Rule,
    pub min: usize,
    pub max: usize,
}

pub(super) struct Object {
    pub required: &'static [&'static str],
    pub properties: &'static [(&'static str, Rule)],
    pub min: usize,
    pub max: usize,
    /// What other properties, with names of 1 to 256 characters, must be; `None` when there may be none.
    pub free: Option<&'static Rule>,
    /// At least one of these must be there, when there are any.
    pub one_of: &'static [&'static str],
}

/// Something that is wrong with a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, counted from the section: `[0].headers`.
    pub at: String,
    /// What is wrong.
    pub reason: String,
}

/// Checks `data`. Stops at the first wrong value; where a value may be one of several things, says for each why it is
/// not that one.
///
/// # Errors
/// The problems, innermost first.
pub fn validate(schema: Schema, data: &Value) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    if schema.rule().check(data, "", &mut problems) { Ok(()) } else { Err(problems) }
}

impl Rule {
    /// Whether `value` is valid; adds what is wrong.
    fn check(&self, value: &Value, at: &str, problems: &mut Vec<Problem>) -> bool {
        let mut refuse = |reason: String| {
            problems.push(Problem { at: at.to_owned(), reason });
            false
        };
        match self {
            Self::Boolean => value.is_boolean() || refuse("must be true or false".to_owned()),
            Self::Number => value.is_number() || refuse("must be a number".to_owned()),
            Self::Integer { min, max } => {
                let is_valid = value
                    .as_f64()
                    .is_some_and(|number| number.fract() == 0.0 && (*min as f64..=*max as f64).contains(&number));
                is_valid || refuse(format!("must be a whole number from {min} to {max}"))
            }
            Self::Text(text) => match value.as_str() {
                None => refuse("must be a text".to_owned()),
                Some(value) if !(text.min..=text.max).contains(&value.chars().count()) => {
                    refuse(format!("must have {} to {} characters", text.min, text.max))
                }
                Some(value) if text.allows.is_some_and(|allows| !allows(value)) => {
                    refuse(format!("has characters that are not allowed: {value:?}"))
                }
                Some(_) => true,
            },
            Self::OneOf(names) => {
                value.as_str().is_some_and(|value| names.contains(&value))
                    || refuse(format!("must be one of {}", names.join(", ")))
            }
            Self::List(list) => match value.as_array() {
                None => refuse("must be a list".to_owned()),
                Some(items) if !(list.min..=list.max).contains(&items.len()) => {
                    refuse(format!("must have {} to {} items", list.min, list.max))
                }
                Some(items) => {
                    let place = |index: usize| format!("{at}[{index}]");
                    items.iter().enumerate().all(|(index, item)| list.item.check(item, &place(index), problems))
                }
            },
            Self::Object(object) => object.check(value, at, problems),
            Self::Open { required, properties } => check_properties(value, required, properties, at, problems),
            Self::Any(rules) => {
                let before = problems.len();
                if rules.iter().any(|rule| rule.check(value, at, problems)) {
                    problems.truncate(before);
                    return true;
                }
                problems.push(Problem { at: at.to_owned(), reason: "is none of the things it may be".to_owned() });
                false
            }
            Self::Same(rule) => rule.check(value, at, problems),
            Self::Transform => TRANSFORM.check(value, at, problems) && check_transform(value, at, problems),
        }
    }
}

impl Object {
    fn check(&self, value: &Value, at: &str, problems: &mut Vec<Problem>) -> bool {
        let mut refuse = |reason: String| {
            problems.push(Problem { at: at.to_owned(), reason });
            false
        };
        let Some(fields) = value.as_object() else {
            return refuse("must be an object".to_owned());
        };
        if !(self.min..=self.max).contains(&fields.len()) {
            return refuse(format!("must have {} to {} properties", self.min, self.max));
        }
        let is_free = |name: &str| {
            self.free.is_some()
                && (1..=256).contains(&name.chars().count())
                && !name.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
        };
        let is_known = |name: &str| self.properties.iter().any(|(known, _)| *known == name);
        if let Some(name) = fields.keys().find(|name| !is_known(name) && !is_free(name)) {
            return refuse(format!("has unknown property `{name}`"));
        }
        if !check_properties(value, self.required, self.properties, at, problems) {
            return false;
        }
        if let Some(rule) = self.free {
            let mut others = fields.iter().filter(|(name, _)| !is_known(name));
            if !others.all(|(name, value)| rule.check(value, &format!("{at}['{name}']"), problems)) {
                return false;
            }
        }
        if !self.one_of.is_empty() && !self.one_of.iter().any(|name| fields.contains_key(*name)) {
            problems
                .push(Problem { at: at.to_owned(), reason: format!("must have one of {}", self.one_of.join(", ")) });
            return false;
        }
        true
    }
}

fn check_properties(
    value: &Value,
    required: &[&str],
    properties: &[(&str, Rule)],
    at: &str,
    problems: &mut Vec<Problem>,
) -> bool {
    let Some(fields) = value.as_object() else {
        problems.push(Problem { at: at.to_owned(), reason: "must be an object".to_owned() });
        return false;
    };
    properties.iter().all(|(name, rule)| match fields.get(*name) {
        Some(value) => rule.check(value, &place_of(at, name), problems),
        None if required.contains(name) => {
            problems.push(Problem { at: at.to_owned(), reason: format!("must have `{name}`") });
            false
        }
        None => true,
    })
}

/// The rules of a transform that depend on what it is for.
fn check_transform(value: &Value, at: &str, problems: &mut Vec<Problem>) -> bool {
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, operation) = (field("type"), field("op"));
    let has = |name: &str| value.get(name).is_some();
    let check = |name: &str, rule: &Rule, problems: &mut Vec<Problem>| {
        value.get(name).is_none_or(|value| rule.check(value, &place_of(at, name), problems))
    };
    let sets = matches!(operation, "append" | "set");
    let mut is_valid = !sets || has("args");
    if is_valid && sets && kind.ends_with(".headers") {
        let key = value.pointer("/target/key").filter(|key| key.is_string());
        is_valid = key.is_none_or(|key| HEADER_NAME.check(key, &place_of(&place_of(at, "target"), "key"), problems))
            && check("args", &HEADER_VALUE, problems);
    }
    if is_valid {
        is_valid = if kind == "request.path" {
            check("op", &Rule::OneOf(&["set"]), problems)
                && has("args")
                && check("args", &REQUEST_PATH, problems)
                && !has("target")
        } else {
            has("target")
        };
    }
    if !is_valid {
        let reason = format!("lacks what {kind:?} with {operation:?} needs, or has something that does not go with it");
        problems.push(Problem { at: at.to_owned(), reason });
    }
    is_valid
}

fn place_of(at: &str, name: &str) -> String {
    format!("{at}.{name}")
}
