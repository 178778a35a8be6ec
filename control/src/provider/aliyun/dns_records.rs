//! DNS records in a zone of Alidns.

use async_trait::async_trait;
use miaobu_aliyun::alidns::{Alidns, Wanted};

use super::failed;
use crate::domain::DomainName;
use crate::provider::{DnsRecords, Error, ErrorKind};

const PROVIDER: &str = "dns records";
/// What is noted beside the platform's records.
const REMARK: &str = "miaobu";
/// The least that the free edition takes, in seconds.
const TTL: i64 = 600;

/// The records of one zone, which lead to the edge.
#[derive(Debug)]
pub struct AlidnsRecords {
    alidns: Alidns,
    zone: String,
    target: String,
}

impl AlidnsRecords {
    /// Returns the records of `zone`; each leads to the name `target`, as a CNAME.
    pub fn new(alidns: Alidns, zone: impl Into<String>, target: impl Into<String>) -> Self {
        Self { alidns, zone: zone.into(), target: target.into() }
    }

    fn wanted(&self, name: &DomainName, operation: &'static str) -> Result<Wanted, Error> {
        let rr = name.under(&self.zone).ok_or_else(|| {
            let reason = format!("{name} is not in the zone {}", self.zone);
            Error::new(PROVIDER, operation, ErrorKind::Rejected).because(reason)
        })?;
        Ok(Wanted {
            zone: self.zone.clone(),
            rr: rr.to_owned(),
            r#type: "CNAME".to_owned(),
            value: self.target.clone(),
            ttl: TTL,
            remark: REMARK.to_owned(),
        })
    }
}

#[async_trait]
impl DnsRecords for AlidnsRecords {
    async fn lead(&self, name: &DomainName) -> Result<(), Error> {
        let wanted = self.wanted(name, "lead")?;
        self.alidns.set(&wanted).await.map(drop).map_err(failed(PROVIDER, "lead"))
    }

    async fn forget(&self, name: &DomainName) -> Result<(), Error> {
        let wanted = self.wanted(name, "forget")?;
        self.alidns.remove(&wanted).await.map_err(failed(PROVIDER, "forget"))
    }
}
