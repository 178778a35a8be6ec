//! The edge routine: a pure core that decides what a request gets.
//!
//! A host (the native edge server, or the shim around the WASM build) looks a hostname up, hands what it found to
//! [`decide`], and carries the [`Decision`] out. Everything that a visitor can see is in the decision, so that all
//! hosts answer alike.
//!
//! Invariant: nothing here does I/O, reads a clock, keeps a global or panics. Stored bytes and requests are input
//! that nobody vouched for.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
mod answer;
mod assets;
mod coding;
pub mod conditional;
mod content_type;
mod decision;
mod error_page;
#[cfg(feature = "explain")]
pub mod explain;
mod function_site;
mod hash;
mod head;
mod json;
pub mod negotiate;

pub mod ordinary;
mod origin;
mod path;
mod probe;
pub mod protection;
mod proxy;
pub mod range;
pub mod record;
mod representation;
mod request;
mod routed_site;
mod ruled_site;
pub mod rules;
mod scan;
pub mod secret;
mod site;
mod static_site;
mod text;
pub mod variants;

#[cfg(feature = "build")]
pub mod build;
#[cfg(all(target_arch = "wasm32", not(feature = "explain")))]
mod wasm;

pub use answer::Failure;
pub use coding::{Accepted, Coding, Codings};
pub use content_type::ContentType;
pub use decision::{Candidate, Decision, Lookup, ObjectKey, Probe, Proxy, Serve, Settings, decide, fail};
pub use head::{EntityTag, Head};
pub use path::without_leading_slashes;
pub use record::{Kind, RouteRecord};
pub use request::{Method, Request};
pub use site::format::{HtmlHandling, Shell};
pub use site::{File, Site, SiteError};
pub use variants::choose;
