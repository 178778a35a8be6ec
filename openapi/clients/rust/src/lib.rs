//! Rust client of the Miaobu API.
//!
//! [`Client`] and [`types`] are generated from `openapi/openapi.json`; the rest is what a description of an API cannot
//! say: how to connect, what a failure means, and how a batch of blobs is written.

mod connect;
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

pub use connect::{ConnectError, Connection};
pub use failure::problem;
pub use frame::{FRAME_HEADER_BYTES, frame_header};
pub use generated::*;
