//! Tests of the whole crate from outside.

#[path = "../examples/edge_cases/suites.rs"]
mod suites;

mod conformance;
