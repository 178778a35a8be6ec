//! `miaobu-control`: the control plane, the edge, and what an operator does on the server's own machine.

mod routine_command;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use miaobu_control::app::{self, App};
use miaobu_control::config::Config;
use miaobu_control::service::reconciliation::Mode;
use miaobu_control::{api, documentation, sample, telemetry};
use routine_command::RoutineCommand;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The control plane of Miaobu.
#[derive(Debug, Parser)]
#[command(name = "miaobu-control", version)]
struct Arguments {
    /// A TOML file with settings; MIAOBU_* variables win over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the control plane and the edge.
    Serve {
        /// Leave the edge to another process (`miaobu-control edge`).
        #[arg(long)]
        no_edge: bool,
        /// Listen although another server on the same PostgreSQL does, so that it may be stopped without losing a request.
        #[arg(long)]
        share_ports: bool,
        /// Deploy the sample site if there is no project yet.
        #[arg(long)]
        with_sample: bool,
        /// Deploy this folder, which scripts/docs builds, as the documentation.
        #[arg(long, value_name = "FOLDER")]
        with_docs: Option<PathBuf>,
    },
    /// Run only the edge, from the same data; it goes on while the control plane is down.
    Edge {
        /// Listen although another edge does, so that it may be stopped without losing a request.
        #[arg(long)]
        share_port: bool,
    },
    /// Bring the database up to date.
    Migrate,
    /// Compare everything with the database, and mend what differs; deliver to the edge elsewhere what it does not have yet.
    Reconcile {
        /// Print what differs and change nothing.
        #[arg(long, conflicts_with = "all")]
        dry_run: bool,
        /// Deliver everything again, whatever it has.
        #[arg(long)]
        all: bool,
    },
    /// Copy the database, the artifacts and the keys into a new folder, beside a server that may be running. The copy is a
    /// data folder: to go back to it, start a server with it.
    Backup {
        /// Where to; nothing may be there yet.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Publish the routine on ESA.
    Routine {
        #[command(subcommand)]
        command: RoutineCommand,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Work with API tokens.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Print a new one-time login code.
    LoginCode,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Print a new API token, and nothing else. Makes the first user when there is none.
    Create {
        /// What to call it.
        #[arg(long)]
        name: String,
        /// Whose it is; the first user's by default.
        #[arg(long, value_name = "LOGIN")]
        user: Option<String>,
    },
}

type Failure = Box<dyn std::error::Error>;

/// Has freed memory given back at once. The allocator keeps it for a second, or ten, in which a large deployment would take half
/// as much again as it needs.
#[expect(unsafe_code, reason = "mimalloc has no words for its options")]
fn give_memory_back() {
    /// `mi_option_purge_delay` of mimalloc.h, in milliseconds.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: the function takes two numbers, and ignores what is no option.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) }
}

fn main() -> ExitCode {
    give_memory_back();
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut line = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                line = format!("{line}: {error}");
                cause = error.source();
            }
            eprintln!("error: {line}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Command::Openapi = arguments.command {
        print(&[api::openapi_document()]);
        return Ok(());
    }
    let config = Config::of_process(arguments.config.as_deref())?;
    telemetry::start(&config.log);
    for variable in &config.unknown_variables {
        tracing::warn!(variable, "this variable is no setting of this version");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &arguments.command {
            Command::Serve { no_edge, share_ports, with_sample, with_docs } => {
                let stop = stop_signal()?;
                let app = App::start(&config, !no_edge, *share_ports).await?;
                serve(&config, app, stop, *with_sample, with_docs.as_deref()).await
            }
            Command::Edge { share_port } => {
                let started = |addr| print(&[format!("edge: http://{addr}")]);
                Ok(app::run_edge(&config, *share_port, started, stop_signal()?).await?)
            }
            Command::Migrate => Ok(app::migrate(&config).await?),
            Command::Reconcile { dry_run, all } => {
                let mode = if *dry_run { Mode::DryRun } else { Mode::Mend };
                let app::Reconciled { drift, delivered } = app::reconcile(&config, mode, *all).await?;
                print(&drift.iter().map(|difference| format!("drift: {difference}")).collect::<Vec<_>>());
                print(&[format!("{}: {}", if *dry_run { "differences" } else { "mended" }, drift.len())]);
                print(&delivered.map(|values| format!("delivered: {values}")).into_iter().collect::<Vec<_>>());
                Ok(())
            }
            Command::Backup { folder } => {
                let backup = app::backup(&config, folder).await?;
                print(&[
                    format!("backup: {}", folder.display()),
                    format!("files: {}", backup.files),
                    format!("bytes: {}", backup.bytes),
                ]);
                if backup.without_objects {
                    eprintln!("the artifacts are in the bucket, whose own means copy it");
                }
                match backup.missing.first() {
                    None => Ok(()),
                    Some(first) => Err(format!(
                        "the copy is there, but {} file(s) were lost before, such as {}",
                        backup.missing.len(),
                        first.display()
                    )
                    .into()),
                }
            }
            Command::Routine { command } => routine_command::run(&config, command).await,
            Command::Openapi => Ok(()),
            Command::Token { command: TokenCommand::Create { name, user } } => {
                let auth = app::auth_beside(&config).await?;
                let token = auth.create_token_for_operator(name, user.as_deref()).await.map_err(explain)?;
                print(&[token.secret]);
                Ok(())
            }
            Command::LoginCode => {
                print(&[app::auth_beside(&config).await?.issue_login_code().await.map_err(explain)?]);
                Ok(())
            }
        }
    })
}

async fn serve(
    config: &Config,
    app: App,
    stop: impl Future<Output = ()>,
    with_sample: bool,
    with_docs: Option<&Path>,
) -> Result<(), Failure> {
    let services = app.services.clone();
    let auth = services.auth.clone();
    let api = format!("http://{}", app.api_addr);
    let code = auth.issue_login_code().await.map_err(explain)?;
    let edge = app.edge_addr.unwrap_or(config.edge.addr);
    print(&[
        format!("api: {api}"),
        format!("edge: http://{edge}"),
        format!("dashboard: {api}/docs"),
        format!("login: {code}"),
    ]);
    let renew_codes = async {
        loop {
            auth.code_used().await;
            match auth.issue_login_code().await {
                Ok(code) => print(&[format!("login: {code}")]),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no login code can be made"),
            }
        }
    };
    let sample = async {
        if with_sample {
            match sample::deploy_if_empty(&services).await {
                Ok(Some(url)) => print(&[format!("sample: {url}")]),
                Ok(None) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the sample site is missing"),
            }
        }
        if let Some(folder) = with_docs {
            match documentation::deploy(&services, folder).await {
                Ok(Some(url)) => print(&[format!("docs: {url}")]),
                Ok(None) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the documentation is missing"),
            }
        }
        renew_codes.await;
    };
    tokio::select! {
        () = app.run(stop) => {}
        () = sample => {}
    }
    Ok(())
}

/// Returns a future that ends with SIGINT or SIGTERM; the next one of them ends the process at once.
fn stop_signal() -> Result<impl Future<Output = ()>, std::io::Error> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async move {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            std::process::exit(130);
        });
    })
}

/// Prints lines for programs to read, at once. Nobody reading them is no reason to stop.
fn print(lines: &[String]) {
    let mut output = std::io::stdout().lock();
    for line in lines {
        drop(writeln!(output, "{line}"));
    }
    drop(output.flush());
}

fn explain(error: miaobu_control::service::Error) -> Failure {
    use miaobu_control::service::Error;

    match error {
        Error::NotFound => "there is no user with that login".into(),
        Error::Invalid { problems } => {
            problems.iter().map(|problem| problem.detail.clone()).collect::<Vec<_>>().join("; ").into()
        }
        other => Box::new(other),
    }
}
