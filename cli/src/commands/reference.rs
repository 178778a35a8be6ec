//! `miaobu reference`: the command line, described by itself.

use clap::{Arg, Command};
use serde_json::{Value, json};

/// Describes a command, its arguments and what it leads to; what is hidden is left out.
pub fn describe(command: &mut Command) -> Value {
    // Arguments that hold for every command stand at each once it is built.
    command.build();
    of(command, command.get_name())
}

fn of(command: &Command, path: &str) -> Value {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set() && !is_everywhere(argument));
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    let usage = command.clone().render_usage().to_string();
    json!({
        "name": path,
        "about": command.get_long_about().or(command.get_about()).map(ToString::to_string),
        "usage": usage.trim_start_matches("Usage: "),
        "arguments": arguments.map(argument).collect::<Vec<_>>(),
        "commands": commands.map(|command| of(command, &format!("{path} {}", command.get_name()))).collect::<Vec<_>>(),
    })
}

/// What every command takes is told once, at the top.
fn is_everywhere(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version" | "url" | "json")
}

fn argument(argument: &Arg) -> Value {
    let takes_values = argument.get_action().takes_values();
    let values: Vec<String> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let default =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(" ");
    json!({
        "name": argument.to_string(),
        "help": argument.get_help().map(ToString::to_string),
        "default": Some(default).filter(|default| takes_values && !default.is_empty()),
        "values": if takes_values { values } else { Vec::new() },
    })
}
