//! Settings: what was written in the defaults, a file and the environment, turned into typed values.
//!
//! Everything wrong is reported at once, by the name of the setting.

mod outside;
mod parts;
mod telemetry;
mod written;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use self::outside::Outside;
pub use self::outside::{Alidns, Bucket, Esa, RoutineBuild};
pub use self::parts::{Api, Edge, Log, LogFormat};
use self::written::Written;
use crate::api::{ApiConfig, MetricsAccess, RateLimits};
use crate::domain::BaseDomain;
use crate::egress::Network;
use crate::provider::RedisAddress;
use crate::service::{JobSettings, Limits, Vault};
use crate::store::Location;
use crate::store::jobs::Concurrency;
use crate::telemetry::Collector;

/// Every setting, typed.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of what the server keeps.
    pub data_dir: PathBuf,
    /// The domain of the platform's own hostnames.
    pub base_domain: BaseDomain,
    /// Where the database is.
    pub database: Location,
    /// Where servers share the counts of requests; `None` where each counts on its own.
    pub redis: Option<RedisAddress>,
    /// The name servers that are asked about people's domains; none for those that the system asks.
    pub dns_servers: Vec<SocketAddr>,
    /// The keys that seal secrets; `None` for those in the data folder.
    pub secret_keys: Option<SecretKeys>,
    /// The API.
    pub api: Api,
    /// The edge.
    pub edge: Edge,
    /// Bounds of what is accepted.
    pub limits: Limits,
    /// The bucket of artifacts and blobs; `None` for the data folder.
    pub bucket: Option<Bucket>,
    /// The edge elsewhere; `None` where there is only that of this machine.
    pub esa: Option<Esa>,
    /// The zone of DNS records; `None` where names lead to the edge without a record each.
    pub alidns: Option<Alidns>,
    /// How many jobs run at once.
    pub workers: usize,
    /// How they are run.
    pub jobs: JobSettings,
    /// What is logged and how.
    pub log: Log,
    /// Who is told of traces; `None` for nobody.
    pub collector: Option<Collector>,
    /// Variables that look like settings and are none.
    pub unknown_variables: Vec<String>,
}

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidConfig {
    /// Each names its setting.
    pub problems: Vec<String>,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings have {} problem(s)", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for InvalidConfig {}

impl Config {
    /// Returns the settings of this process. `file` wins over `MIAOBU_CONFIG`.
    #[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
    pub fn of_process(file: Option<&Path>) -> Result<Self, InvalidConfig> {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).filter(
            |(name, _)| name.starts_with("MIAOBU_") || written::STANDARD.iter().any(|(known, _)| name == known),
        );
        let mut problems = Vec::new();
        let mut pairs = Vec::new();
        for (name, value) in variables {
            match value.into_string() {
                Ok(value) => pairs.push((name, value)),
                Err(_) => problems.push(format!("{name}: is not UTF-8")),
            }
        }
        let named = pairs.iter().find(|(name, _)| name == "MIAOBU_CONFIG").map(|(_, path)| PathBuf::from(path));
        let file = file.map(Path::to_owned).or(named);
        let text = file.map(|path| (std::fs::read_to_string(&path), path)).and_then(|(text, path)| match text {
            Ok(text) => Some(text),
            Err(error) => {
                problems.push(format!("{}: {error}", path.display()));
                None
            }
        });
        Self::resolve(text.as_deref(), &pairs, problems)
    }

    /// Returns the settings that a file's text and the environment's variables say, over the defaults.
    pub fn parse(file: Option<&str>, variables: &[(String, String)]) -> Result<Self, InvalidConfig> {
        Self::resolve(file, variables, Vec::new())
    }

    fn resolve(
        file: Option<&str>,
        variables: &[(String, String)],
        problems: Vec<String>,
    ) -> Result<Self, InvalidConfig> {
        let mut written = Written::read(file, variables, problems);
        let data_dir = written.take("data_dir", |text| match text {
            "" => Err("is empty".to_owned()),
            _ => Ok(PathBuf::from(text)),
        });
        let base_domain =
            written.take("base_domain", |text| BaseDomain::parse(text).map_err(|error| error.to_string()));
        let database = written.take("database_url", |text| database(text, data_dir.as_deref()));
        let redis = written.take("redis_url", outside::redis);
        let api_addr = written.take("api.addr", address);
        let public_hosts = written.take("api.public_hosts", |text| Ok(hosts(text)));
        let secure_cookies = written.take("api.secure_cookies", boolean);
        let allowed_origins = written.take("api.allowed_origins", origins);
        let behind_proxy = written.take("api.behind_proxy", boolean);
        let metrics = written.take("api.metrics", |text| match text {
            "loopback" => Ok(MetricsAccess::Loopback),
            "public" => Ok(MetricsAccess::Public),
            "off" => Ok(MetricsAccess::Off),
            other => Err(format!("{other:?} is neither loopback, public nor off")),
        });
        let dns_servers = written.take("dns.servers", |text| {
            let given = text.split(',').map(str::trim).filter(|server| !server.is_empty());
            given.map(address).collect::<Result<Vec<_>, _>>()
        });
        let secret_keys = written.take("secrets.keys", secret_keys);
        let edge_addr = written.take("edge.addr", address);
        let metrics_addr = written.take("edge.metrics_addr", |text| match text {
            "" => Ok(None),
            text => address(text).map(Some),
        });
        let threads = written.take("edge.threads", |text| integer(text, 0..=256));
        let deployment_header = written.take("edge.deployment_header", boolean);
        let body_limit = written.take("edge.request_body_limit_bytes", |text| integer(text, 0..=1 << 40));
        let function_timeout = written.take("edge.function_timeout_seconds", seconds);
        let websocket_timeout = written.take("edge.websocket_idle_timeout_seconds", seconds);
        let max_connections = written.take("edge.max_connections", |text| integer(text, 1..=1 << 20));
        let max_per_address = written.take("edge.max_connections_per_address", |text| integer(text, 1..=1 << 20));
        let country_header = written.take("edge.country_header", |text| match text {
            "" => Ok(None),
            name => name.parse().map(Some).map_err(|_| format!("{name:?} is not the name of a header")),
        });
        let reachable_networks = written.take("edge.reachable_networks", networks);
        let public_scheme = written.take("edge.public_scheme", |text| match text {
            "http" => Ok("http"),
            "https" => Ok("https"),
            other => Err(format!("{other:?} is neither http nor https")),
        });
        let public_port = written.take("edge.public_port", |text| integer(text, 0..=65_535));
        let min_free_bytes = written.take("limits.min_free_bytes", |text| integer(text, 0..=1 << 50));
        let min_free_percent = written.take("limits.min_free_percent", |text| integer(text, 0..=90));
        let artifacts_bytes = written.take("limits.artifacts_bytes", |text| integer(text, 0..=1 << 60));
        let cache_bytes = written.take("limits.cache_bytes", |text| integer(text, 0..=1 << 40));
        let logs_bytes = written.take("limits.logs_bytes", |text| integer(text, 0..=1 << 60));
        let database_bytes = written.take("limits.database_bytes", |text| integer(text, 0..=1 << 60));
        let logs_kept_days = written.take("limits.logs_kept_days", |text| integer(text, 0..=36_500));
        let max_deployment_bytes = written.take("limits.max_deployment_bytes", |text| integer(text, 1..=1 << 50));
        let kept_deployments = written.take("limits.kept_deployments", |text| integer(text, 1..=1000));
        let mut limit = |name| {
            let number = written.take(name, |text| integer(text, 0..=1_000_000_000));
            number.and_then(|number| u32::try_from(number).ok())
        };
        let caller_per_minute = limit("limits.requests_per_minute");
        let address_per_minute = limit("limits.anonymous_requests_per_minute");
        let logins_per_minute = limit("limits.logins_per_minute");
        let deployments_per_hour = limit("limits.deployments_per_hour");
        let workers = written.take("jobs.workers", |text| integer(text, 1..=64));
        let per_project = written.take("jobs.per_project", |text| integer(text, 1..=1000));
        let background = written.take("jobs.background", |text| integer(text, 1..=1000));
        let lease = written.take("jobs.lease_seconds", |text| integer(text, 1..=3600).map(Duration::from_secs));
        let filter = written.take("log.filter", |text| {
            let parsed = tracing_subscriber::EnvFilter::from_str(text);
            parsed.map(|_| text.to_owned()).map_err(|error| error.to_string())
        });
        let format = written.take("log.format", |text| match text {
            "human" => Ok(LogFormat::Human),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("{other:?} is neither human nor json")),
        });
        let collector = telemetry::take(&mut written);
        let outside = outside::take(&mut written);
        let alidns = outside.as_ref().and_then(|outside| outside.alidns.as_ref());
        if let (Some(base), Some(Alidns { zone, .. })) = (&base_domain, alidns)
            && base.as_str().strip_suffix(zone.as_str()).is_none_or(|rest| !rest.is_empty() && !rest.ends_with('.'))
        {
            written.problem("alidns.zone", &format!("{zone:?} does not have the base domain {base} in it"));
        }
        let unknown_variables = std::mem::take(&mut written.unknown_variables);
        let complete = || {
            let Outside { bucket, esa, alidns } = outside?;
            Some(Self {
                bucket,
                esa,
                alidns,
                data_dir: data_dir?,
                base_domain: base_domain?,
                database: database?,
                redis: redis?,
                dns_servers: dns_servers?,
                secret_keys: secret_keys?,
                api: Api {
                    addr: api_addr?,
                    presented: ApiConfig {
                        public_hosts: public_hosts?,
                        secure_cookies: secure_cookies?,
                        allowed_origins: allowed_origins?,
                        behind_proxy: behind_proxy?,
                        metrics: metrics?,
                        rate_limits: RateLimits {
                            caller_per_minute: caller_per_minute?,
                            address_per_minute: address_per_minute?,
                            logins_per_minute: logins_per_minute?,
                            deployments_per_hour: deployments_per_hour?,
                        },
                    },
                },
                edge: Edge {
                    addr: edge_addr?,
                    metrics_addr: metrics_addr?,
                    threads: usize::try_from(threads?).ok().filter(|&threads| threads > 0),
                    deployment_header: deployment_header?,
                    request_body_limit_bytes: body_limit?,
                    function_timeout: function_timeout?,
                    websocket_idle_timeout: websocket_timeout?,
                    cache_bytes: usize::try_from(cache_bytes?).ok()?,
                    max_connections: usize::try_from(max_connections?).ok()?,
                    max_connections_per_address: usize::try_from(max_per_address?).ok()?,
                    country_header: country_header?,
                    reachable_networks: reachable_networks?,
                    public_scheme: public_scheme?,
                    public_port: u16::try_from(public_port?).ok().filter(|&port| port > 0),
                },
                limits: Limits {
                    min_free_bytes: min_free_bytes?,
                    min_free_percent: u8::try_from(min_free_percent?).ok()?,
                    artifacts_bytes: artifacts_bytes?,
                    logs_bytes: logs_bytes?,
                    database_bytes: database_bytes?,
                    logs_kept_days: u32::try_from(logs_kept_days?).ok()?,
                    max_deployment_bytes: max_deployment_bytes?,
                    kept_deployments: usize::try_from(kept_deployments?).ok()?,
                },
                workers: usize::try_from(workers?).ok()?,
                jobs: JobSettings {
                    lease: lease?,
                    concurrency: Concurrency {
                        per_project: per_project?.cast_signed(),
                        background: background?.cast_signed(),
                    },
                },
                log: Log { filter: filter?, format: format? },
                collector: collector?,
                unknown_variables,
            })
        };
        match (complete(), written.problems) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(InvalidConfig { problems }),
        }
    }

    /// The folder of the objects.
    pub fn objects_dir(&self) -> PathBuf {
        self.data_dir.join("objects")
    }

    /// The folder of uploads that are not whole yet.
    pub fn uploads_dir(&self) -> PathBuf {
        self.data_dir.join("uploads")
    }
}

fn database(text: &str, data_dir: Option<&Path>) -> Result<Location, String> {
    if text.is_empty() {
        return Ok(Location::Sqlite(data_dir.unwrap_or(Path::new("")).join("miaobu.db")));
    }
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match path {
            "" => Err("names no file".to_owned()),
            _ => Ok(Location::Sqlite(PathBuf::from(path))),
        };
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        // The text may hold a password, so the error must not repeat it.
        let options = PgConnectOptions::from_str(text).map_err(|_| "is not a sound postgres:// URL".to_owned())?;
        return Ok(Location::Postgres(Box::new(options)));
    }
    Err("begins with neither sqlite: nor postgres://".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    match local {
        Some(port) => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        None => text.parse().map_err(|_| format!("{text:?} is not an address with a port, such as 127.0.0.1:8080")),
    }
}

fn hosts(text: &str) -> Vec<String> {
    text.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect()
}

fn networks(text: &str) -> Result<Vec<Network>, String> {
    let networks = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    networks.map(|network| network.parse::<Network>().map_err(|error| error.to_string())).collect()
}

fn seconds(text: &str) -> Result<Duration, String> {
    integer(text, 1..=86_400).map(Duration::from_secs)
}

/// Texts of keys that seal secrets; they do not print.
#[derive(Clone)]
pub struct SecretKeys(String);

impl SecretKeys {
    /// The keys as [`Vault::parse`] reads them.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeys")
    }
}

fn secret_keys(text: &str) -> Result<Option<SecretKeys>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // The error names no key.
    Vault::parse(text).map_err(|error| error.to_string())?;
    Ok(Some(SecretKeys(text.to_owned())))
}

fn origins(text: &str) -> Result<Vec<String>, String> {
    let given = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let checked = given.map(|origin| {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
        match authority {
            Some(authority) if !authority.is_empty() && authority.bytes().all(plain) => Ok(origin.to_owned()),
            _ => Err(format!("{origin:?} is not an origin, such as https://dashboard.example.com")),
        }
    });
    checked.collect()
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(format!("{other:?} is neither true nor false")),
    }
}

fn integer(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("{text:?} is not a whole number from {} to {}", range.start(), range.end())),
    }
}

#[cfg(test)]
mod tests;
