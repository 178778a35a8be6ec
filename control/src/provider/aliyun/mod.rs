//! Alibaba Cloud: objects in OSS (or any S3), an edge made of ESA's key-value store, cache and custom hostnames, and DNS
//! records in Alidns.
//!
//! What the edge is to have is noted in the database first, by the engine of one machine, and delivered from there. So an
//! older write never replaces a newer one, although the service itself compares nothing, and an outage is made up for later.

mod account;
mod dns_records;
mod edge_kv;
mod edge_view;
mod hostnames;
mod objects;

pub use account::EsaAccount;
pub use dns_records::AlidnsRecords;
pub use edge_kv::{EsaEdgeKv, EsaKvSettings};
pub use edge_view::EsaView;
pub use hostnames::EsaHostnames;
pub use objects::BucketStore;

use super::{Error, ErrorKind};

/// Turns a failed call into the error of the provider that made it.
fn failed(provider: &'static str, operation: &'static str) -> impl Fn(miaobu_aliyun::Error) -> Error {
    move |error| {
        use miaobu_aliyun::ErrorKind as Kind;
        let kind = match error.kind {
            Kind::NotFound => ErrorKind::NotFound,
            Kind::Conflict | Kind::Precondition => ErrorKind::Conflict,
            Kind::Denied | Kind::Expired => ErrorKind::Denied,
            Kind::Throttled => ErrorKind::Throttled,
            Kind::Full => ErrorKind::Full,
            Kind::Rejected | Kind::Invalid => ErrorKind::Rejected,
            Kind::Busy | Kind::Unreachable | Kind::Interrupted | Kind::Failing | Kind::Skewed => ErrorKind::Unavailable,
        };
        Error::new(provider, operation, kind).because(error)
    }
}
