//! The control plane of Miaobu: an API over a database, and jobs that make the outside world follow it.

pub mod clock;
pub mod domain;
pub mod failpoint;
pub mod edge_server;
pub mod provider;
pub mod random;
pub mod service;
pub mod store;
pub mod worker;
