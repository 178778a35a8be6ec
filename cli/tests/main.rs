//! The built `miaobu`, run as a person runs it.

#![expect(clippy::unwrap_used, reason = "a step that does not work fails the test")]

mod bad_input;
mod faults;
mod scripted;
mod support;
