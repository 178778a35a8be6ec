//! Questions to a person.

use std::io::{BufRead, IsTerminal, Write};

use crate::errors::Failure;

/// Whether there is a person who can answer.
pub fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on the terminal; an empty answer is the default.
pub fn ask(question: &str, default: Option<&str>) -> Result<String, Failure> {
    match default {
        Some(default) => eprint!("{question} [{default}]: "),
        None => eprint!("{question}: "),
    }
    std::io::stderr().flush().map_err(|error| Failure::local("standard error", &error))?;
    let answer = read_line()?;
    Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer })
}

/// Reads one line from standard input, without the spaces around it; empty at the end of the input.
pub fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::local("standard input", &error))?;
    Ok(line.trim().to_owned())
}
