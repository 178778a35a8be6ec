//! An emulator with a clock that is moved by hand, and clients of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::CreateKvNamespace;
use miaobu_aliyun::oss::{Bucket, Dialect, Location};
use miaobu_aliyun::{Ambient, Credentials};
use miaobu_emulator::{AccessKey, Emulator, Settings};

/// A clock that stands still until it is moved, numbers that count, and pauses that are over at once.
#[derive(Debug)]
pub struct TestAmbient {
    now: Mutex<DateTime<Utc>>,
    drawn: AtomicU64,
    paused: Mutex<Duration>,
}

impl TestAmbient {
    pub fn new() -> Arc<Self> {
        let now = "2026-01-15T08:30:00Z".parse().unwrap();
        Arc::new(Self { now: Mutex::new(now), drawn: AtomicU64::new(1), paused: Mutex::default() })
    }

    /// How long pauses would have taken so far.
    pub fn paused(&self) -> Duration {
        *self.paused.lock().unwrap()
    }

    pub fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
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

    async fn pause(&self, pause: Duration) {
        *self.paused.lock().unwrap() += pause;
    }
}

/// An emulator, and what clients of it need.
pub struct World {
    pub folder: tempfile::TempDir,
    pub ambient: Arc<TestAmbient>,
    pub emulator: Emulator,
}

pub const KEY: (&str, &str) = ("key", "secret");
/// The site that there is, `sites.example`.
pub const SITE: i64 = 1;

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ambient = TestAmbient::new();
        let emulator = start(folder.path(), &ambient, change).await;
        Self { folder, ambient, emulator }
    }

    /// Ends the servers and starts them again in the same folder.
    pub async fn restart(self) -> Self {
        let Self { folder, ambient, emulator } = self;
        drop(emulator);
        let emulator = start(folder.path(), &ambient, |_| {}).await;
        Self { folder, ambient, emulator }
    }

    pub fn settings(&self, credentials: Credentials) -> miaobu_aliyun::Settings {
        miaobu_aliyun::Settings { ambient: self.ambient.clone(), ..miaobu_aliyun::Settings::new(credentials) }
    }

    pub fn bucket_as(&self, credentials: Credentials) -> Bucket {
        self.bucket_in(Dialect::Oss, credentials)
    }

    pub fn bucket_in(&self, dialect: Dialect, credentials: Credentials) -> Bucket {
        let (endpoint, region) = (self.emulator.oss(), "cn-hangzhou".to_owned());
        let location = Location { endpoint, region, bucket: "sites".into(), dialect, ..Location::default() };
        Bucket::new(location, self.settings(credentials)).unwrap()
    }

    /// Returns a bucket that was made.
    pub async fn bucket(&self) -> Bucket {
        let bucket = self.bucket_as(Credentials::new(KEY.0, KEY.1));
        bucket.create().await.unwrap();
        bucket
    }

    pub fn esa_as(&self, credentials: Credentials) -> Esa {
        Esa::new(&self.emulator.esa(), self.settings(credentials)).unwrap()
    }

    /// Returns the edge with a namespace `routes`.
    pub async fn esa(&self) -> Esa {
        let esa = self.esa_as(Credentials::new(KEY.0, KEY.1));
        esa.call(&CreateKvNamespace { namespace: "routes".into(), description: Some("of sites".into()) })
            .await
            .unwrap();
        esa
    }
}

async fn start(folder: &std::path::Path, ambient: &Arc<TestAmbient>, change: impl FnOnce(&mut Settings)) -> Emulator {
    let temporary =
        AccessKey { id: "STS.key".into(), secret: "temporary".into(), security_token: Some("token".into()) };
    let key = AccessKey { id: KEY.0.into(), secret: KEY.1.into(), security_token: None };
    let settings = Settings { ambient: ambient.clone(), ..Settings::new(folder, key.clone()) };
    let mut settings = Settings { keys: vec![key, temporary], ..settings };
    change(&mut settings);
    Emulator::start(settings).await.unwrap()
}
