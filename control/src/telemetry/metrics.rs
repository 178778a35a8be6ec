//! What this process counts. What the database or the edge knows is added by whoever writes the page.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::text::{Kind, Text};
use super::timings::Timings;
use crate::edge_server::EdgeCounts;
use crate::provider::ErrorKind;

/// Counts since the process began; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: Timings<(String, u16)>,
    calls: Timings<(&'static str, &'static str)>,
    errors: Mutex<BTreeMap<(&'static str, &'static str, &'static str), u64>>,
    /// Calls that were made again.
    retries: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    /// Whether the last call to each provider reached it.
    reached: Mutex<BTreeMap<&'static str, bool>>,
    jobs: Timings<(String, &'static str)>,
    lost_leases: AtomicU64,
    corrections: AtomicU64,
    dropped_lines: AtomicU64,
    edge: OnceLock<Arc<EdgeCounts>>,
}

impl Metrics {
    /// Counts a request. An operation's name comes from the document or the router, so there are only so many.
    pub fn requested(&self, operation: &str, status: u16, elapsed: Duration) {
        self.0.requests.observe((operation.to_owned(), status), elapsed);
    }

    /// Counts a call to a provider, and how it failed if it did.
    pub fn called(&self, provider: &'static str, operation: &'static str, elapsed: Duration, error: Option<ErrorKind>) {
        self.0.calls.observe((provider, operation), elapsed);
        let reached = !matches!(error, Some(ErrorKind::Unavailable | ErrorKind::Denied | ErrorKind::Throttled));
        lock(&self.0.reached).insert(provider, reached);
        if let Some(kind) = error {
            *lock(&self.0.errors).entry((provider, operation, kind.as_str())).or_default() += 1;
        }
    }

    /// Counts a call to a provider that is made again, because it failed for the moment.
    pub fn retried(&self, provider: &'static str, operation: &'static str) {
        *lock(&self.0.retries).entry((provider, operation)).or_default() += 1;
    }

    /// Whether the last call to a provider reached it; `None` before the first.
    pub fn reached(&self, provider: &str) -> Option<bool> {
        lock(&self.0.reached).get(provider).copied()
    }

    /// Counts how a job ended.
    pub fn job_ended(&self, kind: &str, outcome: &'static str, elapsed: Duration) {
        self.0.jobs.observe((kind.to_owned(), outcome), elapsed);
    }

    /// Counts a job that somebody else took over while this process thought it had it.
    pub fn lost_lease(&self) {
        self.0.lost_leases.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts differences that were found between what should be and what was, and mended.
    pub fn corrected(&self, differences: usize) {
        self.0.corrections.fetch_add(differences as u64, Ordering::Relaxed);
    }

    /// How many differences were mended.
    pub fn corrections(&self) -> u64 {
        self.0.corrections.load(Ordering::Relaxed)
    }

    /// Counts lines of deployments' logs that were not kept.
    pub fn dropped_lines(&self, lines: u64) {
        self.0.dropped_lines.fetch_add(lines, Ordering::Relaxed);
    }

    /// Takes over what the edge in this process counts.
    pub fn watch_edge(&self, counts: Arc<EdgeCounts>) {
        // There is one edge in a process, and it begins once.
        drop(self.0.edge.set(counts));
    }

    /// What the edge in this process counts, when there is one.
    pub fn edge(&self) -> Option<&EdgeCounts> {
        self.0.edge.get().map(Arc::as_ref)
    }

    /// Writes all of it.
    pub fn write(&self, text: &mut Text) {
        let Counts { requests, calls, errors, retries, jobs, dropped_lines, edge, .. } = &*self.0;
        let requests = requests.all();
        text.family("miaobu_http_requests_total", Kind::Counter, "Requests to the API that were answered.");
        for ((operation, status), series) in &requests {
            let status = status.to_string();
            text.sample("miaobu_http_requests_total", &[("operation", operation), ("status", &status)], series.count);
        }
        text.family("miaobu_http_request_duration_seconds", Kind::Histogram, "How long answers of the API took.");
        for ((operation, status), series) in &requests {
            let status = status.to_string();
            let labels = [("operation", operation.as_str()), ("status", status.as_str())];
            text.histogram("miaobu_http_request_duration_seconds", &labels, series);
        }
        let calls = calls.all();
        text.family("miaobu_provider_calls_total", Kind::Counter, "Calls to providers.");
        for ((provider, operation), series) in &calls {
            text.sample(
                "miaobu_provider_calls_total",
                &[("provider", provider), ("operation", operation)],
                series.count,
            );
        }
        text.family("miaobu_provider_errors_total", Kind::Counter, "Calls to providers that failed, by how.");
        for ((provider, operation, kind), count) in lock(errors).iter() {
            let labels = [("provider", *provider), ("operation", *operation), ("kind", *kind)];
            text.sample("miaobu_provider_errors_total", &labels, count);
        }
        text.family(
            "miaobu_provider_retries_total",
            Kind::Counter,
            "Calls that were made again after one that failed.",
        );
        for ((provider, operation), count) in lock(retries).iter() {
            text.sample("miaobu_provider_retries_total", &[("provider", provider), ("operation", operation)], count);
        }
        text.family("miaobu_provider_call_duration_seconds", Kind::Histogram, "How long calls to providers took.");
        for ((provider, operation), series) in &calls {
            let labels = [("provider", *provider), ("operation", *operation)];
            text.histogram("miaobu_provider_call_duration_seconds", &labels, series);
        }
        let jobs = jobs.all();
        text.family("miaobu_job_runs_total", Kind::Counter, "Runs of jobs, by how they ended.");
        for ((kind, outcome), series) in &jobs {
            text.sample("miaobu_job_runs_total", &[("kind", kind), ("outcome", outcome)], series.count);
        }
        text.family("miaobu_job_run_duration_seconds", Kind::Histogram, "How long runs of jobs took.");
        for ((kind, outcome), series) in &jobs {
            let labels = [("kind", kind.as_str()), ("outcome", outcome)];
            text.histogram("miaobu_job_run_duration_seconds", &labels, series);
        }
        let help = "Jobs that somebody else took over while this server thought it had them.";
        let lost = self.0.lost_leases.load(Ordering::Relaxed);
        text.single("miaobu_job_leases_lost_total", Kind::Counter, help, lost);
        let help = "Differences between what should be and what was that were found and mended.";
        text.single("miaobu_corrections_total", Kind::Counter, help, self.corrections());
        let dropped = dropped_lines.load(Ordering::Relaxed);
        let help = "Lines of deployments' logs that were not kept.";
        text.single("miaobu_log_lines_dropped_total", Kind::Counter, help, dropped);
        if let Some(edge) = edge.get() {
            write_edge(edge, text);
        }
    }
}

fn write_edge(edge: &EdgeCounts, text: &mut Text) {
    text.family("miaobu_edge_requests_total", Kind::Counter, "Requests to the edge, by what was decided.");
    for (decision, count) in edge.decisions() {
        text.sample("miaobu_edge_requests_total", &[("decision", decision)], count);
    }
    let (hits, misses) = edge.looked_up();
    text.family("miaobu_edge_cache_lookups_total", Kind::Counter, "Files that the edge looked for in its memory.");
    text.sample("miaobu_edge_cache_lookups_total", &[("result", "hit")], hits);
    text.sample("miaobu_edge_cache_lookups_total", &[("result", "miss")], misses);
    let ratio = if hits + misses == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 };
    text.single("miaobu_edge_cache_hit_ratio", Kind::Gauge, "How many of them it found there.", ratio);
    text.single("miaobu_edge_threads", Kind::Gauge, "Threads of the edge that serve.", edge.threads());
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_status_and_time() {
        let counts = Metrics::default();
        counts.requested("getProject", 200, Duration::from_millis(3));
        counts.requested("getProject", 200, Duration::from_millis(30));
        counts.requested("getProject", 404, Duration::ZERO);
        let mut text = Text::default();
        counts.write(&mut text);
        let text = text.finish();
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

    #[test]
    fn a_provider_that_refuses_one_call_is_reached_and_one_that_is_away_is_not() {
        let counts = Metrics::default();
        assert_eq!(counts.reached("oss"), None);
        for (error, reached) in [(None, true), (Some(ErrorKind::Unavailable), false), (Some(ErrorKind::Rejected), true)]
        {
            counts.called("oss", "objects.get", Duration::ZERO, error);
            assert_eq!(counts.reached("oss"), Some(reached));
        }
    }
}
