//! Tests of the control plane, in one binary.
#![expect(clippy::disallowed_methods, reason = "tests start processes and tasks, and are told where to run")]

mod api_auth;
mod api_client;
mod api_conventions;
mod api_deployments;
mod api_document;
mod api_frame;
mod api_logs;
mod api_projects;
mod api_schema;
mod api_support;
mod api_teams;
mod auth;
mod crash;
mod deploy;
mod edge_kv;
mod edge_server;
mod object_store;
mod projects;
mod refine;
mod releases;
mod retention;
mod serve;
mod shards;
mod store;
mod support;
mod uploads;
