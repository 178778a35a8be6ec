//! Providers that fail on a plan.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use miaobu_control::provider::{EdgeKv, Error, ErrorKind, KvEntry};
use miaobu_control::random::{Random as _, SeededRandom};
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
    /// How many writes did not go as they should, on a plan.
    pub faults: AtomicU32,
    plan: Mutex<Option<SeededRandom>>,
    held: Mutex<Vec<Vec<KvEntry>>>,
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
            faults: AtomicU32::new(0),
            plan: Mutex::default(),
            held: Mutex::default(),
            propagation: Duration::ZERO,
            longest_value: KV_VALUE_LIMIT,
        }
    }

    /// From here on 30 % of the writes fail, 10 % are carried out and fail all the same, 5 % arrive only after later ones, and
    /// 1 % arrive twice.
    pub fn rage(&self, random: SeededRandom) {
        *self.plan.lock().expect("sound") = Some(random);
    }

    pub fn calm(&self) {
        *self.plan.lock().expect("sound") = None;
    }

    /// Carries out the writes that were held back.
    pub async fn release_held(&self) {
        let held = std::mem::take(&mut *self.held.lock().expect("sound"));
        for entries in held {
            self.inner.write(entries).await.expect("written");
        }
    }

    /// A number below a hundred while the plan holds.
    fn draw(&self) -> Option<u32> {
        let plan = self.plan.lock().expect("sound");
        let mut bytes = [0; 4];
        plan.as_ref()?.fill(&mut bytes);
        Some(u32::from_be_bytes(bytes) % 100)
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
        let fault = |kind| Err(Error::new("edge kv", "write", kind));
        let drawn = self.draw();
        if drawn.is_some_and(|drawn| drawn < 46) {
            self.faults.fetch_add(1, Ordering::SeqCst);
        }
        match drawn {
            Some(0..30) => fault(ErrorKind::Unavailable),
            Some(30..40) => {
                self.inner.write(entries).await?;
                fault(ErrorKind::Unavailable)
            }
            Some(40..45) => {
                // It was not answered, so it is asked for again; this one is still on its way.
                self.held.lock().expect("sound").push(entries);
                fault(ErrorKind::Unavailable)
            }
            Some(45) => {
                self.inner.write(entries.clone()).await?;
                self.inner.write(entries).await
            }
            Some(46..60) => {
                self.inner.write(entries).await?;
                self.release_held().await;
                Ok(())
            }
            _ => self.inner.write(entries).await,
        }
    }

    fn propagation(&self) -> Duration {
        self.propagation
    }

    fn longest_value(&self) -> usize {
        self.longest_value
    }
}
