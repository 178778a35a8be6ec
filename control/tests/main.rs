//! Tests of the control plane, in one binary.
#![expect(clippy::disallowed_methods, reason = "tests start processes and tasks, and are told where to run")]

mod api_auth;
mod api_client;
mod api_conventions;
mod api_deletion;
mod api_deployments;
mod api_document;
mod api_domains;
mod api_env_vars;
mod api_explain;
mod api_frame;
mod api_logs;
mod api_matrix;
mod api_projects;
mod api_protection;
mod api_schema;
mod api_support;
mod api_teams;
mod auth;
mod crash;
mod deploy;
mod edge_kv;
mod edge_server;
mod egress;
mod object_store;
mod projects;
mod protections;
mod refine;
mod releases;
mod retention;
mod serve;
mod shards;
mod shared_limits;
mod store;
mod support;
mod uploads;
