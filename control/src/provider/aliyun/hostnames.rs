//! Custom hostnames of ESA.

use std::sync::Arc;

use async_trait::async_trait;
use miaobu_aliyun::ErrorKind as Kind;
use miaobu_aliyun::esa::Switch;
use miaobu_aliyun::esa::hostnames::{
    CertStatus, CertType, CreateCustomHostname, CustomHostname, DeleteCustomHostname, GetCustomHostname,
    HostnameStatus, ListCustomHostnames, VerifyCustomHostname,
};

use super::{EsaAccount, failed};
use crate::domain::{DomainName, EdgeState, EsaStatus, SslStatus};
use crate::provider::{EdgeHostnames, Error};

const PROVIDER: &str = "edge hostnames";

/// The custom hostnames of a site, which are served like its record.
#[derive(Debug)]
pub struct EsaHostnames(Arc<EsaAccount>);

impl EsaHostnames {
    /// Returns the custom hostnames of the account's site.
    pub fn new(account: Arc<EsaAccount>) -> Self {
        Self(account)
    }

    /// Returns ours with this name, oldest first. Another account's is not in the list.
    async fn find(&self, name: &DomainName) -> Result<Vec<i64>, Error> {
        let (site_id, record_id) = (self.0.site_id().await?, self.0.record_id().await?);
        let hostname = Some(name.to_string());
        let list = ListCustomHostnames { site_id, hostname, ..ListCustomHostnames::default() };
        let page = self.0.esa().call(&list).await.map_err(failed(PROVIDER, "find"))?;
        let ours = |found: &CustomHostname| found.hostname == name.as_str() && found.record_id == record_id;
        let mut found: Vec<_> = page.hostnames.into_iter().filter(ours).map(|found| found.hostname_id).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the one of ours with this name. ESA promises nowhere that it refuses a second: where two servers made one each,
    /// the oldest stays.
    async fn find_one(&self, name: &DomainName) -> Result<Option<i64>, Error> {
        let mut found = self.find(name).await?.into_iter();
        let oldest = found.next();
        for id in found {
            self.delete(id).await?;
        }
        Ok(oldest)
    }

    async fn delete(&self, hostname_id: i64) -> Result<(), Error> {
        match self.0.esa().call(&DeleteCustomHostname { hostname_id }).await {
            Err(error) if error.kind != Kind::NotFound => Err(failed(PROVIDER, "detach")(error)),
            _ => Ok(()),
        }
    }

    /// Makes the hostname; `None` where its ICP filing is missing.
    async fn create(&self, name: &DomainName) -> Result<Option<i64>, Error> {
        let create = CreateCustomHostname {
            site_id: self.0.site_id().await?,
            hostname: name.to_string(),
            record_id: self.0.record_id().await?,
            ssl_flag: Switch::On,
            cert_type: Some(CertType::Free),
            ..CreateCustomHostname::default()
        };
        match self.0.esa().call(&create).await {
            Ok(created) => Ok(Some(self.find_one(name).await?.unwrap_or(created.hostname_id))),
            Err(error) if error.code.as_deref().is_some_and(|code| code.contains("ICP")) => Ok(None),
            // The answer was lost, or somebody else was faster: it may be there.
            Err(error) if error.may_have_happened() || error.kind == Kind::Conflict => match self.find_one(name).await?
            {
                Some(id) => Ok(Some(id)),
                None => Err(failed(PROVIDER, "attach")(error)),
            },
            Err(error) => Err(failed(PROVIDER, "attach")(error)),
        }
    }

    async fn get(&self, hostname_id: i64) -> Result<CustomHostname, Error> {
        let answer = self.0.esa().call(&GetCustomHostname { hostname_id }).await;
        answer.map(|answer| answer.custom_hostname_model).map_err(failed(PROVIDER, "attach"))
    }
}

#[async_trait]
impl EdgeHostnames for EsaHostnames {
    async fn attach(&self, name: &DomainName) -> Result<EdgeState, Error> {
        let found = match self.find_one(name).await? {
            Some(id) => Some(id),
            None => self.create(name).await?,
        };
        let Some(id) = found else { return Ok(EdgeState { icp_required: true, ..EdgeState::pending() }) };
        let mut hostname = self.get(id).await?;
        if hostname.status == HostnameStatus::Pending {
            let verified = self.0.esa().call(&VerifyCustomHostname { hostname_id: id }).await;
            if verified.map_err(failed(PROVIDER, "verify"))?.passed() {
                hostname = self.get(id).await?;
            }
        }
        Ok(state_of(id, &hostname))
    }

    async fn detach(&self, name: &DomainName, esa_saas_id: Option<&str>) -> Result<(), Error> {
        let mut ours = self.find(name).await?;
        ours.extend(esa_saas_id.and_then(|id| id.parse::<i64>().ok()).filter(|id| !ours.contains(id)));
        for id in ours {
            self.delete(id).await?;
        }
        Ok(())
    }
}

/// Returns what a hostname's own words say, in ours.
fn state_of(id: i64, hostname: &CustomHostname) -> EdgeState {
    let online = hostname.status == HostnameStatus::Active;
    let ssl_status = match hostname.cert_status {
        _ if hostname.status == HostnameStatus::Conflicted => SslStatus::Failed,
        CertStatus::Ok | CertStatus::Expiring => SslStatus::Active,
        CertStatus::ApplyFailed | CertStatus::Expired => SslStatus::Failed,
        CertStatus::Applying | CertStatus::Unknown => SslStatus::Pending,
    };
    EdgeState {
        esa_saas_id: Some(id.to_string()),
        esa_status: if online { EsaStatus::Online } else { EsaStatus::Pending },
        ssl_status,
        icp_required: hostname.status == HostnameStatus::Offline && hostname.offline_reason == "missing_icp",
        proof: (hostname.status == HostnameStatus::Pending && !hostname.verify_code.is_empty())
            .then(|| hostname.verify_code.clone()),
    }
}
