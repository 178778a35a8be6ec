//! `miaobu env`.

use std::io::Read;

use miaobu_client::types::{EnvVar, EnvVarEntry, EnvVarKind, EnvVarPatch, EnvVarPlan, FernetEnvVar, NewEnvVar};

use crate::api::Api;
use crate::args::{Env, EnvCommand, Environment};
use crate::errors::{Failure, Kind};
use crate::settings::Settings;
use crate::{output, prompt};

/// More than an environment can have.
const ALL: u32 = 1000;

/// Lists or changes env vars.
pub async fn run(settings: &Settings, arguments: Env) -> Result<(), Failure> {
    let Env { project, environment, command } = arguments;
    let project = super::project(settings, &project)?;
    let api = settings.api()?;
    match command {
        EnvCommand::List(listing) => {
            let vars = api.env_vars(&project, environment, listing.limit).await?;
            if settings.json {
                return output::json(&vars);
            }
            let rows = vars.into_iter().map(|var| {
                let value = var.value.unwrap_or_else(|| "(secret)".to_owned());
                vec![var.name, value, output::when(var.updated_at, settings.now)]
            });
            output::table(&["name", "value", "changed"], rows.collect())
        }
        EnvCommand::Show { name } => {
            let present = api.env_vars(&project, environment, ALL).await?;
            let var = api.env_var(&project, find(&present, environment, &name)?.id).await?;
            if settings.json {
                return output::json(&var);
            }
            let value = var.value.unwrap_or_else(|| "(secret)".to_owned());
            output::table(
                &["name", "value", "changed"],
                vec![vec![var.name, value, output::when(var.updated_at, settings.now)]],
            )
        }
        EnvCommand::Import { file, plain } => {
            let sealed = sealed(entries(&read(&file)?, kind(plain))?)?;
            let plan = api.import_env_vars(&project, environment, prompt::read_line()?, sealed).await?;
            show(settings, &plan)
        }
        EnvCommand::Set { variables, plain } => set(settings, &api, &project, environment, variables, plain).await,
        EnvCommand::Unset { names } => unset(settings, &api, &project, environment, names).await,
        EnvCommand::Replace { file, plain, dry_run } => {
            let entries = entries(&read(&file)?, kind(plain))?;
            let plan = api.replace_env_vars(&project, environment, entries, dry_run).await?;
            show(settings, &plan)
        }
    }
}

async fn set(
    settings: &Settings,
    api: &Api,
    project: &str,
    environment: Environment,
    variables: Vec<String>,
    plain: bool,
) -> Result<(), Failure> {
    let present = api.env_vars(project, environment, ALL).await?;
    let mut changes = Vec::new();
    for variable in variables {
        let (name, value) = match variable.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (variable, prompt::read_line()?),
        };
        let known = present.iter().find(|var| var.name == name);
        let changed = match known {
            Some(var) => {
                let body = EnvVarPatch { value: Some(value), kind: plain.then_some(EnvVarKind::Plain) };
                api.update_env_var(project, var.id, body).await?
            }
            None => {
                let (kind, environment) = (Some(kind(plain)), Some(environment.into()));
                api.create_env_var(project, NewEnvVar { name, value, kind, environment }).await?
            }
        };
        if !settings.json {
            output::line(&format!("{}: set ({})", output::clean(&changed.env_var.name), changed.effect))?;
        }
        changes.push(changed);
    }
    if settings.json { output::json(&changes) } else { Ok(()) }
}

async fn unset(
    settings: &Settings,
    api: &Api,
    project: &str,
    environment: Environment,
    names: Vec<String>,
) -> Result<(), Failure> {
    let present = api.env_vars(project, environment, ALL).await?;
    let mut plans = Vec::new();
    for name in names {
        let var = find(&present, environment, &name)?;
        let plan = api.delete_env_var(project, var.id).await?;
        if !settings.json {
            output::line(&format!("{}: deleted ({})", output::clean(&name), plan.effect))?;
        }
        plans.push(plan);
    }
    if settings.json { output::json(&plans) } else { Ok(()) }
}

fn find<'a>(present: &'a [EnvVar], environment: Environment, name: &str) -> Result<&'a EnvVar, Failure> {
    present.iter().find(|var| var.name == name).ok_or_else(|| {
        let environment = format!("{environment:?}").to_lowercase();
        Failure::new(Kind::NotFound, "not_found", format!("{environment} has no env var {name:?}"))
    })
}

/// The values are ciphertexts, and each has to be there.
fn sealed(entries: Vec<EnvVarEntry>) -> Result<Vec<FernetEnvVar>, Failure> {
    let sealed = entries.into_iter().map(|EnvVarEntry { name, value, kind }| {
        let ciphertext = value.ok_or_else(|| Failure::usage(format!("{name} has no ciphertext")))?;
        Ok(FernetEnvVar { name, ciphertext, kind })
    });
    sealed.collect()
}

fn show(settings: &Settings, plan: &EnvVarPlan) -> Result<(), Failure> {
    if settings.json {
        return output::json(plan);
    }
    for (word, names) in [("add", &plan.added), ("change", &plan.changed), ("delete", &plan.removed)] {
        for name in names {
            output::line(&format!("{word} {}", output::clean(name)))?;
        }
    }
    output::line(&format!("effect {}", plan.effect))
}

fn kind(plain: bool) -> EnvVarKind {
    if plain { EnvVarKind::Plain } else { EnvVarKind::Secret }
}

fn read(file: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        path => std::fs::read_to_string(path).map(|content| text = content),
    };
    read.map_err(|error| Failure::usage(format!("{file}: {error}")))?;
    Ok(text)
}

/// Returns the env vars that the lines of a .env file name; quotation marks around a value are not part of it.
fn entries(text: &str, kind: EnvVarKind) -> Result<Vec<EnvVarEntry>, Failure> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries = lines.map(|line| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()).to_owned())),
            None => (line, None),
        };
        if name.contains(char::is_whitespace) {
            return Err(Failure::usage(format!("{line:?} is not NAME=VALUE")));
        }
        Ok(EnvVarEntry { name: name.to_owned(), value, kind: Some(kind) })
    });
    entries.collect()
}

fn unquoted(value: &str) -> &str {
    for mark in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark)) {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_file_are_read_as_shells_write_them() {
        let text = "# comment\n\nA=1\nexport B = \"two words\"\nC='x=y'\nKEPT\nEMPTY=\n";
        let entries = entries(text, EnvVarKind::Secret).expect("sound");
        let pairs: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.value.as_deref())).collect();
        let expected =
            [("A", Some("1")), ("B", Some("two words")), ("C", Some("x=y")), ("KEPT", None), ("EMPTY", Some(""))];
        assert_eq!(pairs, expected);
        assert!(super::entries("not a line", EnvVarKind::Secret).is_err());
    }
}
