//! The figures are those that the vendors' own libraries and documents give for the same values.

mod acs3;
mod legacy;
mod oss4;
mod sigv4;

use chrono::{DateTime, Utc};

const KEY_ID: &str = "LTAItestAccessKeyId0001";
const KEY_SECRET: &str = "testAccessKeySecret0001";

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
