//! The control plane of Miaobu: an API over a database, and jobs that make the outside world follow it.

pub mod api;
pub mod app;
pub mod clock;
pub mod config;
pub mod documentation;
pub mod domain;
pub mod edge_server;
pub mod egress;
pub mod failpoint;
pub mod provider;
pub mod random;
pub mod routine;
pub mod sample;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod worker;
