//! Tests of the control plane, in one binary.

mod api_auth;
mod api_deployments;
mod api_document;
mod api_frame;
mod api_logs;
mod api_projects;
mod api_schema;
mod api_support;
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
