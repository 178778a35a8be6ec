//! A look at what the routine answers, over HTTP, with hostnames that no project can have.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use miaobu_aliyun::esa::kv::{BatchDeleteKv, BatchPutKv, CreateKvNamespace, Pair, PutKv};
use miaobu_edge::build::{BuildError, SiteBuilder, SiteSettings};
use miaobu_edge::record::{self, KeyEncoding, Kind, RouteRecord};
use reqwest::header::{ETAG, HOST, IF_NONE_MATCH, LOCATION};
use reqwest::{Client, redirect};

use super::{Cloud, Error, Place};
use crate::domain::{BaseDomain, Sha256};
use crate::provider::{self, ObjectKey, ObjectStore};

const PAGE: &str = "<!doctype html><title>Miaobu</title><p>The routine answers.\n";
const FOLDER: &str = "smoke/1";
const SITE: &str = "smoke-site";
const TIMEOUT: Duration = Duration::from_secs(15);

/// What is looked at, and from where.
#[derive(Debug, Clone)]
pub struct Smoke {
    /// Where the page lies.
    pub objects: Arc<dyn ObjectStore>,
    /// Where the routine reads it.
    pub objects_url: String,
    /// The namespace of the key-value store.
    pub namespace: String,
    /// How hostnames become keys.
    pub keys: KeyEncoding,
    /// The domain above the hostnames.
    pub base: BaseDomain,
    /// Where staging answers: host and port.
    pub staging: String,
    /// Where production answers; empty for where the names lead.
    pub production: String,
}

impl Smoke {
    /// Returns it with the address of staging that ESA names, where the settings name none.
    pub async fn located(self, cloud: &Cloud) -> Result<Self, Error> {
        if !self.staging.is_empty() {
            return Ok(self);
        }
        let staging = cloud.staging_address().await?;
        Ok(Self { staging: staging.ok_or_else(|| wrong(Place::Staging, "its address", "ESA names none"))?, ..self })
    }

    /// Labels with two hyphens in a row are no project's.
    fn host(&self, what: &str) -> String {
        self.base.hostname(&format!("miaobu--{what}"))
    }

    fn key(&self, what: &str) -> String {
        record::key(&self.host(what), self.keys)
    }

    /// Puts in place what the hostnames lead to. Doing it again is no error.
    pub async fn prepare(&self, cloud: &Cloud) -> Result<(), Error> {
        let site = site().map_err(|error| rejected(error.to_string()))?;
        let copy = object(&record::site_object(FOLDER))?;
        self.objects.put(&object(&format!("{FOLDER}/index.html"))?, Bytes::from_static(PAGE.as_bytes())).await?;
        self.objects.put(&copy, site.clone().into()).await?;
        let esa = cloud.account.esa();
        let namespace = self.namespace.clone();
        let create = CreateKvNamespace { namespace: namespace.clone(), description: None };
        match esa.call(&create).await {
            Err(error) if error.kind != miaobu_aliyun::ErrorKind::Conflict => return Err(error.into()),
            _ => {}
        }
        let value = data_encoding::BASE64.encode(&site);
        let put = PutKv { namespace: namespace.clone(), key: SITE.into(), value, ..PutKv::default() };
        esa.call(&PutKv { base64: Some(true), ..put }).await?;
        let older = RouteRecord::of_static("miaobu", FOLDER, 0);
        let records = [
            ("smoke", RouteRecord { site: Some(SITE.to_owned()), ..older.clone() }),
            ("older", older),
            ("proxy", RouteRecord::of_function(Kind::Node, "miaobu", &format!("{}/{FOLDER}", self.objects_url), 0)),
        ];
        let pair = |(what, record): (&str, RouteRecord)| Pair {
            key: self.key(what),
            value: record.to_json(),
            ..Pair::default()
        };
        esa.call(&BatchPutKv { namespace, kv_list: records.map(pair).into() }).await?;
        Ok(())
    }

    /// Takes away what was put in place.
    pub async fn clean(&self, cloud: &Cloud) -> Result<(), Error> {
        let keys = ["smoke", "older", "proxy"].map(|what| self.key(what)).into_iter().chain([SITE.to_owned()]);
        let delete = BatchDeleteKv { namespace: self.namespace.clone(), keys: keys.collect() };
        match cloud.account.esa().call(&delete).await {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        self.objects.delete_prefix(&object(FOLDER)?).await?;
        Ok(self.objects.delete_all(vec![object(&record::site_object(FOLDER))?]).await?)
    }

    /// Looks at every kind of answer once, and returns how many there were. Fails with the first that is wrong.
    pub async fn look(&self, place: Place) -> Result<usize, Error> {
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(TIMEOUT);
        // Nothing is asked by https.
        let client = client.no_proxy().tls_certs_only([]).build();
        let client = client.map_err(|error| wrong(place, "a client", error))?;
        let ask = |what: &str, path: &str, tag: Option<&str>| {
            let host = self.host(what);
            let address = match place {
                Place::Staging => self.staging.as_str(),
                Place::Production => self.production.as_str(),
            };
            let address = if address.is_empty() { host.as_str() } else { address };
            let request = client.get(format!("http://{address}{path}")).header(HOST, &host);
            tag.into_iter().fold(request, |request, tag| request.header(IF_NONE_MATCH, tag)).send()
        };
        let mut looked = 0;
        let mut tag = None;
        for (what, path, status) in [
            ("smoke", "/", 200),
            ("smoke", "/", 304),
            ("smoke", "/index.html", 308),
            ("smoke", "/missing", 404),
            ("older", "/", 200),
            ("proxy", "/index.html", 200),
            ("nobody", "/", 421),
        ] {
            let name = format!("{what}{path} for {status}");
            let condition = tag.as_deref().filter(|_| status == 304);
            let answer = ask(what, path, condition).await.map_err(|error| wrong(place, &name, error))?;
            let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            if answer.status().as_u16() != status {
                return Err(wrong(place, &name, format!("status {}", answer.status())));
            }
            tag = header(ETAG).or(tag);
            if status == 308 && header(LOCATION).as_deref() != Some("/") {
                return Err(wrong(place, &name, "it leads elsewhere"));
            }
            let body = answer.text().await.map_err(|error| wrong(place, &name, error))?;
            if status == 200 && body != PAGE {
                return Err(wrong(place, &name, "the body is another one"));
            }
            looked += 1;
        }
        Ok(looked)
    }
}

fn site() -> Result<Vec<u8>, BuildError> {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    builder.file("/index.html", &Sha256::of(PAGE.as_bytes()).0, PAGE.len() as u64)?;
    builder.finish()
}

fn object(key: &str) -> Result<ObjectKey, Error> {
    ObjectKey::parse(key).map_err(|error| rejected(error.to_string()))
}

fn rejected(reason: String) -> Error {
    let kind = provider::ErrorKind::Rejected;
    Error::Provider(provider::Error::new("object store", "put", kind).because(reason))
}

fn wrong(place: Place, what: &str, problem: impl std::fmt::Display) -> Error {
    Error::Smoke { place: place.name(), problem: format!("{what}: {problem}") }
}
