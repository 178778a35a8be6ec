//! Tests of the clients, in one binary: against what the vendors' libraries compute, and against servers that answer by a
//! script.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails as tests do")]

mod alidns;
mod calls;
mod credentials;
mod esa;
mod fc;
mod oss;
mod signatures;
mod support;
