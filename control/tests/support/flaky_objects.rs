//! An object store that fails on a plan.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use miaobu_control::provider::{Error, ErrorKind, Object, ObjectKey, ObjectStore};
use miaobu_control::random::{Random as _, SeededRandom};

/// Objects of another store, whose calls fail while the plan holds.
#[derive(Debug)]
pub struct FlakyObjects<S> {
    inner: S,
    plan: Mutex<Option<SeededRandom>>,
    /// How many calls did not go as they should.
    pub faults: AtomicU32,
}

/// How a call goes.
enum Fate {
    Well,
    /// Nothing is done.
    Fails,
    /// It is done, and said to have failed.
    Lies,
    /// It is done twice.
    Repeats,
}

impl<S: ObjectStore> FlakyObjects<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Mutex::default(), faults: AtomicU32::new(0) }
    }

    /// From here on 30 % of the calls fail, 10 % are carried out and fail all the same, 1 % are carried out twice.
    pub fn rage(&self, random: SeededRandom) {
        *self.plan.lock().expect("sound") = Some(random);
    }

    pub fn calm(&self) {
        *self.plan.lock().expect("sound") = None;
    }

    fn fate(&self) -> Fate {
        let plan = self.plan.lock().expect("sound");
        let Some(random) = plan.as_ref() else { return Fate::Well };
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let fate = match u32::from_be_bytes(bytes) % 100 {
            0..30 => Fate::Fails,
            30..40 => Fate::Lies,
            40 => Fate::Repeats,
            _ => return Fate::Well,
        };
        self.faults.fetch_add(1, Ordering::SeqCst);
        fate
    }

    async fn go<T, F: Future<Output = Result<T, Error>>>(&self, call: impl Fn() -> F) -> Result<T, Error> {
        let failed = || Error::new("object store", "call", ErrorKind::Unavailable);
        match self.fate() {
            Fate::Well => call().await,
            Fate::Fails => Err(failed()),
            Fate::Lies => call().await.and(Err(failed())),
            Fate::Repeats => {
                call().await?;
                call().await
            }
        }
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for FlakyObjects<S> {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.go(|| self.inner.put(key, body.clone())).await
    }

    async fn put_files(&self, files: Vec<(ObjectKey, PathBuf)>) -> Result<(), Error> {
        self.inner.put_files(files).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, Error> {
        self.go(|| self.inner.get(key)).await
    }

    async fn copy_all(&self, pairs: Vec<(ObjectKey, ObjectKey)>) -> Result<(), Error> {
        self.go(|| self.inner.copy_all(pairs.clone())).await
    }

    async fn delete_all(&self, keys: Vec<ObjectKey>) -> Result<(), Error> {
        self.go(|| self.inner.delete_all(keys.clone())).await
    }

    async fn delete_prefix(&self, prefix: &ObjectKey) -> Result<(), Error> {
        self.go(|| self.inner.delete_prefix(prefix)).await
    }

    async fn list(&self, prefix: &ObjectKey) -> Result<Vec<ObjectKey>, Error> {
        self.go(|| self.inner.list(prefix)).await
    }
}
