//! Providers that fail on a plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use miaobu_control::provider::{EdgeKv, Error, ErrorKind, KvEntry};
use miaobu_edge::build::KV_VALUE_LIMIT;

/// An edge KV whose next writes fail.
#[derive(Debug)]
pub struct FlakyEdgeKv {
    pub inner: Arc<dyn EdgeKv>,
    pub passes: AtomicU32,
    pub failures: AtomicU32,
    /// Whether writes never come back, and how many did not.
    pub hangs: AtomicBool,
    pub hung: AtomicU32,
    pub propagation: Duration,
    pub longest_value: usize,
}

impl FlakyEdgeKv {
    pub fn new(inner: Arc<dyn EdgeKv>) -> Self {
        Self {
            inner,
            passes: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            hangs: AtomicBool::new(false),
            hung: AtomicU32::new(0),
            propagation: Duration::ZERO,
            longest_value: KV_VALUE_LIMIT,
        }
    }

    /// Lets `passes` writes through, and the one after them fail.
    pub fn fail_after(&self, passes: u32) {
        self.passes.store(passes, Ordering::SeqCst);
        self.fail_next(1);
    }

    /// Lets the next `count` writes fail.
    pub fn fail_next(&self, count: u32) {
        self.failures.store(count, Ordering::SeqCst);
    }
}

#[async_trait]
impl EdgeKv for FlakyEdgeKv {
    async fn write(&self, entries: Vec<KvEntry>) -> Result<(), Error> {
        if self.hangs.load(Ordering::SeqCst) {
            self.hung.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        let fewer = |left: u32| left.checked_sub(1);
        let passes = self.passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok();
        if !passes && self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok() {
            return Err(Error::new("edge kv", "write", ErrorKind::Throttled));
        }
        self.inner.write(entries).await
    }

    fn propagation(&self) -> Duration {
        self.propagation
    }

    fn longest_value(&self) -> usize {
        self.longest_value
    }
}
