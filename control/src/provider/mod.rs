//! Outside engines behind traits that speak our words.
//!
//! Invariant: a provider never reads or writes the database's rows, and nothing here is called inside a transaction.
//! What must reach a provider is a job, and a job may run twice: every operation is idempotent.

mod dns;
mod edge_hostnames;
mod edge_kv;
mod edge_view;
mod error;
mod object_store;
mod observed;
mod patience;
mod shared_limits;

pub mod aliyun;
pub mod local;

pub use dns::{Dns, Resolver};
pub use edge_hostnames::{EdgeHostnames, LocalHostnames};
pub use edge_kv::{EdgeKv, KvEntry};
pub use edge_view::EdgeView;
pub use error::{Error, ErrorKind};
pub use object_store::{InvalidObjectKey, Object, ObjectBody, ObjectKey, ObjectStore};
pub use observed::Observed;
pub use patience::patiently;
pub use shared_limits::{Draw, InvalidRedisAddress, RedisAddress, SharedLimits};
