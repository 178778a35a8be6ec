//! Variables, which the next version takes with it.

use serde_json::{Value, json};

use super::Routines;
use super::state::Env;
use crate::openapi::{Parameters, Refusal, invalid};

impl Routines {
    pub(super) fn set_variables(&self, given: &Parameters) -> Result<Value, Refusal> {
        let env = Env::of(given, "Env")?;
        let text = given.needed("EnvironmentVariables")?;
        let Ok(Value::Object(variables)) = serde_json::from_str(&text) else {
            return Err(invalid("EnvironmentVariables"));
        };
        let letters = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !variables.keys().all(letters) {
            return Err(invalid("EnvironmentVariables"));
        }
        self.change(given, |_, routine| {
            let names: Vec<_> = variables.keys().cloned().collect();
            routine.variables.entry(env).or_default().extend(variables);
            Ok(json!({ "SetKeys": names }))
        })
    }

    pub(super) fn list_variables(&self, given: &Parameters) -> Result<Value, Refusal> {
        let env = Env::of(given, "Env")?;
        self.read(given, |_, routine| {
            let variables = routine.variables.get(&env).cloned().unwrap_or_default();
            let shown = |(name, mut value): (String, Value)| {
                if value["Type"] == "secret_text" {
                    value["Value"] = "".into();
                }
                (name, value)
            };
            let count = variables.len();
            let shown: serde_json::Map<_, _> = variables.into_iter().map(shown).collect();
            Ok(json!({ "EnvironmentVariables": shown, "TotalCount": count }))
        })
    }

    pub(super) fn delete_variables(&self, given: &Parameters) -> Result<Value, Refusal> {
        let env = Env::of(given, "Env")?;
        let names = given.list("EnvironmentVariableKeys")?;
        self.change(given, |_, routine| {
            let variables = routine.variables.entry(env).or_default();
            for name in names.iter().filter_map(Value::as_str) {
                variables.remove(name);
            }
            Ok(json!({ "DeletedKeys": names, "FailedKeys": [] }))
        })
    }
}
