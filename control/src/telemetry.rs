//! What the program says of itself: its log, its metrics, its traces.
//!
//! Invariant: nothing waits for whoever reads them, and nothing fails because of them.

mod exporter;
mod lines;
mod metrics;
mod otlp;
mod text;
mod timings;
mod trace;

use std::future::Future;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;

pub use self::exporter::{Collector, InvalidHeaders};
pub use self::metrics::{Metrics, write_edge};
pub use self::text::{Kind, Text};
pub use self::trace::{Role, Span, TraceContext, Tracer, current, inherit, within};
use crate::config::{Log, LogFormat};
use crate::provider;

/// Sends the log to standard error: standard output belongs to what programs read. Called once, before anything else
/// happens; again it changes nothing.
pub fn start(log: &Log) {
    let filter = EnvFilter::builder().parse_lossy(&log.filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Human => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => lines.with_ansi(false).fmt_fields(lines::fields()).event_format(lines::Json).try_init(),
    };
    drop(started);
}

/// Metrics and traces of one process; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    /// What is counted.
    pub metrics: Metrics,
    /// What is traced, where a collector is configured.
    pub tracer: Tracer,
}

impl Telemetry {
    /// Returns what counts, and traces to `collector` where there is one.
    pub fn new(collector: Option<Collector>) -> Self {
        Self { metrics: Metrics::default(), tracer: collector.map(Tracer::start).unwrap_or_default() }
    }

    /// Counts a call to a provider, and traces it where it belongs to a trace.
    pub async fn call<T>(
        &self,
        provider: &'static str,
        operation: &'static str,
        call: impl Future<Output = Result<T, provider::Error>>,
    ) -> Result<T, provider::Error> {
        let started = Instant::now();
        let mut span = match current() {
            Some(parent) => self.tracer.begin(operation, Role::Client, Some(parent)),
            None => Span::default(),
        };
        let result = within(span.context(), call).await;
        let error = result.as_ref().err().map(|error| error.kind);
        self.metrics.called(provider, operation, started.elapsed(), error);
        span.set("provider", provider);
        if let Some(kind) = error {
            span.fail(kind.as_str());
        }
        result
    }

    /// Begins to watch a job, which belongs to the trace of what queued it.
    pub fn begin_job(&self, kind: &str, subject: i64, attempt: i64, traceparent: Option<&str>) -> WatchedJob {
        let mut span =
            self.tracer.begin(format!("job {kind}"), Role::Consumer, traceparent.and_then(TraceContext::parse));
        span.set("miaobu.job.kind", kind);
        span.set("miaobu.job.subject", subject);
        span.set("miaobu.job.attempt", attempt);
        WatchedJob { metrics: self.metrics.clone(), kind: kind.to_owned(), span, started: Instant::now() }
    }

    /// Sends the spans that are left, for at most `patience`; later ones are dropped.
    pub async fn flush(&self, patience: Duration) {
        self.tracer.flush(patience).await;
    }
}

/// A job that runs.
#[derive(Debug)]
pub struct WatchedJob {
    metrics: Metrics,
    kind: String,
    span: Span,
    started: Instant,
}

impl WatchedJob {
    /// The trace that the job's work belongs to.
    pub fn context(&self) -> Option<TraceContext> {
        self.span.context()
    }

    /// Counts how the job ended: `outcome` is one word of a few.
    pub fn end(mut self, outcome: &'static str) {
        self.metrics.job_ended(&self.kind, outcome, self.started.elapsed());
        self.span.set("miaobu.job.outcome", outcome);
        if outcome != "done" {
            self.span.fail(outcome);
        }
    }
}
