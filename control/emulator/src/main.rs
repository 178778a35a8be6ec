//! The command: starts the servers and says how to reach them.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::TimeDelta;
use clap::Parser;
use miaobu_emulator::{AccessKey, Emulator, Ports, Settings, Site};

/// Local servers that behave like Alibaba Cloud's object storage, edge, names and functions.
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
    /// The domain that the edge serves, which is the zone of the names too.
    #[arg(long, default_value = "sites.example")]
    site: String,
    /// Where the edge serves it: domestic, global or overseas. All but the last want ICP filings.
    #[arg(long, default_value = "overseas")]
    coverage: String,
    /// The port of the page that shows what there is; 0 takes a free one.
    #[arg(long, default_value_t = 4100)]
    console_port: u16,
    /// The port of object storage.
    #[arg(long, default_value_t = 4101)]
    oss_port: u16,
    /// The port of the edge.
    #[arg(long, default_value_t = 4102)]
    esa_port: u16,
    /// The port of functions.
    #[arg(long, default_value_t = 4104)]
    fc_port: u16,
    /// The port that callers of functions reach through custom domains.
    #[arg(long, default_value_t = 4107)]
    functions_port: u16,
    /// The port of temporary keys.
    #[arg(long, default_value_t = 4108)]
    sts_port: u16,
    /// How many processes functions may have at once.
    #[arg(long, default_value_t = 100)]
    instances: usize,
    /// The port that visitors reach.
    #[arg(long, default_value_t = 4105)]
    edge_port: u16,
    /// The port that those reach who test routines in staging.
    #[arg(long, default_value_t = 4106)]
    staging_port: u16,
    /// A bucket that is there from the start and that everybody may read; may be given several times.
    #[arg(long, value_name = "NAME")]
    public_bucket: Vec<String>,
    /// The program that published routines run in; `npm install workerd` brings it.
    #[arg(long, env = "MIAOBU_WORKERD", value_name = "PROGRAM")]
    workerd: Option<PathBuf>,
    /// Routines find no WebAssembly there.
    #[arg(long)]
    without_webassembly: bool,
    /// How many seconds a routine goes on with what it has read from the key-value store.
    #[arg(long, default_value_t = 20)]
    kv_staleness: u32,
    /// The port of the names.
    #[arg(long, default_value_t = 4103)]
    alidns_port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let key = AccessKey {
        id: arguments.access_key_id.clone(),
        secret: arguments.access_key_secret.clone(),
        security_token: None,
    };
    let ports = Ports {
        console: arguments.console_port,
        oss: arguments.oss_port,
        esa: arguments.esa_port,
        alidns: arguments.alidns_port,
        fc: arguments.fc_port,
        functions: arguments.functions_port,
        sts: arguments.sts_port,
        edge: arguments.edge_port,
        staging: arguments.staging_port,
    };
    let sites = vec![Site { id: 1, name: arguments.site.clone(), coverage: arguments.coverage.clone() }];
    let settings = Settings {
        region: arguments.region.clone(),
        sites,
        public_buckets: arguments.public_bucket.clone(),
        workerd: arguments.workerd.clone(),
        webassembly: !arguments.without_webassembly,
        instances: arguments.instances,
        kv_staleness: TimeDelta::seconds(arguments.kv_staleness.into()),
        ports,
        ..Settings::new(&arguments.folder, key)
    };
    match Emulator::start(settings).await {
        Ok(emulator) => {
            println!("ALIBABA_CLOUD_ACCESS_KEY_ID={}", arguments.access_key_id);
            println!("ALIBABA_CLOUD_ACCESS_KEY_SECRET={}", arguments.access_key_secret);
            println!("OSS_ENDPOINT={}", emulator.oss());
            println!("OSS_REGION={}", arguments.region);
            println!("ESA_ENDPOINT={}", emulator.esa());
            println!("ALIDNS_ENDPOINT={}", emulator.alidns());
            println!("FC_ENDPOINT={}", emulator.fc());
            println!("FC_CUSTOM_DOMAINS={}", emulator.functions());
            println!("STS_ENDPOINT={}", emulator.sts());
            println!("EDGE={}", emulator.edge());
            println!("EDGE_STAGING={}", emulator.staging());
            // What miaobu-control is told to have all of it.
            println!("MIAOBU_BASE_DOMAIN={}", arguments.site);
            println!("MIAOBU_ALIYUN_ACCESS_KEY_ID={}", arguments.access_key_id);
            println!("MIAOBU_ALIYUN_ACCESS_KEY_SECRET={}", arguments.access_key_secret);
            println!("MIAOBU_ESA_SITE={}", arguments.site);
            println!("MIAOBU_ESA_ENDPOINT={}", emulator.esa());
            println!("MIAOBU_ALIDNS_ZONE={}", arguments.site);
            println!("MIAOBU_ALIDNS_ENDPOINT={}", emulator.alidns());
            println!("MIAOBU_ALIDNS_TARGET=edge.{}.esa.example", arguments.site);
            println!("MIAOBU_ESA_STAGING_ADDRESS={}", emulator.staging().trim_start_matches("http://"));
            println!("MIAOBU_ESA_EDGE_ADDRESS={}", emulator.edge().trim_start_matches("http://"));
            if let Some(bucket) = arguments.public_bucket.first() {
                println!("MIAOBU_OBJECTS_STORE=oss");
                println!("MIAOBU_OBJECTS_ENDPOINT={}", emulator.oss());
                println!("MIAOBU_OBJECTS_REGION={}", arguments.region);
                println!("MIAOBU_OBJECTS_BUCKET={bucket}");
                println!("MIAOBU_ESA_OBJECTS_URL={}/{bucket}", emulator.oss());
            }
            println!("# what there is: {}", emulator.console());
            emulator.wait().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the emulator cannot start in {}: {error}", arguments.folder.display());
            eprintln!(
                "hint: free the ports, or name others with --console-port, --oss-port, --esa-port, --alidns-port, --fc-port, --functions-port, --sts-port, --edge-port and --staging-port"
            );
            ExitCode::FAILURE
        }
    }
}
