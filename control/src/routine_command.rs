//! `miaobu-control routine …`: publishes the routine on ESA.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use miaobu_control::app::StartError;
use miaobu_control::app::routine::Tool;
use miaobu_control::config::Config;
use miaobu_control::routine::{self, Cloud, Patience, SelfTest};
use serde_json::{Value, json};

use crate::{Failure, print};

const WITHOUT_WEBASSEMBLY: &str =
    "there is no WebAssembly: with MIAOBU_ESA_ROUTINE_BUILD=javascript the routine is published as JavaScript";

#[derive(Debug, Subcommand)]
pub enum RoutineCommand {
    /// Write the file that would be uploaded, and print its hash.
    Build {
        /// Where to.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Upload the code; it is no version before it is committed.
    Upload {
        /// What it was built from, for the version's description.
        #[arg(long, default_value = "")]
        commit: String,
    },
    /// Make a version of what was uploaded, and print its number.
    Commit {
        /// What it was built from, for the version's description.
        #[arg(long, default_value = "")]
        commit: String,
    },
    /// Upload and commit unless that was done, then staging, a look at it, and production by 5, 25 and 100 percent. Killed
    /// and run again it goes on; the same code twice does nothing.
    Publish {
        /// What it was built from, for the version's description.
        #[arg(long, default_value = "")]
        commit: String,
        /// Only print what would be done.
        #[arg(long)]
        dry_run: bool,
        /// How often production is looked at after each share.
        #[arg(long, default_value_t = 20)]
        looks: u32,
        /// How many seconds a new version may take until it answers as it should.
        #[arg(long, default_value_t = 420)]
        spreading: u64,
    },
    /// List the versions that ESA has, newest first.
    Versions,
    /// Have production run the version before the one that was published last, or another.
    Rollback {
        /// Which version.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
    },
    /// Print what runs where.
    Status,
    /// Publish another routine to staging, which finds out what the runtime supports, and print what it reports: a line for
    /// each thing, in JSON.
    SelfTest,
}

/// Carries the command out.
pub async fn run(config: &Config, command: &RoutineCommand) -> Result<(), Failure> {
    let esa = config.esa.as_ref().ok_or(StartError::NoEsa)?;
    let bundle = routine::Bundle::of(esa);
    if let RoutineCommand::Build { out } = command {
        std::fs::write(out, &bundle.code)?;
        print(&[format!("hash: {}", bundle.hash), format!("bytes: {}", bundle.code.len())]);
        return Ok(());
    }
    let Tool { cloud, smoke } = Tool::open(config, esa)?;
    if let RoutineCommand::SelfTest = command {
        let own = Tool::open(config, esa)?.cloud;
        let host = routine::self_test::host(&smoke.base);
        let own = Cloud { name: format!("{}-self-test", own.name), rule: format!("(http.host eq \"{host}\")"), ..own };
        let smoke = smoke.located(&cloud).await?;
        let test = SelfTest {
            cloud: &own,
            base: &smoke.base,
            staging: &smoke.staging,
            namespace: &smoke.namespace,
            address: &smoke.objects_url,
            pause: Duration::from_secs(1),
        };
        test.publish().await?;
        let tell = |name: &str, found: &Value| {
            print(&[format!("{name}: {found}")]);
            if name == "engine" && found["features"]["mvp"] == false {
                print(&[format!("hint: {}", json!(WITHOUT_WEBASSEMBLY))]);
            }
        };
        return Ok(test.ask(tell).await?);
    }
    match command {
        RoutineCommand::Build { .. } | RoutineCommand::SelfTest => {}
        RoutineCommand::Upload { commit } => {
            cloud.create().await?;
            cloud.upload(&bundle, &bundle.description(commit)).await?;
            print(&[format!("uploaded: {}", bundle.hash)]);
        }
        RoutineCommand::Commit { commit } => {
            let version = cloud.commit(&bundle.description(commit)).await?;
            print(&[format!("version: {version}")]);
        }
        RoutineCommand::Publish { dry_run: true, .. } => {
            let plan = cloud.state().await?.plan(&bundle.hash)?;
            print(&plan.iter().map(|step| format!("would: {step}")).collect::<Vec<_>>());
        }
        RoutineCommand::Publish { commit, looks, spreading, .. } => {
            let patience =
                Patience { spreading: Duration::from_secs(*spreading), pause: Duration::from_secs(1), looks: *looks };
            let smoke = smoke.located(&cloud).await?;
            let tell = |line: &str| print(&[format!("step: {line}")]);
            let description = bundle.description(commit);
            let outcome = routine::publish(&cloud, &smoke, &bundle, &description, patience, tell).await?;
            print(&[format!("published: {} ({} steps)", outcome.version, outcome.steps)]);
        }
        RoutineCommand::Versions => {
            for version in cloud.state().await?.versions {
                print(&[format!("{}  {}  {}", version.number, version.created, version.description)]);
            }
        }
        RoutineCommand::Rollback { to } => {
            print(&[format!("production: {}", routine::rollback(&cloud, to.as_deref()).await?)]);
        }
        RoutineCommand::Status => {
            let state = cloud.state().await?;
            for (place, shares) in [("staging", &state.staging), ("production", &state.production)] {
                let shares = shares.iter().map(|share| format!("{} {} %", share.version, share.percent));
                print(&[format!("{place}: {}", shares.collect::<Vec<_>>().join(", "))]);
            }
            let current = state.version_with(&bundle.hash).map_or("no version", |version| version.number.as_str());
            print(&[format!("this code: {} ({current})", bundle.hash)]);
        }
    }
    Ok(())
}
