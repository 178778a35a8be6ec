//! Tests of the emulator, in one binary: our own clients against it. The vendor's are in `tests/sdk/`.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails as tests do")]

mod alidns;
mod edge;
mod esa;
mod faults;
mod fc;
mod functions;
mod oss;
mod routines;
mod signatures;
mod sts;
mod support;
