//! Edge KV. A key is at most 512 bytes of letters, digits, `-`, `_` (dots are accepted in practice); a value at most 2,000,000
//! bytes. An account has ten namespaces of 1 GB.
//!
//! Write a key before anyone reads it: that it was not there can stay cached for minutes.

use serde::{Deserialize, Serialize};

use super::{Done, Service};
use crate::lenient::integer;
use crate::rpc::{Form, operation};

/// Makes a namespace. Fails with `InvalidNameSpace.Duplicate` where it exists, and `InvalidNameSpace.QuotaFull` past ten.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKvNamespace {
    /// Its name.
    pub namespace: String,
    /// What it is for.
    pub description: Option<String>,
}
operation!(CreateKvNamespace, POST, Unsafe, Form::Everything => Namespace);

/// Returns a namespace.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKvNamespace {
    /// Its name.
    pub namespace: String,
}
operation!(GetKvNamespace, GET, Safe, Form::Nothing => Namespace);

/// Deletes a namespace and all that is in it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteKvNamespace {
    /// Its name.
    pub namespace: String,
}
operation!(DeleteKvNamespace, POST, Safe, Form::Nothing => Done);

/// Returns the account's namespaces and how much room they take.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct GetKvAccount {}
operation!(GetKvAccount, GET, Safe, Form::Nothing => Account);

/// Stores one value.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutKv {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
    /// The value; with `base64` the Base64 of its bytes.
    pub value: String,
    /// Whether `value` is Base64 of what is stored.
    pub base64: Option<bool>,
    /// When the value ends, in Unix seconds.
    pub expiration: Option<i64>,
    /// After how many seconds the value ends; this counts when both are given.
    pub expiration_ttl: Option<i64>,
}
operation!(PutKv, POST, Safe, Form::Only(&["Value"]) => Stored);

/// Stores one value that is too large for [`PutKv`], up to 25 MB, from an address where the service fetches
/// `{"Namespace": …, "Key": …, "Value": …}`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutKvWithHighCapacity {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
    /// Where the service fetches the file: a presigned address of an object, for example.
    pub url: String,
}
operation!(PutKvWithHighCapacity, POST, Safe, Form::Nothing => Stored);

/// Returns one value. Fails with `InvalidKey.NotFound`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKv {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
    /// Whether the value was stored as Base64 of its bytes.
    pub base64: Option<bool>,
}
operation!(GetKv, GET, Safe, Form::Nothing => Value);

/// Returns one value and how long it still lasts.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKvDetail {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
}
operation!(GetKvDetail, POST, Safe, Form::Nothing => ValueDetail);

/// Deletes one value.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteKv {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
}
// The service takes it by GET only.
operation!(DeleteKv, GET, Safe, Form::Nothing => Done);

/// Lists keys, a page at a time; page × size is at most 50,000.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKvs {
    /// The namespace.
    pub namespace: String,
    /// What the keys begin with.
    pub prefix: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 100, and 50 when nothing is said.
    pub page_size: Option<u32>,
}
operation!(ListKvs, GET, Safe, Form::Nothing => KeyPage);

/// Stores many values, together at most 2,000,000 bytes. Some may fail while others are stored: look at the answer.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchPutKv {
    /// The namespace.
    pub namespace: String,
    /// The values.
    pub kv_list: Vec<Pair>,
}
operation!(BatchPutKv, POST, Safe, Form::Only(&["KvList"]) => Batch);

/// Stores many values, together at most 100 MB, from an address where the service fetches
/// `{"Namespace": …, "KvList": […]}`. A file of another shape stores nothing and is no error: look at the answer.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchPutKvWithHighCapacity {
    /// The namespace.
    pub namespace: String,
    /// Where the service fetches the file.
    pub url: String,
}
operation!(BatchPutKvWithHighCapacity, POST, Safe, Form::Nothing => Batch);

/// Deletes many values, at most 10,000.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchDeleteKv {
    /// The namespace.
    pub namespace: String,
    /// The keys.
    pub keys: Vec<String>,
}
operation!(BatchDeleteKv, POST, Safe, Form::Only(&["Keys"]) => Batch);

/// One value of [`BatchPutKv`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Pair {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// When the value ends, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<i64>,
    /// After how many seconds the value ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_ttl: Option<i64>,
}

/// A namespace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Namespace {
    /// Its name.
    pub namespace: String,
    /// Its id.
    pub namespace_id: String,
    /// What it is for.
    pub description: String,
    /// `online`; `delete`, `deleting` or `deleted` once it was deleted.
    pub status: String,
    /// How many bytes it may hold.
    #[serde(deserialize_with = "integer")]
    pub capacity: i64,
    /// How many bytes it holds.
    #[serde(deserialize_with = "integer")]
    pub capacity_used: i64,
}

/// An account's namespaces.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Account {
    /// `online` where the store is in use.
    pub status: String,
    /// How many namespaces there may be.
    #[serde(deserialize_with = "integer")]
    pub namespace_quota: i64,
    /// How many there are.
    #[serde(deserialize_with = "integer")]
    pub namespace_used: i64,
    /// The namespaces.
    pub namespace_list: Vec<Namespace>,
}

/// A stored value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Stored {
    /// How many bytes were stored.
    #[serde(deserialize_with = "integer")]
    pub length: i64,
    /// The value; of a long one only both ends.
    pub value: String,
}

/// A value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Value {
    /// The value.
    pub value: String,
}

/// A value and its end.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ValueDetail {
    /// The value.
    pub value: String,
    /// How many seconds it still lasts; 0 where it does not end.
    #[serde(deserialize_with = "integer")]
    pub expiration_ttl: i64,
}

/// A page of keys.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<Key>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// A key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Key {
    /// The key.
    pub name: String,
    /// When its value was last stored.
    pub update_time: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Batch {
    /// The keys that were done.
    pub success_keys: Vec<String>,
    /// The keys that were not.
    pub fail_keys: Vec<String>,
}
