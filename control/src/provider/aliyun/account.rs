//! A client of ESA, and which of the account's sites everything is about.

use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::sites::{ListRecords, ListSites};
use tokio::sync::OnceCell;

use super::failed;
use crate::provider::{Error, ErrorKind};

const PROVIDER: &str = "edge";

/// The site that visitors come to, looked up by its name when it is first needed: a server starts while ESA is out of reach.
#[derive(Debug)]
pub struct EsaAccount {
    esa: Esa,
    site: String,
    record: String,
    site_id: OnceCell<i64>,
    record_id: OnceCell<i64>,
}

impl EsaAccount {
    /// Returns the site with the domain `site`; custom hostnames are served like its record with the full name `record`.
    pub fn new(esa: Esa, site: impl Into<String>, record: impl Into<String>) -> Self {
        let (site_id, record_id) = (OnceCell::new(), OnceCell::new());
        Self { esa, site: site.into(), record: record.into(), site_id, record_id }
    }

    /// The client.
    pub fn esa(&self) -> &Esa {
        &self.esa
    }

    /// Returns the site's id. Fails with `NotFound` when the account has no such site.
    pub async fn site_id(&self) -> Result<i64, Error> {
        let find = || async {
            let wanted = ListSites {
                site_name: Some(self.site.clone()),
                site_search_type: Some("exact".to_owned()),
                ..ListSites::default()
            };
            let page = self.esa.call(&wanted).await.map_err(failed(PROVIDER, "find the site"))?;
            let found = page.sites.into_iter().find(|site| site.site_name == self.site);
            found.map(|site| site.site_id).ok_or_else(|| missing("find the site", &self.site))
        };
        self.site_id.get_or_try_init(find).await.copied()
    }

    /// Returns the id of the record that custom hostnames are served like. Fails with `NotFound` when the site has none.
    pub(super) async fn record_id(&self) -> Result<i64, Error> {
        let find = || async {
            let wanted = ListRecords {
                site_id: self.site_id().await?,
                record_name: Some(self.record.clone()),
                ..ListRecords::default()
            };
            let page = self.esa.call(&wanted).await.map_err(failed(PROVIDER, "find the record"))?;
            let found = page.records.into_iter().find(|record| record.record_name == self.record);
            found.map(|record| record.record_id).ok_or_else(|| missing("find the record", &self.record))
        };
        self.record_id.get_or_try_init(find).await.copied()
    }
}

fn missing(operation: &'static str, name: &str) -> Error {
    Error::new(PROVIDER, operation, ErrorKind::NotFound).because(format!("the account has no {name}"))
}
