//! What can be an env var.

use super::NewEnvVar;
use crate::domain::env_set::Wanted;
use crate::domain::{EnvVarName, EnvVarValue};
use crate::service::{Error, Problem, Result};

/// The longest value, in bytes.
const LONGEST_VALUE: usize = 32 * 1024;
/// The most env vars of one environment.
pub(super) const MOST: usize = 200;

/// A name and a value that can be taken.
type Checked = (EnvVarName, Option<EnvVarValue>);

/// Returns what can be taken of `new`, or what is wrong with it, by pointers below `pointer`.
pub(super) fn checked(pointer: &str, new: &NewEnvVar) -> std::result::Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let name = EnvVarName::parse(&new.name).map_err(|error| {
        let pointer = format!("{pointer}/name");
        problems.push(Problem { pointer, code: "invalid_name", detail: error.to_string() });
    });
    problems.extend(new.value.as_ref().and_then(|value| value_problem(&format!("{pointer}/value"), value)));
    match name {
        Ok(name) if problems.is_empty() => Ok((name, new.value.clone())),
        _ => Err(problems),
    }
}

/// Returns a whole set that can be taken, in the same order, or what is wrong with it.
pub(super) fn checked_set(wanted: &[NewEnvVar]) -> Result<Vec<Wanted>> {
    if wanted.len() > MOST {
        return Err(too_many());
    }
    let mut problems = Vec::new();
    let mut set: Vec<Wanted> = Vec::with_capacity(wanted.len());
    for (index, new) in wanted.iter().enumerate() {
        match checked(&format!("/env_vars/{index}"), new) {
            Err(found) => problems.extend(found),
            Ok((name, _)) if set.iter().any(|(known, ..)| *known == name) => problems.push(Problem {
                pointer: format!("/env_vars/{index}/name"),
                code: "repeated_name",
                detail: format!("{name} is given twice"),
            }),
            Ok((name, value)) => set.push((name, new.kind, value)),
        }
    }
    if problems.is_empty() { Ok(set) } else { Err(Error::Invalid { problems }) }
}

/// What is wrong with a value.
pub(super) fn value_problem(pointer: &str, value: &EnvVarValue) -> Option<Problem> {
    let detail = if value.0.len() > LONGEST_VALUE {
        format!("a value has at most {LONGEST_VALUE} bytes, not {}", value.0.len())
    } else if value.0.contains('\0') {
        "a value has no NUL character: no environment can hold one".to_owned()
    } else {
        return None;
    };
    Some(Problem { pointer: pointer.to_owned(), code: "unfit_value", detail })
}

/// The problem of an env var that keeps a value which it does not have.
pub(super) fn no_value(index: usize, name: &EnvVarName) -> Problem {
    Problem {
        pointer: format!("/env_vars/{index}/value"),
        code: "required",
        detail: format!("{name} has no value that could be kept"),
    }
}

/// The environment is full.
pub(super) fn too_many() -> Error {
    Error::conflict("too_many_env_vars", format!("an environment has at most {MOST} env vars"))
}
