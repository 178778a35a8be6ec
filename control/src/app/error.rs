//! Why a program could not start, in words for the person who starts it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::edge_server::BindError;
use crate::provider::{self, InvalidRedisAddress};
use crate::service::{self, InvalidKeys};
use crate::store;

/// Why a program could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or read.
    #[error("the data folder {} cannot be used", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another server works in the data folder.
    #[error(
        "another miaobu-control serves from {}; stop it, or set MIAOBU_DATA_DIR to another folder",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing to serve from yet.
    #[error("there is no database in {}; run `miaobu-control serve` or `migrate` first", path.display())]
    NoData {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else listens where this should.
    #[error("{addr} is in use by another program; stop it, or set {setting} to another address")]
    AddressInUse {
        /// The address.
        addr: SocketAddr,
        /// The variable that changes it.
        setting: &'static str,
    },
    /// The address cannot be listened on.
    #[error("{addr} ({setting}) cannot be listened on")]
    Address {
        /// The address.
        addr: SocketAddr,
        /// The variable that changes it.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The keys that seal secrets cannot be used.
    #[error("the keys in {} cannot be used", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: InvalidKeys,
    },
    /// The Redis cannot be used.
    #[error("MIAOBU_REDIS_URL")]
    Redis(#[from] InvalidRedisAddress),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] store::Error),
    /// A client of an engine elsewhere cannot be made.
    #[error("an engine that the settings name cannot be used")]
    Client(#[from] miaobu_aliyun::Error),
    /// What should be could not be compared with what is.
    #[error("not everything could be compared")]
    Compare(#[from] service::Error),
    /// An engine cannot be used.
    #[error("an engine that the settings name cannot be used")]
    Provider(#[from] provider::Error),
    /// The settings name no edge elsewhere.
    #[error("there is no edge but that of this machine; set MIAOBU_ESA_SITE")]
    NoEsa,
}

impl StartError {
    pub(super) fn of_api(addr: SocketAddr, source: io::Error) -> Self {
        let setting = "MIAOBU_API_ADDR";
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::AddressInUse { addr, setting },
            _ => Self::Address { addr, setting, source },
        }
    }

    pub(super) fn of_edge(error: BindError) -> Self {
        Self::of_setting("MIAOBU_EDGE_ADDR", error)
    }

    pub(super) fn of_setting(setting: &'static str, error: BindError) -> Self {
        match error {
            BindError::InUse { addr } => Self::AddressInUse { addr, setting },
            BindError::Io { addr, source } => Self::Address { addr, setting, source },
        }
    }
}
