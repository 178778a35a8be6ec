//! Tests of the control plane, in one binary.

mod auth;
mod deploy;
mod edge_server;
mod object_store;
mod projects;
mod releases;
mod retention;
mod store;
mod support;
mod uploads;
