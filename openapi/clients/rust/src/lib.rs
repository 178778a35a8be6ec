//! Rust client of the Miaobu API.
//!
//! [`Client`] and [`types`] are generated from `openapi/openapi.json`; the rest is what a description of an API cannot
//! say: how to connect, what a failure means, when a request is sent again, and what takes several operations: reading a
//! whole list ([`pages`]), following a log ([`Client::follow_logs`]), deploying a folder ([`Client::deploy_folder`]).

mod connect;
mod deploy;
mod failure;
mod frame;
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::unwrap_used,
    reason = "generated"
)]
#[rustfmt::skip]
mod generated;
mod logs;
mod pages;
mod patch;
mod retry;

pub use connect::{ConnectError, Connection};
pub use failure::problem;
pub use frame::{FRAME_HEADER_BYTES, frame_header};
pub use generated::*;
pub use logs::{LogEvent, Logs};
pub use pages::{Answer, Page, Pages, pages};
pub use patch::Patch;
pub use retry::Retries;
