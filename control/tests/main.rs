//! Tests of the control plane, in one binary.

mod api_document;
mod auth;
mod crash;
mod deploy;
mod edge_server;
mod object_store;
mod projects;
mod releases;
mod retention;
mod serve;
mod store;
mod support;
mod uploads;
