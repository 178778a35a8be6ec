//! Traces: which piece of work belongs to which (W3C Trace Context), and what is told of it.
//!
//! A trace goes on with its caller's whether or not this process tells anybody; without a collector a span is nothing
//! but the context of its parent.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exporter::{Collector, Exporter};
use crate::clock::SystemClock;
use crate::random::{Random as _, SystemRandom};

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Returns the trace that the running work belongs to.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok()
}

/// Does `work` as part of a trace, if there is one.
pub async fn within<T>(context: Option<TraceContext>, work: impl Future<Output = T>) -> T {
    match context {
        Some(context) => CURRENT.scope(context, work).await,
        None => work.await,
    }
}

/// Returns `work` as part of the trace that the running work belongs to: for what goes on in a task of its own.
pub fn inherit<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    within(current(), work)
}

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) sampled: bool,
}

impl TraceContext {
    /// Returns what a `traceparent` says; what is not sound says nothing (W3C Trace Context, 3.2).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (version, flags) = (hex::<1>(version)?, hex::<1>(flags)?);
        if version == [255] || (version == [0] && parts.next().is_some()) {
            return None;
        }
        let (trace_id, span_id) = (hex::<16>(trace)?, hex::<8>(span)?);
        let named = trace_id != [0; 16] && span_id != [0; 8];
        named.then_some(Self { trace_id, span_id, sampled: flags[0] & 1 == 1 })
    }

    /// Returns the `traceparent` for what this asks others to do.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-0{}", self.trace_id(), hex_of(&self.span_id), u8::from(self.sampled))
    }

    /// The trace's id, as logs and collectors name it.
    pub fn trace_id(&self) -> String {
        hex_of(&self.trace_id)
    }
}

pub(super) fn hex_of(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// What a span is to the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It answers somebody.
    Server,
    /// It asks somebody.
    Client,
    /// It does what was queued.
    Consumer,
}

/// A value that a span has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A span that has ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub context: TraceContext,
    pub parent: Option<[u8; 8]>,
    pub name: Cow<'static, str>,
    pub role: Role,
    pub start_nanos: u128,
    pub end_nanos: u128,
    pub attributes: Vec<(&'static str, Attribute)>,
    pub failure: Option<&'static str>,
}

/// Makes spans; clones are the same. The default one tells nobody.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Exporter>>);

impl Tracer {
    /// Returns what sends its spans to `collector`, from a thread of its own.
    pub fn start(collector: Collector) -> Self {
        Self(Some(Arc::new(Exporter::start(collector))))
    }

    /// Begins a span, which ends when it is dropped. Without a parent it begins a trace.
    pub fn begin(&self, name: impl Into<Cow<'static, str>>, role: Role, parent: Option<TraceContext>) -> Span {
        let Some(exporter) = &self.0 else { return Span { context: parent, recording: None } };
        let mut random = [0; 25];
        SystemRandom.fill(&mut random);
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        trace_id.copy_from_slice(&random[..16]);
        span_id.copy_from_slice(&random[16..24]);
        let sampled =
            parent.map_or(u32::from(random[24]) * 100 < exporter.sample_percent() * 256, |parent| parent.sampled);
        let context = TraceContext { trace_id: parent.map_or(trace_id, |parent| parent.trace_id), span_id, sampled };
        let recording = sampled.then(|| {
            Box::new(Recording {
                exporter: Arc::clone(exporter),
                started: Instant::now(),
                finished: Finished {
                    context,
                    parent: parent.map(|parent| parent.span_id),
                    name: name.into(),
                    role,
                    start_nanos: SystemClock::unix_nanos(),
                    end_nanos: 0,
                    attributes: Vec::new(),
                    failure: None,
                },
            })
        });
        Span { context: Some(context), recording }
    }

    /// Returns how many spans were sent and how many were dropped; `None` where nobody is told.
    pub fn counts(&self) -> Option<(u64, u64)> {
        self.0.as_ref().map(|exporter| exporter.counts())
    }

    /// Sends what is left, for at most `patience`.
    pub async fn flush(&self, patience: Duration) {
        if let Some(exporter) = &self.0 {
            exporter.flush(patience).await;
        }
    }
}

/// A piece of work, told of when it is dropped.
#[derive(Debug, Default)]
pub struct Span {
    context: Option<TraceContext>,
    recording: Option<Box<Recording>>,
}

#[derive(Debug)]
struct Recording {
    exporter: Arc<Exporter>,
    started: Instant,
    finished: Finished,
}

impl Span {
    /// The place in the trace for what is part of this.
    pub fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// Gives it the name that is known only now.
    pub fn rename(&mut self, name: &str) {
        if let Some(recording) = &mut self.recording {
            recording.finished.name = Cow::Owned(name.to_owned());
        }
    }

    /// Notes a value of it.
    pub fn set(&mut self, name: &'static str, value: impl Into<Attribute>) {
        if let Some(recording) = &mut self.recording {
            recording.finished.attributes.push((name, value.into()));
        }
    }

    /// Notes that it failed, in one word.
    pub fn fail(&mut self, word: &'static str) {
        if let Some(recording) = &mut self.recording {
            recording.finished.failure = Some(word);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(recording) = self.recording.take() else { return };
        let Recording { exporter, started, mut finished } = *recording;
        finished.end_nanos = finished.start_nanos + started.elapsed().as_nanos();
        exporter.take(finished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let context = TraceContext::parse(SOUND).expect("sound");
        assert_eq!(context.traceparent(), SOUND);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        let unsampled = TraceContext::parse(&SOUND.replace("-01", "-00")).expect("sound");
        assert!(!unsampled.sampled && context.sampled);
        // A later version may say more, and what is known of it still holds.
        assert!(TraceContext::parse(&format!("{}-more", SOUND.replacen("00", "cc", 1))).is_some());
        for broken in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319é-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(broken), None, "{broken}");
        }
    }

    #[tokio::test]
    async fn without_a_collector_work_stays_in_its_callers_trace() {
        let caller = TraceContext::parse(SOUND);
        let span = Tracer::default().begin("x", Role::Server, caller);
        assert_eq!(span.context(), caller);
        assert_eq!(within(span.context(), async { current() }).await, caller);
        let elsewhere = async { tokio::task::spawn_local(inherit(async { current() })).await.expect("it runs") };
        let passed_on = tokio::task::LocalSet::new().run_until(within(caller, elsewhere)).await;
        assert_eq!((passed_on, current()), (caller, None));
    }
}
