//! Edge KV: namespaces and their values.

mod files;
mod journal;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::openapi::{Parameters, Refusal, invalid};
use crate::oss::Oss;

const MOST_NAMESPACES: usize = 10;
const CAPACITY: i64 = 1 << 30;
const LONGEST_KEY: usize = 512;
const LARGEST_VALUE: usize = 2_000_000;
const MOST_DELETED: usize = 10_000;
const FARTHEST: i64 = 50_000;

/// A value.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    key: String,
    value: String,
    /// Whether the value is Base64 of what routines read.
    #[serde(default)]
    base64: bool,
    updated: DateTime<Utc>,
    /// In Unix seconds.
    ends: Option<i64>,
}

/// A namespace.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Namespace {
    id: String,
    description: String,
    #[serde(skip)]
    entries: BTreeMap<String, Entry>,
    /// The bytes of all values.
    #[serde(skip)]
    used: i64,
    /// What the disk does not have yet.
    #[serde(skip)]
    changes: Vec<u8>,
}

impl Namespace {
    fn insert(&mut self, entry: Entry) {
        self.used += size(&entry);
        let before = self.entries.insert(entry.key.clone(), entry);
        self.used -= before.as_ref().map_or(0, size);
    }

    /// Takes a value away, and returns whether it was there.
    fn take(&mut self, key: &str) -> bool {
        let before = self.entries.remove(key);
        self.used -= before.as_ref().map_or(0, size);
        before.is_some()
    }
}

fn size(entry: &Entry) -> i64 {
    entry.value.len() as i64
}

/// All namespaces.
#[derive(Debug)]
pub(super) struct Kv {
    root: PathBuf,
    /// Where files with large values are fetched from.
    oss: Arc<Oss>,
    namespaces: Mutex<BTreeMap<String, Namespace>>,
}

impl Kv {
    pub(super) fn open(root: PathBuf, oss: Arc<Oss>) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        let mut namespaces = BTreeMap::new();
        for folder in fs::read_dir(&root)? {
            let folder = folder?;
            let mut namespace: Namespace = serde_json::from_slice(&fs::read(folder.path().join("namespace"))?)?;
            namespace.recall(&folder.path())?;
            namespaces.insert(folder.file_name().to_string_lossy().into_owned(), namespace);
        }
        Ok(Self { root, oss, namespaces: Mutex::new(namespaces) })
    }

    pub(super) fn overview(&self) -> Vec<(String, usize)> {
        self.locked().iter().map(|(name, namespace)| (name.clone(), namespace.entries.len())).collect()
    }

    /// Returns a value as routines read it.
    pub(super) fn read(&self, namespace: &str, key: &str, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let namespaces = self.locked();
        let entry = namespaces.get(namespace)?.entries.get(key).filter(|entry| entry.lives(now))?;
        let plain = || Some(entry.value.clone().into_bytes());
        if entry.base64 { BASE64.decode(entry.value.as_bytes()).ok() } else { plain() }
    }

    /// Carries an action out; `None` where it is none of this store.
    pub(super) fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>> {
        Some(match action {
            "CreateKvNamespace" => self.create_namespace(given),
            "GetKvNamespace" => self.namespace(given),
            "DeleteKvNamespace" => self.delete_namespace(given),
            "GetKvAccount" => Ok(self.account()),
            "DescribeKvAccountStatus" => Ok(json!({ "Status": "online" })),
            "PutKv" => self.put(given, now),
            "GetKv" | "GetKvDetail" => self.get(given, action == "GetKvDetail", now),
            "DeleteKv" => self.delete(given),
            "ListKvs" => self.list(given, now),
            "BatchPutKv" => self.put_batch(given, now),
            "BatchDeleteKv" => self.delete_batch(given),
            "PutKvWithHighCapacity" => self.put_file(given, now),
            "BatchPutKvWithHighCapacity" => self.put_files(given, now),
            "BatchDeleteKvWithHighCapacity" => self.delete_files(given),
            _ => return None,
        })
    }

    fn create_namespace(&self, given: &Parameters) -> Result<Value, Refusal> {
        let name = given.needed("Namespace")?;
        if name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            let words = "The specified namespace is invalid.";
            return Err(Refusal::new(400, "InvalidNameSpace.Malformed", words));
        }
        let mut namespaces = self.locked();
        if namespaces.contains_key(&name) {
            let words = "The specified namespace already exists.";
            return Err(Refusal::new(406, "InvalidNameSpace.Duplicate", words));
        }
        if namespaces.len() >= MOST_NAMESPACES {
            let words = "The number of namespaces has reached the upper limit.";
            return Err(Refusal::new(406, "InvalidNameSpace.QuotaFull", words));
        }
        let id = format!("{}", 643_355_322_374_688_768_i64 + namespaces.len() as i64);
        let namespace =
            Namespace { id, description: given.text("Description").unwrap_or_default(), ..Namespace::default() };
        fs::create_dir_all(self.root.join(&name))?;
        fs::write(self.root.join(&name).join("namespace"), serde_json::to_vec(&namespace).map_err(io::Error::from)?)?;
        let answer = json!({ "Namespace": name, "NamespaceId": namespace.id, "Description": namespace.description, "Status": "online" });
        namespaces.insert(name, namespace);
        Ok(answer)
    }

    fn namespace(&self, given: &Parameters) -> Result<Value, Refusal> {
        self.with(given, |name, namespace| Ok(described(name, namespace)))
    }

    fn account(&self) -> Value {
        let namespaces = self.locked();
        let list: Vec<_> = namespaces.iter().map(|(name, namespace)| described(name, namespace)).collect();
        let used: i64 = namespaces.values().map(|namespace| namespace.used).sum();
        let (capacity, count) = (CAPACITY * 10, list.len());
        json!({ "Status": "online", "NamespaceQuota": MOST_NAMESPACES, "NamespaceUsed": count, "NamespaceList": list,
                "Capacity": capacity, "CapacityString": "10 GB", "CapacityUsed": used, "CapacityUsedString": format!("{used} B") })
    }

    fn delete_namespace(&self, given: &Parameters) -> Result<Value, Refusal> {
        let name = given.needed("Namespace")?;
        let mut namespaces = self.locked();
        namespaces.get(&name).ok_or_else(no_namespace)?;
        fs::remove_dir_all(self.root.join(&name))?;
        namespaces.remove(&name);
        Ok(json!({}))
    }

    fn put(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let (key, value) = (given.needed("Key")?, given.needed("Value")?);
        let ends = ends(given.number("Expiration")?, given.number("ExpirationTtl")?, now)?;
        let base64 = given.is_true("Base64");
        if base64 && BASE64.decode(value.as_bytes()).is_err() {
            return Err(invalid("Value"));
        }
        self.with(given, |_, namespace| {
            let length = value.len();
            let told = if value.chars().count() <= 256 { value.clone() } else { ends_of(&value) };
            Self::store(namespace, Entry { key, value, base64, updated: now, ends })?;
            Ok(json!({ "Length": length.to_string(), "Value": told }))
        })
    }

    fn put_batch(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let list = given.list("KvList")?;
        let size: usize = list.iter().map(|pair| pair.to_string().len()).sum();
        if size > LARGEST_VALUE {
            return Err(too_large());
        }
        self.with(given, |_, namespace| {
            let (mut stored, mut failed) = (Vec::new(), Vec::new());
            for pair in list {
                let pair: Pair = serde_json::from_value(pair).map_err(|_| invalid("KvList"))?;
                let (key, entry) = (pair.key.clone(), pair.entry(now)?);
                // One that fails leaves the others alone.
                let kept = Self::store(namespace, entry).is_ok();
                if kept { &mut stored } else { &mut failed }.push(key);
            }
            Ok(json!({ "SuccessKeys": stored, "FailKeys": failed }))
        })
    }

    fn get(&self, given: &Parameters, detail: bool, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let key = given.needed("Key")?;
        self.with(given, |_, namespace| {
            let entry = namespace
                .entries
                .get(&key)
                .filter(|entry| entry.lives(now))
                .ok_or_else(|| Refusal::new(404, "InvalidKey.NotFound", "The specified key does not exist."))?;
            let left = entry.ends.map_or(0, |end| end - now.timestamp());
            Ok(match detail {
                true => json!({ "Value": entry.value, "ExpirationTtl": left.to_string() }),
                false => json!({ "Value": entry.value }),
            })
        })
    }

    fn delete(&self, given: &Parameters) -> Result<Value, Refusal> {
        let key = given.needed("Key")?;
        self.with(given, |_, namespace| {
            namespace.delete(&key)?;
            Ok(json!({}))
        })
    }

    fn delete_batch(&self, given: &Parameters) -> Result<Value, Refusal> {
        let keys = given.list("Keys")?;
        if keys.len() > MOST_DELETED {
            return Err(invalid("Keys"));
        }
        self.with(given, |_, namespace| {
            for key in keys.iter().filter_map(Value::as_str) {
                namespace.delete(key)?;
            }
            Ok(json!({ "SuccessKeys": keys, "FailKeys": [] }))
        })
    }

    fn list(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let prefix = given.text("Prefix").unwrap_or_default();
        let page = given.number("PageNumber")?.unwrap_or(1).max(1);
        let size = given.number("PageSize")?.unwrap_or(50);
        if !(1..=100).contains(&size) || page * size > FARTHEST {
            return Err(invalid("PageSize"));
        }
        self.with(given, |_, namespace| {
            let found: Vec<_> = namespace
                .entries
                .values()
                .filter(|entry| entry.key.starts_with(&prefix) && entry.lives(now))
                .map(|entry| json!({ "Name": entry.key, "UpdateTime": entry.updated.format("%Y-%m-%dT%H:%M:%SZ").to_string() }))
                .collect();
            let before = usize::try_from((page - 1) * size).unwrap_or(usize::MAX);
            let most = usize::try_from(size).unwrap_or_default();
            let keys: Vec<_> = found.iter().skip(before).take(most).collect();
            Ok(json!({ "Keys": keys, "PageNumber": page, "PageSize": size, "TotalCount": found.len() }))
        })
    }

    fn store(namespace: &mut Namespace, entry: Entry) -> Result<(), Refusal> {
        Self::store_within(LARGEST_VALUE, namespace, entry)
    }

    fn store_within(largest: usize, namespace: &mut Namespace, entry: Entry) -> Result<(), Refusal> {
        let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
        if entry.key.is_empty() || !entry.key.bytes().all(allowed) {
            return Err(Refusal::new(400, "InvalidKey.Malformed", "The specified key is invalid."));
        }
        if entry.key.len() > LONGEST_KEY {
            return Err(Refusal::new(400, "InvalidKey.ExceedsMaximum", "The size of the key exceeds the limit."));
        }
        if entry.value.len() > largest {
            return Err(too_large());
        }
        if namespace.used + size(&entry) > CAPACITY {
            return Err(Refusal::new(403, "InvalidKey.ExceedsCapacity", "The capacity of the namespace is used up."));
        }
        Ok(namespace.put(entry)?)
    }

    fn with(
        &self,
        given: &Parameters,
        then: impl FnOnce(&str, &mut Namespace) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let name = given.needed("Namespace")?;
        let mut namespaces = self.locked();
        let namespace = namespaces.get_mut(&name).ok_or_else(no_namespace)?;
        let answer = then(&name, namespace);
        namespace.keep(&self.root.join(&name))?;
        answer
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Namespace>> {
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One value of many.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    key: String,
    value: String,
    expiration: Option<i64>,
    expiration_ttl: Option<i64>,
}

impl Pair {
    fn entry(self, now: DateTime<Utc>) -> Result<Entry, Refusal> {
        let ends = ends(self.expiration, self.expiration_ttl, now)?;
        Ok(Entry { key: self.key, value: self.value, base64: false, updated: now, ends })
    }
}

impl Entry {
    fn lives(&self, now: DateTime<Utc>) -> bool {
        self.ends.is_none_or(|end| now.timestamp() < end)
    }
}

fn ends(expiration: Option<i64>, ttl: Option<i64>, now: DateTime<Utc>) -> Result<Option<i64>, Refusal> {
    match (expiration.filter(|at| *at > 0), ttl.filter(|seconds| *seconds > 0)) {
        (_, Some(seconds)) => Ok(Some(now.timestamp() + seconds)),
        (Some(at), None) if at <= now.timestamp() => Err(invalid("Expiration")),
        (at, None) => Ok(at),
    }
}

fn described(name: &str, namespace: &Namespace) -> Value {
    let used = namespace.used;
    json!({ "Namespace": name, "NamespaceId": namespace.id, "Description": namespace.description, "Status": "online",
            "Capacity": CAPACITY, "CapacityString": "1 GB", "CapacityUsed": used, "CapacityUsedString": format!("{used} B") })
}

/// Returns both ends of a long value, as the service tells it.
fn ends_of(value: &str) -> String {
    let first: String = value.chars().take(100).collect();
    let count = value.chars().count();
    first + &value.chars().skip(count - 100).collect::<String>()
}

fn no_namespace() -> Refusal {
    Refusal::new(404, "InvalidNameSpace.NotFound", "The specified namespace does not exist.")
}

fn too_large() -> Refusal {
    Refusal::new(400, "InvalidValue.ExceedsMaximum", "The size of the value exceeds the limit.")
}
