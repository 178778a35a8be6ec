use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use miaobu_aliyun::Ambient;

/// A clock that stands still until it is moved, numbers that count, and pauses that are over at once.
#[derive(Debug)]
pub struct TestAmbient {
    now: Mutex<DateTime<Utc>>,
    drawn: AtomicU64,
    pauses: Mutex<Vec<Duration>>,
}

impl TestAmbient {
    pub fn new() -> Self {
        let now = "2026-01-15T08:30:00Z".parse().unwrap();
        Self { now: Mutex::new(now), drawn: AtomicU64::new(0), pauses: Mutex::default() }
    }

    pub fn set(&self, now: DateTime<Utc>) {
        *self.now.lock().unwrap() = now;
    }

    pub fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }
}

#[async_trait]
impl Ambient for TestAmbient {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn random(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    async fn pause(&self, duration: Duration) {
        self.pauses.lock().unwrap().push(duration);
    }
}
