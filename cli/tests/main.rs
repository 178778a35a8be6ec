//! The built `miaobu`, run as a person runs it.

#![expect(clippy::disallowed_methods, reason = "the programs under test are processes")]
#![expect(clippy::unwrap_used, reason = "a step that does not work fails the test")]

mod accounts;
mod bad_input;
mod commands;
mod coverage;
mod deploying;
mod explain;
mod faults;
mod login;
mod platform;
mod resources;
mod scripted;
mod support;
