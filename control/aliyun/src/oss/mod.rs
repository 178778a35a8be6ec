//! Object storage: OSS, and any service that speaks S3.
//!
//! A [`Bucket`] is a client of one bucket. Bodies stream both ways; what OSS stored and what it sends is compared by
//! checksum. Storing, copying and deleting again is no error.

mod body;
mod bucket;
mod list;
mod multipart;
mod objects;
mod presign;
mod request;
mod xml;

use crate::client::{Core, Endpoint};
use crate::{Error, ErrorKind, Settings};

pub use body::{Payload, PayloadStream};
pub use list::{ListOptions, Listed, ListedPrefix, Page};
pub use multipart::{Part, UploadPlan};
pub use objects::{Attributes, GetOptions, Object, ObjectHead, Range, Stored};
pub use presign::{Form, FormPolicy};

/// The services differ in their signatures and in the names of their headers, and agree in the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OSS.
    #[default]
    Oss,
    /// S3.
    S3,
}

/// How an address names the bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Addressing {
    /// Before the host; as [`Addressing::Path`] where the host is a number or `localhost`.
    #[default]
    Host,
    /// As the first segment of the path. OSS itself refuses this.
    Path,
    /// Not at all: the host is a domain that is bound to the bucket.
    Domain,
}

/// Where a bucket is.
#[derive(Debug, Clone, Default)]
pub struct Location {
    /// The service's address, such as `oss-cn-hangzhou.aliyuncs.com`, or the bucket's own domain.
    pub endpoint: String,
    /// The region, such as `cn-hangzhou`, without `oss-` before it.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// Which service.
    pub dialect: Dialect,
    /// How an address names the bucket.
    pub addressing: Addressing,
}

/// A client of one bucket.
#[derive(Debug)]
pub struct Bucket {
    core: Core,
    location: Location,
    /// Where requests go, the bucket's name before the host or not.
    address: Endpoint,
}

impl Bucket {
    /// Returns a client of the bucket. Fails with [`ErrorKind::Invalid`] when the endpoint is no address, or the name no
    /// bucket's.
    pub fn new(location: Location, settings: Settings) -> Result<Self, Error> {
        let service = match location.dialect {
            Dialect::Oss => "OSS",
            Dialect::S3 => "S3",
        };
        let name = &location.bucket;
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if !(3..=63).contains(&name.len()) || !name.bytes().all(letters) {
            return Err(Error::new(service, "connect", ErrorKind::Invalid, format!("{name:?} is not a bucket's name")));
        }
        let core = Core::new(service, &location.endpoint, settings)?;
        let with_label = location.addressing == Addressing::Host && !core.endpoint.takes_no_label();
        let address = if with_label { core.endpoint.with_label(name) } else { core.endpoint.clone() };
        Ok(Self { core, location, address })
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.location.bucket
    }

    /// Whether paths begin with the bucket's name.
    fn is_in_path(&self) -> bool {
        self.location.addressing != Addressing::Domain && self.address == self.core.endpoint
    }

    /// Returns a header's name as the service writes it, given the part that both agree in.
    fn header(&self, name: &str) -> String {
        let vendor = match self.location.dialect {
            Dialect::Oss => "oss",
            Dialect::S3 => "amz",
        };
        format!("x-{vendor}-{name}")
    }

    fn invalid(&self, operation: &'static str, message: impl Into<String>) -> Error {
        Error::new(self.core.service, operation, ErrorKind::Invalid, message)
    }

    fn interrupted(&self, operation: &'static str, message: impl Into<String>) -> Error {
        Error::new(self.core.service, operation, ErrorKind::Interrupted, message)
    }
}
