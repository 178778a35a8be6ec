//! The XML of object storage.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::encode::decode;

/// The body that asks for `keys` to be deleted, with each one named in the answer.
pub(super) fn delete(keys: &[&str]) -> String {
    let mut text = String::from("<Delete><Quiet>false</Quiet>");
    for key in keys {
        text.push_str("<Object><Key>");
        text.push_str(&escape(*key));
        text.push_str("</Key></Object>");
    }
    text.push_str("</Delete>");
    text
}

/// The body that puts an object together from parts, each with its number and its tag.
pub(super) fn complete<'a>(parts: impl Iterator<Item = (u32, &'a str)>) -> String {
    let mut text = String::from("<CompleteMultipartUpload>");
    for (number, etag) in parts {
        let etag = escape(etag);
        text.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
    }
    text.push_str("</CompleteMultipartUpload>");
    text
}

/// An answer that is XML.
pub(super) trait Document: DeserializeOwned {
    /// The name of its outermost element.
    const ROOT: &'static str;
}

macro_rules! document {
    ($($name:ident)*) => {
        $(impl $crate::oss::xml::Document for $name {
            const ROOT: &'static str = stringify!($name);
        })*
    };
}
pub(super) use document;

/// Reads an answer; the words say what is wrong with it.
pub(super) fn parse<T: Document>(body: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    // The members alone would do for the parser, and a page of something else would be an empty list.
    match root(text) {
        Some(root) if root == T::ROOT => quick_xml::de::from_str(text).map_err(|error| error.to_string()),
        Some(root) => Err(format!("it is <{root}>, not <{}>", T::ROOT)),
        None => Err("it is no XML".to_owned()),
    }
}

/// Returns the name of the outermost element, without a prefix.
pub(super) fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => {
                return Some(start.local_name().as_ref().to_owned());
            }
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// What was deleted.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DeleteResult {
    encoding_type: Option<String>,
    deleted: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Named {
    key: String,
}

impl DeleteResult {
    /// The keys that were deleted.
    pub(super) fn keys(self) -> impl Iterator<Item = String> {
        let encoded = self.encoding_type.as_deref() == Some("url");
        self.deleted.into_iter().map(move |named| if encoded { decode(&named.key) } else { named.key })
    }
}

/// An upload in parts that was begun.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InitiateMultipartUploadResult {
    pub upload_id: String,
}

/// An object that was put together.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CompleteMultipartUploadResult {
    #[serde(rename = "ETag")]
    pub etag: String,
}

/// An object that was copied.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CopyObjectResult {
    #[serde(rename = "ETag")]
    pub etag: String,
}

/// A page of the parts that an upload has.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ListPartsResult {
    pub is_truncated: bool,
    pub next_part_number_marker: Option<u32>,
    pub part: Vec<ListedPart>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ListedPart {
    pub part_number: u32,
    #[serde(rename = "ETag")]
    pub etag: String,
    pub size: u64,
}

document!(DeleteResult InitiateMultipartUploadResult CompleteMultipartUploadResult CopyObjectResult ListPartsResult);
