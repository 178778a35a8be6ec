//! Local servers that behave like Alibaba Cloud's: object storage; the edge's key-value store, records, custom hostnames and
//! purges; names; functions, which are kept and not run.
//!
//! They verify signatures, refuse what the services refuse with the same codes, keep their state in a folder, and fail on
//! purpose when [`Faults`] tells them to. Nothing here reaches the network, and every server listens on this machine only.

mod alidns;
mod auth;
mod checksum;
mod console;
mod esa;
mod faults;
mod fc;
mod http;
mod openapi;
mod oss;
mod outside;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use miaobu_aliyun::{Ambient, System};
use tokio::task::JoinSet;

use crate::alidns::Alidns;
use crate::auth::Keys;
use crate::console::Console;
use crate::esa::Esa;
use crate::fc::Fc;
use crate::http::{Service, listen, serve};
use crate::openapi::Gateway;
use crate::oss::Oss;

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
        Self { folder, keys, region, sites, ports: Ports::default(), ambient: Arc::new(System) }
    }
}

/// The servers, which end with this value.
#[derive(Debug)]
pub struct Emulator {
    addresses: [SocketAddr; 5],
    faults: Arc<Faults>,
    outside: Arc<Outside>,
    servers: JoinSet<()>,
}

impl Emulator {
    /// Starts the servers. Fails when the folder cannot be read or a port is taken.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let Settings { folder, keys, region, sites, ports, ambient } = settings;
        let keys = Arc::new(Keys::new(keys));
        let (faults, outside) = (Arc::new(Faults::default()), Arc::new(Outside::default()));
        let zones = sites.iter().map(|site| site.name.clone()).collect();
        let oss = Oss::open(folder.join("oss"), keys.clone(), ambient.clone(), faults.clone(), region.clone())?;
        let fc =
            Fc::open(folder.join("fc.json"), region, keys.clone(), ambient.clone(), faults.clone(), outside.clone())?;
        let esa = Gateway {
            actions: Esa::open(&folder.join("esa"), sites, outside.clone())?,
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
        let (oss, esa, alidns, fc) = (Arc::new(oss), Arc::new(esa), Arc::new(alidns), Arc::new(fc));
        let console = Arc::new(Console {
            oss: oss.clone(),
            esa: esa.clone(),
            alidns: alidns.clone(),
            fc: fc.clone(),
            ambient,
            faults: faults.clone(),
            outside: outside.clone(),
        });
        let mut servers = JoinSet::new();
        let mut start = async |port, service: Arc<dyn Service>| {
            let (listener, address) = listen(port).await?;
            servers.spawn(serve(listener, service));
            io::Result::Ok(address)
        };
        let addresses = [
            start(ports.console, console).await?,
            start(ports.oss, oss).await?,
            start(ports.esa, esa).await?,
            start(ports.alidns, alidns).await?,
            start(ports.fc, fc).await?,
        ];
        Ok(Self { addresses, faults, outside, servers })
    }

    /// The address of the page that shows what there is.
    pub fn console(&self) -> String {
        let [console, ..] = self.addresses;
        format!("http://{console}")
    }

    /// The endpoint of object storage.
    pub fn oss(&self) -> String {
        let [_, oss, ..] = self.addresses;
        format!("http://{oss}")
    }

    /// The endpoint of the edge.
    pub fn esa(&self) -> String {
        let [_, _, esa, ..] = self.addresses;
        format!("http://{esa}")
    }

    /// The endpoint of the names.
    pub fn alidns(&self) -> String {
        let [_, _, _, alidns, _] = self.addresses;
        format!("http://{alidns}")
    }

    /// The endpoint of functions.
    pub fn fc(&self) -> String {
        let [.., fc] = self.addresses;
        format!("http://{fc}")
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
