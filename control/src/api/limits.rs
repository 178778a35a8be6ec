//! How often callers may ask, and how answers tell them.

use chrono::TimeDelta;
use poem::Request;
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use super::ApiConfig;
use super::frame::ExtraHeaders;
use super::gate::name_of;
use super::problem::ApiError;
use crate::domain::Actor;
use crate::service::{Error, Quota, Services, Verdict};

/// How often callers may ask; 0 is any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests a minute with one token, or of one user's sessions.
    pub caller_per_minute: u32,
    /// Requests a minute from one address without a credential that is good.
    pub address_per_minute: u32,
    /// Logins a minute from one address.
    pub logins_per_minute: u32,
    /// Deployments an hour that are made in one project.
    pub deployments_per_hour: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { caller_per_minute: 1000, address_per_minute: 100, logins_per_minute: 10, deployments_per_hour: 60 }
    }
}

const LOGINS: [&str; 3] = ["login", "loginWithPassword", "register"];
const DEPLOYMENTS: [&str; 4] = ["createDeployment", "uploadDeployment", "redeployDeployment", "triggerDeployment"];
/// What watches the server asks often, and is answered from little.
const WATCHED: [&str; 2] = ["getHealth", "getMetrics"];

/// Counts a request without a good credential, by its address.
pub async fn count_stranger(
    request: &Request,
    services: &Services,
    config: &ApiConfig,
    operation: &str,
) -> Result<(), ApiError> {
    let limits = &config.rate_limits;
    let minute = TimeDelta::minutes(1);
    let name = if WATCHED.contains(&operation) { "watch" } else { "address" };
    let requests = if WATCHED.contains(&operation) { limits.caller_per_minute } else { limits.address_per_minute };
    let address = address(request, config);
    let mut draws = vec![(Quota { name, requests, window: minute }, address.as_str())];
    if LOGINS.contains(&operation) {
        draws.push((Quota { name: "logins", requests: limits.logins_per_minute, window: minute }, &address));
    }
    settle(request, &services.gate.count(&draws).await)
}

/// Counts a request of a known caller.
pub async fn count_caller(
    request: &Request,
    services: &Services,
    config: &ApiConfig,
    operation: &str,
    actor: &Actor,
) -> Result<(), ApiError> {
    let limits = &config.rate_limits;
    let quota = Quota { name: "caller", requests: limits.caller_per_minute, window: TimeDelta::minutes(1) };
    let caller = name_of(actor);
    let project = DEPLOYMENTS.contains(&operation).then(|| project_of(request, actor));
    let mut draws = vec![(quota, caller.as_str())];
    if let Some(project) = &project {
        let quota = Quota { name: "deployments", requests: limits.deployments_per_hour, window: TimeDelta::hours(1) };
        draws.push((quota, project));
    }
    settle(request, &services.gate.count(&draws).await)
}

/// The project that a path names, as one user names it: counted before it is known whether that user knows it.
fn project_of(request: &Request, actor: &Actor) -> String {
    let project = request.uri().path().split('/').nth(5).unwrap_or_default();
    format!("{}:{project}", actor.user_id)
}

/// Writes the headers of the verdicts, and refuses the request when one of them does.
fn settle(request: &Request, verdicts: &[Verdict]) -> Result<(), ApiError> {
    if let Some(extra) = request.data::<ExtraHeaders>() {
        extra.extend(headers(verdicts));
    }
    let wait = verdicts.iter().filter_map(|verdict| verdict.retry_after).max();
    match wait {
        None => Ok(()),
        Some(wait) => Err(Error::Limited { retry_after_seconds: seconds(wait).max(1) }.into()),
    }
}

/// The headers of the IETF draft for all quotas, and the older `X-RateLimit-*` for the one that has least left.
fn headers(verdicts: &[Verdict]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let list = |show: &dyn Fn(&Verdict) -> String| verdicts.iter().map(show).collect::<Vec<_>>().join(", ");
    let Some(tightest) = verdicts.iter().min_by_key(|verdict| (verdict.retry_after.is_none(), verdict.remaining))
    else {
        return headers;
    };
    put(
        "ratelimit-policy",
        list(&|verdict| {
            let Quota { name, requests, window } = verdict.quota;
            format!("\"{name}\";q={requests};w={}", window.num_seconds())
        }),
    );
    put(
        "ratelimit",
        list(&|verdict| format!("\"{}\";r={};t={}", verdict.quota.name, verdict.remaining, seconds(verdict.reset))),
    );
    put("x-ratelimit-limit", tightest.quota.requests.to_string());
    put("x-ratelimit-remaining", tightest.remaining.to_string());
    put("x-ratelimit-reset", seconds(tightest.reset).to_string());
    headers
}

/// A span in whole seconds, rounded up.
fn seconds(span: TimeDelta) -> u64 {
    u64::try_from((span.num_milliseconds() + 999) / 1000).unwrap_or(0)
}

/// Where a request comes from. Behind a proxy that is what the proxy, the last to write there, says.
fn address(request: &Request, config: &ApiConfig) -> String {
    let forwarded = request.headers().get_all(HeaderName::from_static("x-forwarded-for")).iter().next_back();
    let forwarded = forwarded.filter(|_| config.behind_proxy).and_then(|value| value.to_str().ok());
    if let Some(last) = forwarded.and_then(|list| list.rsplit(',').next()) {
        return last.trim().to_owned();
    }
    match request.remote_addr().as_socket_addr() {
        Some(address) => network(address.ip()),
        None => "-".to_owned(),
    }
}

/// One household has a whole network of IPv6 addresses.
fn network(address: std::net::IpAddr) -> String {
    match address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Counts a request that reached no operation.
pub async fn count_lost(request: &Lost, services: &Services, config: &ApiConfig) -> Result<HeaderMap, ApiError> {
    let quota =
        Quota { name: "address", requests: config.rate_limits.address_per_minute, window: TimeDelta::minutes(1) };
    let verdicts = services.gate.count(&[(quota, &request.0)]).await;
    match verdicts.iter().find_map(|verdict| verdict.retry_after) {
        None => Ok(headers(&verdicts)),
        Some(wait) => Err(Error::Limited { retry_after_seconds: seconds(wait).max(1) }.into()),
    }
}

/// Where a request came from that may reach no operation; noted before it is routed.
#[derive(Debug)]
pub struct Lost(String);

impl Lost {
    /// Notes where `request` comes from.
    pub fn note(request: &Request, config: &ApiConfig) -> Self {
        Self(address(request, config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_that_is_known_is_believed() {
        let request = Request::builder().header("x-forwarded-for", "6.6.6.6, 192.0.2.7").finish();
        let config = |behind_proxy| ApiConfig { behind_proxy, ..ApiConfig::default() };
        assert_eq!(address(&request, &config(true)), "192.0.2.7");
        assert_ne!(address(&request, &config(false)), "192.0.2.7");
    }

    #[test]
    fn neighbours_in_one_network_are_one() {
        let name = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(name("2001:db8:1:2:3:4:5:6"), name("2001:db8:1:2::1"));
        assert_ne!(name("192.0.2.1"), name("192.0.2.2"));
    }
}
