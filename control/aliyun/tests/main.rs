//! Tests of the clients, in one binary.

mod signatures;
