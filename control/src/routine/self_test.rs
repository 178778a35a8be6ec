//! Finds out what a runtime supports: another routine, in staging alone, is asked one thing at a time.

use std::time::Duration;

use reqwest::header::HOST;
use serde_json::Value;

use super::{Bundle, Cloud, Error, Place};
use crate::domain::{BaseDomain, Sha256};

/// The routine that is asked.
const CODE: &str = include_str!("../../../edge/self-test/self-test.js");
const TIMEOUT: Duration = Duration::from_secs(15);
/// How often it is asked until the new version answers, a second apart.
const LOOKS: u32 = 420;
/// Keys of every kind that somebody may want, and the longest.
const KEYS: [&str; 8] =
    ["self-test", "self_test", "www.self-test.example", "self:test", "self/test", "self test", "sélf", ""];
/// Paths that something on the way may change.
const PATHS: [&str; 8] = ["/", "/a%2Fb", "//a//b", "/a/./b/../c", "/%7Ea", "/%zz", "/a;b=c?x=%20y+z", "/%E4%BD%A0"];

/// Who is asked, and where.
#[derive(Debug)]
pub struct SelfTest<'a> {
    /// A routine of its own.
    pub cloud: &'a Cloud,
    /// The domain above its hostname.
    pub base: &'a BaseDomain,
    /// Where staging answers: host and port.
    pub staging: &'a str,
    /// The namespace that keys are tried in.
    pub namespace: &'a str,
    /// What is fetched to see how often that may be done.
    pub address: &'a str,
    /// The pause between two looks at whether the new version answers.
    pub pause: Duration,
}

/// Returns the hostname that the routine is asked under; no project can have it.
pub fn host(base: &BaseDomain) -> String {
    base.hostname("miaobu--self-test")
}

/// Returns the routine's code.
pub fn bundle() -> Bundle {
    let mut hash = Sha256::of(CODE.as_bytes()).to_hex();
    hash.truncate(16);
    Bundle { code: CODE.into(), hash }
}

impl SelfTest<'_> {
    /// Publishes the routine to staging unless it runs there already.
    pub async fn publish(&self) -> Result<(), Error> {
        let (cloud, bundle) = (self.cloud, bundle());
        cloud.create().await?;
        let state = cloud.state().await?;
        let version = match state.version_with(&bundle.hash) {
            Some(version) => version.number.clone(),
            None => {
                // Only the newest is of any use, and room is scarce.
                for old in &state.versions {
                    if !state.staging.iter().any(|share| share.version == old.number) {
                        cloud.delete(&old.number).await?;
                    }
                }
                let description = bundle.description("self-test");
                cloud.upload(&bundle, &description).await?;
                cloud.commit(&description).await?
            }
        };
        cloud.publish(Place::Staging, &version).await?;
        cloud.route().await
    }

    /// Asks everything, and tells each thing that was found out as a name and what it came to. Fails when nobody answers.
    pub async fn ask(&self, mut tell: impl FnMut(&str, &Value)) -> Result<(), Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().tls_certs_only([]).build();
        let client = client.map_err(|error| wrong("a client", error))?;
        let ask = async |path: &str, probe: &str, first: &str, second: &str| {
            let mark = if path.contains('?') { '&' } else { '?' };
            let query = [("probe", probe), ("first", first), ("second", second)];
            let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let address = format!("http://{}{path}{mark}{}", self.staging, miaobu_aliyun::encode::query(&query));
            let answer = client.get(address).header(HOST, host(self.base)).send().await;
            let answer = answer.map_err(|error| wrong(probe, error))?;
            let (status, ours) = (answer.status(), answer.headers().contains_key("x-miaobu-self-test"));
            let text = answer.text().await.map_err(|error| wrong(probe, error))?;
            let told = serde_json::from_str::<Value>(&text).ok().filter(|_| ours);
            told.ok_or_else(|| wrong(probe, format!("status {status}")))
        };
        let mut engine = ask("/", "engine", "", "").await;
        for _ in 1..LOOKS {
            if engine.is_ok() {
                break;
            }
            tokio::time::sleep(self.pause).await;
            engine = ask("/", "engine", "", "").await;
        }
        tell("engine", &engine?);
        for (name, probe, first) in [
            ("runtime", "runtime", ""),
            ("time", "time", ""),
            ("cache", "cache", "http://miaobu--self-test.example/"),
            ("sub-requests", "fetch", self.address),
        ] {
            tell(name, &ask("/", probe, first, "").await.unwrap_or_else(|error| error.to_string().into()));
        }
        let longest = "k".repeat(512);
        let too_long = "k".repeat(513);
        for key in KEYS.into_iter().chain([longest.as_str(), too_long.as_str()]) {
            let found = ask("/", "kv", self.namespace, key).await;
            let name = if key.len() > 100 { format!("key of {} bytes", key.len()) } else { format!("key {key:?}") };
            tell(&name, &found.unwrap_or_else(|error| error.to_string().into()));
        }
        for path in PATHS {
            let found = ask(path, "request", "", "").await;
            let url = found.map_or_else(|error| error.to_string().into(), |told| told["url"].clone());
            tell(&format!("path {path}"), &url);
        }
        tell("request", &ask("/", "request", "", "").await?);
        Ok(())
    }
}

fn wrong(what: &str, problem: impl std::fmt::Display) -> Error {
    Error::Smoke { place: Place::Staging.name(), problem: format!("{what}: {problem}") }
}
