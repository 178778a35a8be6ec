//! Tests of the whole crate from outside.

#[path = "../examples/edge_cases/suites.rs"]
mod suites;

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

mod conformance;
mod corpus;
