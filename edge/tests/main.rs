//! Tests of the whole crate from outside.

#[expect(dead_code, reason = "the program that prints results uses more of it")]
#[path = "../examples/edge_cases/suites.rs"]
mod suites;

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

mod conformance;
mod corpus;
