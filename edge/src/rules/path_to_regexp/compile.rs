//! Fills a pattern with values.

use super::{Key, Options, PathError, Token, parse};
use crate::rules::regex::{Budget, Captures, Pattern, search};

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One value.
    Text(String),
    /// Several, for a parameter that repeats.
    List(Vec<String>),
}

/// The values of parameters, by name; a later one of the same name replaces an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, Value)>);

impl Params {
    /// Sets the value of `name`.
    pub fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The names, in the order in which a JavaScript object lists them: whole numbers first and ascending, then the
    /// others as they were first set.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        in_object_order(self.0.iter().map(|(name, _)| name.as_str()))
    }
}

/// Orders names as the keys of a JavaScript object.
pub(crate) fn in_object_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    let index = |name: &str| {
        let number: u32 = name.parse().ok()?;
        (number.to_string() == name && number < u32::MAX).then_some(number)
    };
    // A stable sort leaves the others in their order.
    names.sort_by_key(|name| index(name).unwrap_or(u32::MAX));
    names
}

/// Writes the path that `pattern` describes with the values of `params`.
///
/// # Errors
/// [`PathError::Value`] for a value that is missing, repeats though it may not, or (with `options.validate`) is not
/// what the pattern allows; and the errors of [`parse`].
pub fn compile(pattern: &str, params: &Params, options: &Options) -> Result<String, PathError> {
    let tokens = parse(pattern, options)?;
    let mut path = String::new();
    let mut checks = Vec::with_capacity(tokens.len());
    for token in &tokens {
        checks.push(match token {
            Token::Text(_) => None,
            Token::Key(key) => Some(Check::of(key, options)?),
        });
    }
    for (token, check) in tokens.iter().zip(checks) {
        match (token, check) {
            (Token::Key(key), Some(check)) => fill(key, &check, params, &mut path)?,
            (Token::Text(text), _) => path += text,
            (Token::Key(_), None) => {}
        }
    }
    Ok(path)
}

/// What the values of a key must match.
struct Check {
    program: Option<Vec<u8>>,
}

impl Check {
    fn of(key: &Key, options: &Options) -> Result<Self, PathError> {
        let expression = format!("^(?:{})$", key.pattern);
        let Ok(pattern) = Pattern::parse(&expression) else {
            return Err(PathError::Expression(expression));
        };
        if !options.validate {
            return Ok(Self { program: None });
        }
        let program = pattern.compile(!options.sensitive).map_err(|_| PathError::Expression(expression))?;
        Ok(Self { program: Some(program) })
    }

    fn allows(&self, value: &str) -> bool {
        let Some(program) = &self.program else {
            return true;
        };
        search(program, value, &mut Captures::default(), &mut Budget::default())
    }
}

fn fill(key: &Key, check: &Check, params: &Params, path: &mut String) -> Result<(), PathError> {
    let name = key.name.to_string();
    let refused = |reason| PathError::Value { name: name.clone(), reason };
    let values = match params.get(&name) {
        Some(Value::List(_)) if !key.modifier.repeats() => {
            return Err(refused("to not repeat, but got an array"));
        }
        Some(Value::List(values)) if values.is_empty() && !key.modifier.is_optional() => {
            return Err(refused("to not be empty"));
        }
        Some(Value::List(values)) => values.as_slice(),
        Some(Value::Text(value)) => std::slice::from_ref(value),
        None if key.modifier.is_optional() => &[],
        None => {
            return Err(refused(if key.modifier.repeats() { "to be an array" } else { "to be a string" }));
        }
    };
    for value in values {
        if !check.allows(value) {
            return Err(refused("to match its pattern"));
        }
        path.push_str(&key.prefix);
        path.push_str(value);
        path.push_str(&key.suffix);
    }
    Ok(())
}
