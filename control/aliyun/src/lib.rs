//! Signed clients for Alibaba Cloud: ESA (edge), OSS and any S3 (objects), Function Compute, Alidns (names), STS.
//!
//! - [`sign`] has the signatures as pure functions, for clients and for servers that verify.
//! - [`Credentials`] are lasting, from the environment, or temporary and [refreshed](credentials::Refreshed).
//! - A client is made from an endpoint and [`Settings`]. Operations of RPC services are values: `esa.call(&PutKv { … })`.
//! - Every failure is an [`Error`] with a kind, the service's code and its request id. Calls that were throttled are
//!   repeated after a growing, random pause; a call that may have been carried out is repeated only when that makes no
//!   difference. A clock that is off is corrected by the service's.
//!
//! The clients need a tokio runtime. TLS is rustls with the process's default provider; where there is none, ring becomes it.
//!
//! Invariant: nothing here prints a secret, and no address with a signature appears in an error.

mod ambient;
mod client;
mod error;
mod form;
mod lenient;
mod openapi;
mod settings;

pub mod alidns;
pub mod credentials;
pub mod encode;
pub mod esa;
pub mod fc;
pub mod oss;
pub mod rpc;
pub mod sign;
pub mod sts;

pub use crate::ambient::{Ambient, System};
pub use crate::client::Repeat;
pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use settings::{Patience, Settings};
