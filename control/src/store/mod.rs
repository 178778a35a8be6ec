//! Rows: one file per family of tables.

mod error;

pub use error::Error;
