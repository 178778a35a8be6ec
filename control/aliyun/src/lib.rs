//! Signed clients for Alibaba Cloud.

pub mod encode;
pub mod sign;
