//! What a bucket holds.

use reqwest::Method;
use serde::Deserialize;

use super::Bucket;
use super::request::Outgoing;
use super::xml::document;
use crate::Error;
use crate::encode::decode;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// What keys begin with.
    pub prefix: String,
    /// Keys that have this after the prefix are told by what is before it.
    pub delimiter: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// How many at most a page: 1,000, and as many when nothing is said.
    pub max_keys: Option<u32>,
}

/// A page of what was found, in the order of the keys' bytes.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Listed>,
    /// What keys with the delimiter begin with.
    pub prefixes: Vec<String>,
    /// What the next page is asked for with, when there is one.
    pub next: Option<String>,
}

/// An object that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its tag, in quotation marks.
    #[serde(rename = "ETag")]
    pub etag: String,
    /// When it was stored, such as `2020-05-18T05:45:43.000Z`.
    pub last_modified: String,
}

/// What keys with the delimiter begin with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListedPrefix {
    prefix: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListBucketResult {
    encoding_type: Option<String>,
    is_truncated: bool,
    next_continuation_token: Option<String>,
    contents: Vec<Listed>,
    common_prefixes: Vec<ListedPrefix>,
}

document!(ListBucketResult);

impl Bucket {
    /// Returns a page: the first, or the one that `next` of the page before asks for.
    pub async fn list(&self, options: &ListOptions, next: Option<&str>) -> Result<Page, Error> {
        let operation = "ListObjectsV2";
        let mut request = Outgoing::new(operation, Method::GET, None)
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("max-keys", options.max_keys.unwrap_or(1000).to_string());
        let wanted = [
            ("prefix", Some(options.prefix.as_str()).filter(|prefix| !prefix.is_empty())),
            ("delimiter", options.delimiter.as_deref()),
            ("start-after", options.start_after.as_deref()),
            ("continuation-token", next),
        ];
        for (name, value) in wanted {
            request = value.into_iter().fold(request, |request, value| request.query(name, value));
        }
        let found: ListBucketResult = self.ask(&request).await?;
        let plain = |text: String| if found.encoding_type.as_deref() == Some("url") { decode(&text) } else { text };
        let objects = found.contents.into_iter().map(|listed| Listed { key: plain(listed.key), ..listed }).collect();
        let prefixes = found.common_prefixes.into_iter().map(|common| plain(common.prefix)).collect();
        let next = found.next_continuation_token.filter(|token| found.is_truncated && !token.is_empty());
        if found.is_truncated && next.is_none() {
            return Err(self.interrupted(operation, "the answer says that there is more, and not how to get it"));
        }
        Ok(Page { objects, prefixes, next })
    }

    /// Returns all objects whose keys begin with `prefix`.
    pub async fn list_all(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        let options = ListOptions { prefix: prefix.to_owned(), ..ListOptions::default() };
        let (mut objects, mut next) = (Vec::new(), None);
        loop {
            let page = self.list(&options, next.as_deref()).await?;
            objects.extend(page.objects);
            match page.next {
                Some(token) => next = Some(token),
                None => return Ok(objects),
            }
        }
    }
}
