//! Parameters: the gateway takes them from the query, a form, or a JSON body.

use std::collections::BTreeMap;

use miaobu_aliyun::encode::Pairs;
use serde_json::Value;

use super::Refusal;
use crate::http::{Request, pairs};

/// The parameters of a call, by their names.
#[derive(Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, Value>);

impl Parameters {
    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        all.extend(request.query.iter().map(|(name, value)| (name.clone(), value.clone().into())));
        let kind = request.header("content-type").unwrap_or_default();
        if kind.starts_with("application/json") && !request.body.is_empty() {
            let body: Value = serde_json::from_slice(&request.body)
                .map_err(|_| Refusal::new(400, "InvalidParameter", "The body is not valid JSON."))?;
            if let Value::Object(members) = body {
                all.extend(members);
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            let text = String::from_utf8_lossy(&request.body);
            all.extend(pairs(&text).into_iter().map(|(name, value)| (name, value.into())));
        }
        Ok(Self(all))
    }

    /// Returns the parameters that are these.
    pub(crate) fn from_pairs(pairs: Pairs) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name, value.into())).collect())
    }

    /// Returns a parameter as text, where it is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            other => Some(other.to_string()),
        }
    }

    /// Returns a parameter that has to be there.
    pub(crate) fn needed(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)
            .ok_or_else(|| Refusal::new(400, format!("Missing{name}"), format!("{name} is mandatory for this action.")))
    }

    /// Returns all of them but one.
    pub(crate) fn pairs_without(&self, name: &str) -> Pairs {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.0.iter().filter(|(its, _)| *its != name).map(|(its, value)| (its.clone(), text(value))).collect()
    }

    /// Returns a number, where it is there.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let parse = |text: String| text.parse().map_err(|_| invalid(name));
        self.text(name).map(parse).transpose()
    }

    /// Whether a truth value is there and true.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Returns a list, which may be JSON in a text.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Value>, Refusal> {
        let text = self.needed(name)?;
        serde_json::from_str(&text).map_err(|_| invalid(name))
    }
}

/// Returns the refusal of a parameter that is not what it has to be.
pub(crate) fn invalid(name: &str) -> Refusal {
    Refusal::new(400, format!("Invalid{name}"), format!("Specified parameter {name} is not valid."))
}
