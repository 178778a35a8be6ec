//! Local servers that behave like Alibaba Cloud's: object storage; the edge's key-value store, records, custom hostnames,
//! purges and routines, whose published versions run in workerd; names; functions, whose code runs in processes; temporary keys.
//!
//! They verify signatures, refuse what the services refuse with the same codes, keep their state in a folder, and fail on
//! purpose when [`Faults`] tells them to. Nothing here reaches the network, and every server listens on this machine only.
//!
//! A function's code runs with the rights of whoever runs the emulator: it is for code that one trusts.

mod alidns;
mod auth;
mod checksum;
mod console;
mod esa;
mod faults;
mod fc;
mod forward;
mod http;
mod mortal;
mod openapi;
mod oss;
mod outside;
mod package;
mod runtime;
mod sts;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use miaobu_aliyun::{Ambient, System};
use tokio::task::JoinSet;

use crate::alidns::Alidns;
use crate::auth::Keys;
use crate::console::Console;
use crate::esa::{Env, Esa};
use crate::fc::Fc;
use crate::http::{Service, listen, serve};
use crate::openapi::Gateway;
use crate::oss::Oss;
use crate::runtime::{Inside, Runtime, Visitors};
use crate::sts::Sts;

pub use auth::AccessKey;
pub use esa::Site;
pub use faults::{Fault, Faults};
pub use outside::Outside;

/// Where the servers listen; 0 is any port that is free.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// The page that shows what there is.
    pub console: u16,
    /// Object storage.
    pub oss: u16,
    /// The edge.
    pub esa: u16,
    /// Names.
    pub alidns: u16,
    /// Functions.
    pub fc: u16,
    /// What callers of functions reach through custom domains.
    pub functions: u16,
    /// Temporary keys.
    pub sts: u16,
    /// What visitors reach.
    pub edge: u16,
    /// What those reach who test.
    pub staging: u16,
}

/// What the servers are told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where their state is; it is there again the next time.
    pub folder: PathBuf,
    /// Who is let in.
    pub keys: Vec<AccessKey>,
    /// The region of buckets.
    pub region: String,
    /// The domains that the edge serves; they are the zones of the names too.
    pub sites: Vec<Site>,
    /// Buckets that are there from the start, and that everybody may read.
    pub public_buckets: Vec<String>,
    /// The program that published routines run in, workerd; without it they do not run.
    pub workerd: Option<PathBuf>,
    /// Whether these find WebAssembly there, as they do on the service.
    pub webassembly: bool,
    /// How many processes functions may have at once.
    pub instances: usize,
    /// How long a routine goes on with what it has read from the key-value store, or with that there was nothing.
    pub kv_staleness: TimeDelta,
    /// Where they listen.
    pub ports: Ports,
    /// Time and randomness.
    pub ambient: Arc<dyn Ambient>,
}

impl Settings {
    /// Returns settings with one access key, one site, ports that are free, and the machine's own time.
    pub fn new(folder: impl Into<PathBuf>, key: AccessKey) -> Self {
        let (folder, keys, region) = (folder.into(), vec![key], "cn-hangzhou".to_owned());
        let sites = vec![Site { id: 1, name: "sites.example".to_owned(), coverage: "global".to_owned() }];
        let (ports, ambient) = (Ports::default(), Arc::new(System));
        let (public_buckets, workerd, kv_staleness, instances) = (Vec::new(), None, TimeDelta::zero(), 100);
        let webassembly = true;
        Self {
            folder,
            keys,
            region,
            sites,
            public_buckets,
            workerd,
            webassembly,
            instances,
            kv_staleness,
            ports,
            ambient,
        }
    }
}

/// Where the servers are.
#[derive(Debug, Clone, Copy)]
struct Addresses {
    console: SocketAddr,
    oss: SocketAddr,
    esa: SocketAddr,
    alidns: SocketAddr,
    fc: SocketAddr,
    functions: SocketAddr,
    sts: SocketAddr,
    edge: SocketAddr,
    staging: SocketAddr,
}

/// The servers, which end with this value.
#[derive(Debug)]
pub struct Emulator {
    addresses: Addresses,
    faults: Arc<Faults>,
    outside: Arc<Outside>,
    console: Arc<Console>,
    servers: JoinSet<()>,
}

impl Emulator {
    /// Starts the servers. Fails when the folder cannot be read or a port is taken.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let Settings {
            folder,
            keys,
            region,
            sites,
            public_buckets,
            workerd,
            webassembly,
            instances,
            kv_staleness,
            ports,
            ambient,
        } = settings;
        let issuer = keys.iter().find(|key| key.security_token.is_none()).cloned();
        let keys = Arc::new(Keys::new(keys));
        let (faults, outside) = (Arc::new(Faults::default()), Arc::new(Outside::default()));
        let (inside_listener, inside_address) = listen(0).await?;
        let zones = sites.iter().map(|site| site.name.clone()).collect();
        let oss = Oss::open(folder.join("oss"), keys.clone(), ambient.clone(), faults.clone(), region.clone())?;
        for bucket in public_buckets {
            oss.create_bucket(&bucket, true).map_err(|refusal| io::Error::other(format!("{bucket}: {refusal:?}")))?;
        }
        let oss = Arc::new(oss);
        let fc = Fc::open(
            &folder,
            region,
            keys.clone(),
            ambient.clone(),
            faults.clone(),
            outside.clone(),
            oss.clone(),
            instances,
        )?;
        let esa = Gateway {
            actions: Esa::open(
                &folder.join("esa"),
                sites,
                outside.clone(),
                oss.clone(),
                format!("http://{inside_address}/code"),
            )?,
            keys: keys.clone(),
            ambient: ambient.clone(),
            faults: faults.clone(),
        };
        let sts = Gateway {
            actions: Sts::new(issuer, ambient.clone()).map_err(io::Error::other)?,
            keys: keys.clone(),
            ambient: ambient.clone(),
            faults: faults.clone(),
        };
        let alidns = Gateway {
            actions: Alidns::open(folder.join("alidns.json"), zones)?,
            keys,
            ambient: ambient.clone(),
            faults: faults.clone(),
        };
        let (esa, alidns, fc) = (Arc::new(esa), Arc::new(alidns), Arc::new(fc));
        let console = Arc::new(Console {
            oss: oss.clone(),
            esa: esa.clone(),
            alidns: alidns.clone(),
            fc: fc.clone(),
            ambient: ambient.clone(),
            faults: faults.clone(),
            outside: outside.clone(),
        });
        let runtime = Runtime::new(workerd, webassembly, folder.join("runtime"), format!("http://{inside_address}/kv"));
        let runtime = Arc::new(runtime);
        let visitors = |env| {
            let (esa, ambient, runtime) = (esa.clone(), ambient.clone(), runtime.clone());
            Arc::new(Visitors { env, esa, ambient, runtime })
        };
        let inside = Inside {
            esa: esa.clone(),
            ambient: ambient.clone(),
            faults: faults.clone(),
            staleness: kv_staleness,
            read: Mutex::default(),
        };
        let (production, staging) = (visitors(Env::Production), visitors(Env::Staging));
        let mut servers = JoinSet::new();
        let mut start = async |port, service: Arc<dyn Service>| {
            let (listener, address) = listen(port).await?;
            servers.spawn(serve(listener, service));
            io::Result::Ok(address)
        };
        let addresses = Addresses {
            console: start(ports.console, console.clone()).await?,
            oss: start(ports.oss, oss).await?,
            esa: start(ports.esa, esa).await?,
            alidns: start(ports.alidns, alidns).await?,
            functions: start(ports.functions, fc.plane()).await?,
            fc: start(ports.fc, fc).await?,
            sts: start(ports.sts, Arc::new(sts)).await?,
            edge: start(ports.edge, production).await?,
            staging: start(ports.staging, staging).await?,
        };
        servers.spawn(serve(inside_listener, Arc::new(inside)));
        Ok(Self { addresses, faults, outside, console, servers })
    }

    /// The address of the page that shows what there is.
    pub fn console(&self) -> String {
        format!("http://{}", self.addresses.console)
    }

    /// The endpoint of object storage.
    pub fn oss(&self) -> String {
        format!("http://{}", self.addresses.oss)
    }

    /// The endpoint of the edge.
    pub fn esa(&self) -> String {
        format!("http://{}", self.addresses.esa)
    }

    /// The endpoint of the names.
    pub fn alidns(&self) -> String {
        format!("http://{}", self.addresses.alidns)
    }

    /// The endpoint of functions.
    pub fn fc(&self) -> String {
        format!("http://{}", self.addresses.fc)
    }

    /// The endpoint of temporary keys.
    pub fn sts(&self) -> String {
        format!("http://{}", self.addresses.sts)
    }

    /// Where callers reach functions, whose custom domain is the host that they name.
    pub fn functions(&self) -> String {
        format!("http://{}", self.addresses.functions)
    }

    /// Where visitors reach what runs in production, whatever the host that they name.
    pub fn edge(&self) -> String {
        format!("http://{}", self.addresses.edge)
    }

    /// Where those who test reach what runs in staging.
    pub fn staging(&self) -> String {
        format!("http://{}", self.addresses.staging)
    }

    /// The custom hostnames that there are, and their states.
    pub fn hostnames(&self) -> Vec<[String; 2]> {
        self.console.esa.actions.hostnames(self.console.ambient.now())
    }

    /// The DNS records that there are: name, type, value.
    pub fn records(&self) -> Vec<[String; 3]> {
        self.console.alidns.actions.records()
    }

    /// How many keys each namespace of the key-value store has.
    pub fn namespaces(&self) -> Vec<[String; 2]> {
        self.console.esa.actions.namespaces()
    }

    /// The buckets, and how many objects each has.
    pub fn buckets(&self) -> Vec<(String, usize)> {
        self.console.oss.overview().into_iter().map(|(name, objects, _)| (name, objects)).collect()
    }

    /// What is to fail.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What the services find outside of themselves.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Returns when a server has ended, which none does by itself.
    pub async fn wait(mut self) {
        self.servers.join_next().await;
    }
}
