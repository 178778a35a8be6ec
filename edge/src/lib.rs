//! The edge routine: a pure core that decides what a request gets.

pub mod negotiate;
pub mod range;
pub mod rules;
