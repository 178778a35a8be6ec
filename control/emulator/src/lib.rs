//! Local servers that behave like Alibaba Cloud's: object storage, and the key-value store of the edge.
//!
//! They verify signatures, refuse what the services refuse with the same codes, keep their state in a folder, and fail on
//! purpose when [`Faults`] tells them to. Nothing here reaches the network, and every server listens on this machine only.

mod auth;
mod console;
mod esa;
mod faults;
mod http;
mod oss;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use miaobu_aliyun::{Ambient, System};
use tokio::task::JoinSet;

use crate::auth::Keys;
use crate::esa::Esa;
use crate::http::{Service, listen, serve};
use crate::oss::Oss;

pub use auth::AccessKey;
pub use faults::{Fault, Faults};

/// Where the servers listen; 0 is any port that is free.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// The page that shows what there is.
    pub console: u16,
    /// Object storage.
    pub oss: u16,
    /// The edge.
    pub esa: u16,
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
    /// Where they listen.
    pub ports: Ports,
    /// Time and randomness.
    pub ambient: Arc<dyn Ambient>,
}

impl Settings {
    /// Returns settings with one access key, ports that are free, and the machine's own time.
    pub fn new(folder: impl Into<PathBuf>, key: AccessKey) -> Self {
        let (folder, keys, region) = (folder.into(), vec![key], "cn-hangzhou".to_owned());
        Self { folder, keys, region, ports: Ports::default(), ambient: Arc::new(System) }
    }
}

/// The servers, which end with this value.
#[derive(Debug)]
pub struct Emulator {
    console: SocketAddr,
    oss: SocketAddr,
    esa: SocketAddr,
    faults: Arc<Faults>,
    servers: JoinSet<()>,
}

impl Emulator {
    /// Starts the servers. Fails when the folder cannot be read or a port is taken.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let Settings { folder, keys, region, ports, ambient } = settings;
        let (keys, faults) = (Arc::new(Keys::new(keys)), Arc::new(Faults::default()));
        let oss = Oss::open(folder.join("oss"), keys.clone(), ambient.clone(), faults.clone(), region)?;
        let esa = Esa::open(folder.join("esa"), keys, ambient, faults.clone())?;
        let (oss, esa) = (Arc::new(oss), Arc::new(esa));
        let page = Arc::new(console::Console { oss: oss.clone(), esa: esa.clone() });
        let mut servers = JoinSet::new();
        let mut addresses = Vec::new();
        let services: [(u16, Arc<dyn Service>); 3] = [(ports.console, page), (ports.oss, oss), (ports.esa, esa)];
        for (port, service) in services {
            let (listener, address) = listen(port).await?;
            servers.spawn(serve(listener, service));
            addresses.push(address);
        }
        let [console, oss, esa] = addresses[..] else { return Err(io::Error::other("three servers were started")) };
        Ok(Self { console, oss, esa, faults, servers })
    }

    /// The address of the page that shows what there is.
    pub fn console(&self) -> String {
        format!("http://{}", self.console)
    }

    /// The endpoint of object storage.
    pub fn oss(&self) -> String {
        format!("http://{}", self.oss)
    }

    /// The endpoint of the edge.
    pub fn esa(&self) -> String {
        format!("http://{}", self.esa)
    }

    /// What is to fail.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns when a server has ended, which none does by itself.
    pub async fn wait(mut self) {
        self.servers.join_next().await;
    }
}
