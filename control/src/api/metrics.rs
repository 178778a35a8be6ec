//! What the server did, for Prometheus: text, outside of the document, because its readers know no JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use poem::http::StatusCode;
use poem::web::Data;
use poem::{IntoResponse as _, Request, Response, handler};

use super::gate::config;
use super::problem::ApiError;
use crate::service::Services;

/// The upper bounds of the histogram's buckets, in milliseconds.
const BOUNDS_MS: [u64; 9] = [1, 5, 10, 25, 50, 100, 500, 1000, 10_000];

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Whoever is on this machine.
    #[default]
    Loopback,
    /// Everybody.
    Public,
    /// Nobody.
    Off,
}

/// Counts of requests.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<(String, u16), Series>>>);

#[derive(Debug, Default)]
struct Series {
    count: u64,
    sum: Duration,
    buckets: [u64; BOUNDS_MS.len()],
}

impl Metrics {
    /// Counts a request. An operation's name comes from the document or the router, so there are only so many.
    pub fn observe(&self, operation: &str, status: StatusCode, elapsed: Duration) {
        let mut series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = series.entry((operation.to_owned(), status.as_u16())).or_default();
        series.count += 1;
        series.sum += elapsed;
        for (bucket, bound) in series.buckets.iter_mut().zip(BOUNDS_MS) {
            *bucket += u64::from(elapsed <= Duration::from_millis(bound));
        }
    }

    fn write(&self, text: &mut String) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str("# HELP miaobu_http_requests_total Requests answered.\n");
        text.push_str("# TYPE miaobu_http_requests_total counter\n");
        for ((operation, status), series) in all.iter() {
            let labels = format!("operation=\"{operation}\",status=\"{status}\"");
            let _ = writeln!(text, "miaobu_http_requests_total{{{labels}}} {}", series.count);
        }
        text.push_str("# HELP miaobu_http_request_duration_seconds How long answers took.\n");
        text.push_str("# TYPE miaobu_http_request_duration_seconds histogram\n");
        for ((operation, status), series) in all.iter() {
            let labels = format!("operation=\"{operation}\",status=\"{status}\"");
            for (count, bound) in series.buckets.iter().zip(BOUNDS_MS) {
                let bound = bound as f64 / 1000.0;
                let name = "miaobu_http_request_duration_seconds_bucket";
                let _ = writeln!(text, "{name}{{{labels},le=\"{bound}\"}} {count}");
            }
            let name = "miaobu_http_request_duration_seconds";
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", series.count);
            let _ = writeln!(text, "{name}_sum{{{labels}}} {}", series.sum.as_secs_f64());
            let _ = writeln!(text, "{name}_count{{{labels}}} {}", series.count);
        }
    }
}

/// Answers with every metric.
#[handler]
pub async fn show(request: &Request, services: Data<&Services>, metrics: Data<&Metrics>) -> poem::Result<Response> {
    let access = config(request).metrics;
    let peer = request.remote_addr().as_socket_addr().map(|address| address.ip());
    let allowed = match access {
        MetricsAccess::Public => true,
        MetricsAccess::Off => false,
        MetricsAccess::Loopback => peer.is_none_or(|address| address.is_loopback()) && !config(request).behind_proxy,
    };
    if !allowed {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path").into());
    }
    let mut text = String::new();
    metrics.write(&mut text);
    text.push_str("# HELP miaobu_part_up Whether a part that the server needs works.\n");
    text.push_str("# TYPE miaobu_part_up gauge\n");
    let parts = services.health.check().await;
    for part in &parts {
        let _ = writeln!(text, "miaobu_part_up{{part=\"{}\"}} {}", part.name, u8::from(part.ok));
    }
    text.push_str("# HELP miaobu_jobs Jobs by kind and state.\n# TYPE miaobu_jobs gauge\n");
    for (kind, state, count) in services.health.jobs().await.map_err(ApiError::from)? {
        let _ = writeln!(text, "miaobu_jobs{{kind=\"{kind}\",state=\"{state}\"}} {count}");
    }
    text.push_str("# HELP miaobu_jobs_oldest_seconds How long the job has been due that waits longest.\n");
    text.push_str("# TYPE miaobu_jobs_oldest_seconds gauge\n");
    let oldest = services.health.oldest_job().await.map_err(ApiError::from)?;
    let _ = writeln!(text, "miaobu_jobs_oldest_seconds {}", oldest.num_milliseconds() as f64 / 1000.0);
    if let Some(shared) = services.gate.shared_limits() {
        text.push_str("# HELP miaobu_limits_shared_up Whether the rate limits that servers share are in use.\n");
        text.push_str("# TYPE miaobu_limits_shared_up gauge\n");
        let _ = writeln!(text, "miaobu_limits_shared_up {}", u8::from(shared.is_connected()));
        text.push_str(
            "# HELP miaobu_limits_local_total Requests that this server counted alone although it should not.\n",
        );
        text.push_str("# TYPE miaobu_limits_local_total counter\n");
        let _ = writeln!(text, "miaobu_limits_local_total {}", shared.missed());
    }
    let response = text.into_response();
    Ok(response.with_content_type("text/plain; version=0.0.4; charset=utf-8").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_status_and_time() {
        let counts = Metrics::default();
        counts.observe("getProject", StatusCode::OK, Duration::from_millis(3));
        counts.observe("getProject", StatusCode::OK, Duration::from_millis(30));
        counts.observe("getProject", StatusCode::NOT_FOUND, Duration::ZERO);
        let mut text = String::new();
        counts.write(&mut text);
        for line in [
            "miaobu_http_requests_total{operation=\"getProject\",status=\"200\"} 2",
            "miaobu_http_requests_total{operation=\"getProject\",status=\"404\"} 1",
            "miaobu_http_request_duration_seconds_bucket{operation=\"getProject\",status=\"200\",le=\"0.005\"} 1",
            "miaobu_http_request_duration_seconds_bucket{operation=\"getProject\",status=\"200\",le=\"+Inf\"} 2",
            "miaobu_http_request_duration_seconds_sum{operation=\"getProject\",status=\"200\"} 0.033",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
