//! What the edge elsewhere answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use miaobu_edge::record::RouteRecord;
use reqwest::header::HOST;
use reqwest::{Client, StatusCode, redirect};

use super::EsaEdgeKv;
use crate::provider::{EdgeView, Error, ErrorKind};

/// How long the routine may take to answer; the next look asks again.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Where an answer of the edge names its deployment.
const DEPLOYMENT: &str = "x-miaobu-deployment";

/// The edge of this machine, if it has one, and behind it ESA: what both serve is served.
#[derive(Debug)]
pub struct EsaView {
    here: Arc<dyn EdgeView>,
    kv: Arc<EsaEdgeKv>,
    /// Where the published routine answers, HOST:PORT; empty where nobody said.
    address: String,
    client: Client,
}

/// What a look at the routine came to.
enum Seen {
    Serves(i64),
    Nothing,
    /// Whoever answered is not the routine: it is not published yet, or not asked there.
    Nobody,
}

impl EsaView {
    /// Returns the view of the edge that reads `kv`; with an `address`, of the routine that answers there.
    pub fn new(here: Arc<dyn EdgeView>, kv: Arc<EsaEdgeKv>, address: &str) -> Result<Self, Error> {
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(TIMEOUT);
        // Nothing is asked by https.
        let client = client.no_proxy().tls_certs_only([]).build();
        let client = client.map_err(|error| Error::new("edge", "look", ErrorKind::Rejected).because(error))?;
        Ok(Self { here, kv, address: address.to_owned(), client })
    }

    async fn ask_routine(&self, host: &str) -> Seen {
        if self.address.is_empty() {
            return Seen::Nobody;
        }
        let asked = self.client.head(format!("http://{}/", self.address)).header(HOST, host).send().await;
        let Ok(answer) = asked else { return Seen::Nobody };
        let named = answer.headers().get(DEPLOYMENT).and_then(|value| value.to_str().ok()?.parse().ok());
        match (named, answer.status()) {
            (Some(id), _) => Seen::Serves(id),
            (None, StatusCode::MISDIRECTED_REQUEST) => Seen::Nothing,
            (None, _) => Seen::Nobody,
        }
    }
}

#[async_trait]
impl EdgeView for EsaView {
    async fn deployment_at(&self, host: &str) -> Result<Option<i64>, Error> {
        let Some(here) = self.here.deployment_at(host).await? else { return Ok(None) };
        let there = match self.ask_routine(host).await {
            Seen::Serves(id) => Some(id),
            Seen::Nothing => None,
            Seen::Nobody => {
                let record = self.kv.stored(host).await?.and_then(|value| RouteRecord::parse(value.as_bytes()).ok());
                record.map(|record| record.deployment_id)
            }
        };
        Ok(there.filter(|there| *there == here))
    }

    async fn value(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.here.value(key).await
    }

    async fn values(&self, keys: &[String]) -> Result<HashMap<String, Bytes>, Error> {
        self.here.values(keys).await
    }
}
