//! `miaobu`: what a person types to turn a folder into a live site.
//!
//! It knows the platform only through its HTTP API, and that only through the generated client (`api.rs`).

mod api;
mod args;
mod commands;
mod credentials;
mod deploy;
mod errors;
mod exec;
mod files;
mod hash_cache;
mod live;
mod loopback;
mod output;
mod progress;
mod prompt;
mod remembered;
mod retry;
mod scan;
mod settings;
mod slug;
mod upload;

use std::process::ExitCode;
use std::time::Instant;

use clap::{CommandFactory, Parser};

use crate::args::{Arguments, Command};
use crate::errors::{Failure, Kind};
use crate::settings::Settings;

fn main() -> ExitCode {
    let started = Instant::now();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let json = arguments.json;
    match run(arguments, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(json);
            ExitCode::from(failure.kind as u8)
        }
    }
}

fn run(arguments: Arguments, started: Instant) -> Result<(), Failure> {
    if let Command::Completions { shell } = arguments.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "miaobu", &mut script);
        return output::line(String::from_utf8_lossy(&script).trim_end());
    }
    if let Command::Reference = arguments.command {
        return output::json(&commands::reference::describe(&mut Arguments::command()));
    }
    // The HTTP client asks for a provider even where no TLS is spoken; a second one is never installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Settings::resolve(arguments.url.as_deref(), arguments.json, started)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Failed, "no_runtime", error.to_string()))?;
    let result = runtime.block_on(dispatch(settings, arguments.command));
    // A file that is still being read for a request that has ended must not hold up the exit.
    runtime.shutdown_background();
    result
}

async fn dispatch(settings: Settings, command: Command) -> Result<(), Failure> {
    match command {
        Command::Login { code } => commands::login::login(settings, code).await,
        Command::Logout => commands::login::logout(settings),
        Command::Whoami => commands::login::whoami(&settings).await,
        Command::Register(arguments) => commands::accounts::register(settings, arguments).await,
        Command::User(command) => commands::accounts::user(&settings, command).await,
        Command::Sessions(arguments) => commands::accounts::sessions(&settings, arguments).await,
        Command::Tokens(arguments) => commands::accounts::tokens(&settings, arguments).await,
        Command::Project(command) => commands::objects::project(&settings, command).await,
        Command::Deployment(command) => commands::objects::deployment(&settings, command).await,
        Command::Build(arguments) => commands::objects::build(&settings, arguments).await,
        Command::Health => commands::server::health(&settings).await,
        Command::Jobs(command) => commands::jobs::run(&settings, command).await,
        Command::Routine(command) => commands::routine::run(&settings, command).await,
        Command::Operators(command) => commands::operators::run(&settings, command).await,
        Command::Statistics => commands::server::statistics(&settings).await,
        Command::Deploy(arguments) => deploy::run(&settings, arguments).await,
        Command::Projects(listing) => commands::projects::run(&settings, &listing).await,
        Command::Deployments { project, environment, listing } => {
            commands::deployments::run(&settings, &project, environment, &listing).await
        }
        Command::Logs { deployment, project, follow } => {
            commands::logs::run(&settings, deployment, &project, follow).await
        }
        Command::Promote { deployment, environment } => {
            commands::promote::promote(&settings, deployment, environment).await
        }
        Command::Rollback { project, to, environment } => {
            commands::promote::rollback(&settings, &project, environment, to).await
        }
        Command::Protect(command) => commands::protect::run(&settings, command).await,
        Command::Split(command) => commands::split::split(&settings, command).await,
        Command::Skew(command) => commands::split::skew(&settings, command).await,
        Command::Open { project, print } => commands::open::run(&settings, &project, print).await,
        Command::Redeploy { deployment } => commands::remove::redeploy(&settings, deployment).await,
        Command::Cancel { deployment } => commands::remove::cancel(&settings, deployment).await,
        Command::Delete { project, dry_run, yes } => commands::remove::delete(&settings, &project, dry_run, yes).await,
        Command::Env(arguments) => commands::env::run(&settings, arguments).await,
        Command::Domains(arguments) => commands::domains::run(&settings, arguments).await,
        Command::Teams { command } => commands::teams::run(&settings, command).await,
        Command::Explain(asked) => commands::explain::run(&settings, &asked).await,
        Command::Completions { .. } | Command::Reference => Ok(()),
    }
}

/// Shows help, or what is wrong with the command line: as JSON when that was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    let asks_json = std::env::args_os().any(|argument| argument == "--json");
    if !error.use_stderr() || !asks_json {
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { Kind::Usage as u8 } else { 0 });
    }
    let text = error.to_string();
    let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let failure = Failure::usage(what).hint("`miaobu --help` lists commands and options");
    failure.print(true);
    ExitCode::from(failure.kind as u8)
}
