//! The command: starts the servers and says how to reach them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use miaobu_emulator::{AccessKey, Emulator, Ports, Settings};

/// Local servers that behave like Alibaba Cloud's object storage and edge key-value store.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the state is kept.
    #[arg(long, default_value = ".miaobu-emulator")]
    folder: PathBuf,
    /// The access key that is let in.
    #[arg(long, default_value = "emulator")]
    access_key_id: String,
    /// What it signs with.
    #[arg(long, default_value = "emulator-secret")]
    access_key_secret: String,
    /// The region of buckets.
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// The port of the page that shows what there is; 0 takes a free one.
    #[arg(long, default_value_t = 4100)]
    console_port: u16,
    /// The port of object storage.
    #[arg(long, default_value_t = 4101)]
    oss_port: u16,
    /// The port of the edge.
    #[arg(long, default_value_t = 4102)]
    esa_port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let key = AccessKey {
        id: arguments.access_key_id.clone(),
        secret: arguments.access_key_secret.clone(),
        security_token: None,
    };
    let ports = Ports { console: arguments.console_port, oss: arguments.oss_port, esa: arguments.esa_port };
    let settings = Settings { region: arguments.region.clone(), ports, ..Settings::new(&arguments.folder, key) };
    match Emulator::start(settings).await {
        Ok(emulator) => {
            println!("ALIBABA_CLOUD_ACCESS_KEY_ID={}", arguments.access_key_id);
            println!("ALIBABA_CLOUD_ACCESS_KEY_SECRET={}", arguments.access_key_secret);
            println!("OSS_ENDPOINT={}", emulator.oss());
            println!("OSS_REGION={}", arguments.region);
            println!("ESA_ENDPOINT={}", emulator.esa());
            println!("# what there is: {}", emulator.console());
            emulator.wait().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the emulator cannot start in {}: {error}", arguments.folder.display());
            eprintln!("hint: free the ports, or name others with --console-port, --oss-port and --esa-port");
            ExitCode::FAILURE
        }
    }
}
