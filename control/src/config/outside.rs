//! Settings of engines outside of this machine.

use std::time::Duration;

use miaobu_aliyun::Credentials;
use miaobu_aliyun::oss::{Addressing, Dialect, Location};
use miaobu_edge::record::KeyEncoding;

use super::integer;
use super::written::Written;
use crate::provider::{InvalidRedisAddress, RedisAddress};

/// Where artifacts and blobs lie, when it is not in the data folder.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The bucket.
    pub location: Location,
    /// Whose calls they are.
    pub credentials: Credentials,
}

/// The form of the routine's core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutineBuild {
    /// WebAssembly.
    WebAssembly,
    /// The same as JavaScript, for runtimes that have no WebAssembly.
    JavaScript,
}

/// The edge that ESA is.
#[derive(Debug, Clone)]
pub struct Esa {
    /// Where its API is.
    pub endpoint: String,
    /// Whose calls they are.
    pub credentials: Credentials,
    /// The domain of the site that visitors come to.
    pub site: String,
    /// The full name of the record that custom hostnames are served like.
    pub record: String,
    /// The namespace of the key-value store.
    pub namespace: String,
    /// How hostnames become keys.
    pub keys: KeyEncoding,
    /// How long a write takes to be seen everywhere.
    pub propagation: Duration,
    /// The routine's name.
    pub routine: String,
    /// In which form its core is published.
    pub routine_build: RoutineBuild,
    /// Which requests the routine gets, in the language of ESA's rules; empty for those under the base domain.
    pub rule: String,
    /// Where staging answers: host and port; empty for where ESA says.
    pub staging_address: String,
    /// Where production answers; empty for where the names lead.
    pub edge_address: String,
    /// Where the routine reads objects, without a slash at the end.
    pub objects_url: String,
}

/// The zone whose records lead to the edge.
#[derive(Debug, Clone)]
pub struct Alidns {
    /// Where its API is.
    pub endpoint: String,
    /// Whose calls they are.
    pub credentials: Credentials,
    /// The zone.
    pub zone: String,
    /// The name that records lead to.
    pub target: String,
}

/// What was written of engines elsewhere; `None` inside where one is not used.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) bucket: Option<Bucket>,
    pub(super) esa: Option<Esa>,
    pub(super) alidns: Option<Alidns>,
}

/// Returns what was written of engines elsewhere.
pub(super) fn take(written: &mut Written) -> Option<Outside> {
    let text = |written: &mut Written, name| written.take(name, |text| Ok(text.to_owned()));
    let id = text(written, "aliyun.access_key_id")?;
    let secret = text(written, "aliyun.access_key_secret")?;
    let token = text(written, "aliyun.security_token")?;
    let aliyun = Credentials::new(id.clone(), secret.clone());
    let aliyun = if token.is_empty() { aliyun } else { aliyun.with_security_token(token) };
    let complete = !id.is_empty() && !secret.is_empty();
    let bucket = bucket(written, &aliyun, complete);
    let esa = esa(written, &aliyun, complete);
    let alidns = alidns(written, &aliyun, complete);
    Some(Outside { bucket: bucket?, esa: esa?, alidns: alidns? })
}

/// Where servers share the counts of requests, when a URL says so.
pub(super) fn redis(text: &str) -> Result<Option<RedisAddress>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: InvalidRedisAddress| error.to_string())
}

fn bucket(written: &mut Written, aliyun: &Credentials, has_aliyun: bool) -> Option<Option<Bucket>> {
    let dialect = written.take("objects.store", |text| match text {
        "local" => Ok(None),
        "oss" => Ok(Some(Dialect::Oss)),
        "s3" => Ok(Some(Dialect::S3)),
        other => Err(format!("{other:?} is neither local, oss nor s3")),
    })?;
    let addressing = written.take("objects.addressing", |text| match text {
        "host" => Ok(Addressing::Host),
        "path" => Ok(Addressing::Path),
        "domain" => Ok(Addressing::Domain),
        other => Err(format!("{other:?} is neither host, path nor domain")),
    });
    let own_id = written.take("objects.access_key_id", |text| Ok(text.to_owned()))?;
    let own_secret = written.take("objects.access_key_secret", |text| Ok(text.to_owned()))?;
    let Some(dialect) = dialect else { return Some(None) };
    let endpoint = written.take("objects.endpoint", needed);
    let region = written.take("objects.region", needed);
    let name = written.take("objects.bucket", needed);
    let credentials = match (own_id.is_empty(), has_aliyun) {
        (false, _) => Credentials::new(own_id, own_secret),
        (true, true) => aliyun.clone(),
        (true, false) => {
            written.problem("objects.access_key_id", "is needed, or aliyun.access_key_id and its secret");
            return None;
        }
    };
    let location = Location { endpoint: endpoint?, region: region?, bucket: name?, dialect, addressing: addressing? };
    Some(Some(Bucket { location, credentials }))
}

fn esa(written: &mut Written, aliyun: &Credentials, has_aliyun: bool) -> Option<Option<Esa>> {
    let site = written.take("esa.site", |text| Ok(text.to_owned()))?;
    let keys = written.take("esa.kv_keys", |text| match text {
        "plain" => Ok(KeyEncoding::Plain),
        "encoded" => Ok(KeyEncoding::Encoded),
        other => Err(format!("{other:?} is neither plain nor encoded")),
    });
    let propagation = written.take("esa.kv_propagation_seconds", |text| integer(text, 0..=3600));
    if site.is_empty() {
        return Some(None);
    }
    if !has_aliyun {
        written.problem("aliyun.access_key_id", "and aliyun.access_key_secret are needed for ESA");
        return None;
    }
    let endpoint = written.take("esa.endpoint", needed);
    let record = written.take("esa.record", |text| Ok(text.to_owned()))?;
    let namespace = written.take("esa.kv_namespace", needed);
    let routine = written.take("esa.routine", routine_name);
    let routine_build = written.take("esa.routine_build", |text| match text {
        "webassembly" => Ok(RoutineBuild::WebAssembly),
        "javascript" => Ok(RoutineBuild::JavaScript),
        other => Err(format!("{other:?} is neither webassembly nor javascript")),
    });
    let rule = written.take("esa.rule", |text| Ok(text.to_owned()));
    let staging_address = written.take("esa.staging_address", |text| Ok(text.to_owned()));
    let edge_address = written.take("esa.edge_address", |text| Ok(text.to_owned()));
    let objects_url = written.take("esa.objects_url", |text| {
        let plain = text.trim_end_matches('/');
        match plain.starts_with("https://") || plain.starts_with("http://") {
            true => Ok(plain.to_owned()),
            false => Err(format!("{text:?} is not the URL of the bucket as the routine reaches it")),
        }
    });
    let record = if record.is_empty() { format!("origin.{site}") } else { record };
    Some(Some(Esa {
        endpoint: endpoint?,
        credentials: aliyun.clone(),
        site,
        record,
        namespace: namespace?,
        keys: keys?,
        propagation: Duration::from_secs(propagation?),
        routine: routine?,
        routine_build: routine_build?,
        rule: rule?,
        staging_address: staging_address?,
        edge_address: edge_address?,
        objects_url: objects_url?,
    }))
}

fn alidns(written: &mut Written, aliyun: &Credentials, has_aliyun: bool) -> Option<Option<Alidns>> {
    let zone = written.take("alidns.zone", |text| Ok(text.to_ascii_lowercase()))?;
    if zone.is_empty() {
        return Some(None);
    }
    if !has_aliyun {
        written.problem("aliyun.access_key_id", "and aliyun.access_key_secret are needed for Alidns");
        return None;
    }
    let endpoint = written.take("alidns.endpoint", needed);
    let target = written.take("alidns.target", needed);
    Some(Some(Alidns { endpoint: endpoint?, credentials: aliyun.clone(), zone, target: target? }))
}

fn needed(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn routine_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text.len() >= 2 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not two or more lower-case letters, digits and hyphens, a letter first")),
    }
}
