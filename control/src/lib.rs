//! The control plane of Miaobu: an API over a database, and jobs that make the outside world follow it.

pub mod api;
pub mod domain;
pub mod provider;
pub mod service;
pub mod store;
