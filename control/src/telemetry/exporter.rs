//! Sends spans to a collector, from a thread that nobody waits for.
//!
//! A collector that is away or slow costs the spans that do not fit into the queue meanwhile, and nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};

use super::otlp;
use super::trace::Finished;

/// Spans that wait.
const QUEUE: usize = 4096;
/// Spans that are sent at once.
const BATCH: usize = 512;
/// How long the first of a batch waits for others.
const GATHERING: Duration = Duration::from_millis(500);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where spans go.
#[derive(Clone)]
pub struct Collector {
    /// The collector's address, to which `/v1/traces` is appended.
    pub endpoint: String,
    /// What is sent along; it may hold a secret, so it does not print.
    pub headers: HeaderMap,
    /// What this process is called.
    pub service: String,
    /// How many traces of a hundred are told of, of those that nobody began before.
    pub sample_percent: u32,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, service, sample_percent, headers: _ } = self;
        write!(f, "Collector({endpoint}, {service}, {sample_percent} %)")
    }
}

/// The text names no headers; it is not repeated, for it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a list of headers, such as name=value,other=value")]
pub struct InvalidHeaders;

impl Collector {
    /// Returns the headers that a text lists as `OTEL_EXPORTER_OTLP_HEADERS` does: `name=value,…`, values percent-encoded.
    pub fn headers(text: &str) -> Result<HeaderMap, InvalidHeaders> {
        let mut headers = HeaderMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(InvalidHeaders)?;
            let name = HeaderName::try_from(name.trim()).map_err(|_| InvalidHeaders)?;
            let value = decoded(value.trim()).ok_or(InvalidHeaders)?;
            let mut value = HeaderValue::try_from(value).map_err(|_| InvalidHeaders)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                *data_encoding::HEXLOWER_PERMISSIVE.decode(&digits).ok()?.first()?
            }
            other => other,
        });
    }
    Some(decoded)
}

/// The way to a collector.
#[derive(Debug)]
pub struct Exporter {
    queue: mpsc::Sender<Finished>,
    counts: Arc<Counts>,
    sample_percent: u32,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<()>,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Exporter {
    /// Begins to send. Where no thread can be had, every span is dropped.
    pub fn start(collector: Collector) -> Self {
        let (queue, spans) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let (ending, ended) = watch::channel(());
        let (counts, sample_percent) = (Arc::<Counts>::default(), collector.sample_percent);
        let counted = Arc::clone(&counts);
        let thread = std::thread::Builder::new().name("telemetry".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match (runtime, client()) {
                (Ok(runtime), Ok(client)) => {
                    let sending = Sending { client, collector, counts: counted, failing: false };
                    runtime.block_on(sending.run(spans, stopped));
                }
                _ => tracing::error!("nothing can be told to the collector of traces"),
            }
            drop(ending);
        });
        if let Err(error) = thread {
            tracing::error!(error = &error as &dyn std::error::Error, "traces go nowhere");
        }
        Self { queue, counts, sample_percent, stop, ended }
    }

    /// Takes a span; where there is no room for it, it is dropped.
    pub fn take(&self, span: Finished) {
        if self.queue.try_send(span).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many traces of a hundred are told of.
    pub fn sample_percent(&self) -> u32 {
        self.sample_percent
    }

    /// Returns how many spans were sent, and how many were dropped.
    pub fn counts(&self) -> (u64, u64) {
        (self.counts.sent.load(Ordering::Relaxed), self.counts.dropped.load(Ordering::Relaxed))
    }

    /// Sends what waits and ends, for at most `patience`.
    pub async fn flush(&self, patience: Duration) {
        self.stop.send_replace(true);
        let mut ended = self.ended.clone();
        // Nothing is ever sent: the channel ends with the thread.
        let _ended_or_late = tokio::time::timeout(patience, ended.changed()).await;
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster; either is fine.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()
}

struct Sending {
    client: reqwest::Client,
    collector: Collector,
    counts: Arc<Counts>,
    failing: bool,
}

impl Sending {
    async fn run(mut self, mut spans: mpsc::Receiver<Finished>, mut stopped: watch::Receiver<bool>) {
        let mut is_open = true;
        while is_open {
            let mut batch = Vec::new();
            tokio::select! {
                () = gather(&mut spans, &mut batch) => is_open = !batch.is_empty(),
                _ = stopped.wait_for(|stopped| *stopped) => {
                    is_open = false;
                    spans.close();
                    while let Ok(span) = spans.try_recv() {
                        batch.push(span);
                    }
                }
            }
            if !batch.is_empty() {
                self.send(&batch).await;
            }
        }
    }

    /// What cannot be sent is dropped: trying again would only make the next ones late.
    async fn send(&mut self, batch: &[Finished]) {
        let url = format!("{}/v1/traces", self.collector.endpoint);
        let request = self.client.post(url).headers(self.collector.headers.clone());
        let request = request.json(&otlp::body(&self.collector.service, batch));
        let refused = match request.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.without_url().to_string()),
        };
        let count = if refused.is_none() { &self.counts.sent } else { &self.counts.dropped };
        count.fetch_add(batch.len() as u64, Ordering::Relaxed);
        match &refused {
            Some(reason) if !self.failing => tracing::warn!(reason, "the collector of traces takes nothing"),
            None if self.failing => tracing::info!("the collector of traces is back"),
            _ => {}
        }
        self.failing = refused.is_some();
    }
}

/// Returns when there is a batch to be sent; an empty one when no span will ever come.
async fn gather(spans: &mut mpsc::Receiver<Finished>, batch: &mut Vec<Finished>) {
    if spans.recv_many(batch, BATCH).await == 0 {
        return;
    }
    let more = async { while batch.len() < BATCH && spans.recv_many(batch, BATCH - batch.len()).await > 0 {} };
    let _full_or_late = tokio::time::timeout(GATHERING, more).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_never_printed() {
        let headers = Collector::headers("authorization=Basic%20aHVzaA==, x-team = a").expect("sound");
        assert_eq!(
            (headers["authorization"].as_bytes(), headers["x-team"].as_bytes()),
            (&b"Basic aHVzaA=="[..], &b"a"[..])
        );
        let (endpoint, service) = ("http://c".to_owned(), "s".to_owned());
        let collector = Collector { endpoint, headers, service, sample_percent: 100 };
        assert!(!format!("{collector:?}").contains("aHVzaA"));
        for broken in ["hush", "a b=hush", "a=%zz", "a=%2", "a=hush%0a"] {
            assert!(!Collector::headers(broken).expect_err(broken).to_string().contains("hush"));
        }
    }
}
