//! Tests of the emulator, in one binary: our own clients against it. The vendor's are in `tests/sdk/`.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails as tests do")]

mod esa;
mod faults;
mod oss;
mod signatures;
mod support;
