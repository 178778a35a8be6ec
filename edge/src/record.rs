//! The route record: what the edge KV holds for a hostname.

use crate::hash::hash;
use crate::json::{self, Scalar};
use crate::text::{push_decimal, rsplit_once, split};

/// What a project is, and so how its requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Files from object storage.
    Static,
    /// A Node.js function.
    Node,
    /// A Python function; treated as [`Kind::Node`].
    Python,
}

impl Kind {
    /// The name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Node => "node",
            Self::Python => "python",
        }
    }
}

/// Where a hostname leads. The first seven fields are the older system's; the rest are ours and may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    /// What answers.
    pub kind: Kind,
    /// Folder of the deployment's files in object storage, without slashes around it. Empty unless static.
    pub oss_path: String,
    /// URL of the function. Empty unless node or python.
    pub fc_endpoint: String,
    /// The project's slug.
    pub project_slug: String,
    /// The deployment served.
    pub deployment_id: i64,
    /// The deployment's commit; empty for an upload.
    pub commit_sha: String,
    /// When the record was written, RFC 3339.
    pub updated_at: String,
    /// Key of the deployment's site blob. Without it the files are probed for, as the older routine did.
    pub site: Option<String>,
    /// Whether the function may take no more requests for now.
    pub function_limited: bool,
    /// Whether answers ask search engines to stay away: previews and pinned names.
    pub noindex: bool,
    /// Whether visitors who came over TLS are to stay with it: domains of people's own whose certificate is active.
    pub hsts: bool,
    /// Who may see it, as [`Protection::to_text`](crate::protection::Protection::to_text) writes it; everybody when empty.
    pub protection: Hidden,
    /// A second deployment that some of the visitors get, as [`Split::to_text`](crate::variants::Split::to_text) writes it.
    pub split: String,
    /// Deployments that visitors may stay with, as [`Pin::all_to_text`](crate::variants::Pin::all_to_text) writes them.
    pub pins: String,
}

/// A text that is not printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(pub String);

impl core::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("..")
    }
}

impl core::ops::Deref for Hidden {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Why stored bytes are no route record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Not one JSON object, or longer than 64 KiB.
    Json,
    /// A field that must be there is missing or has another type.
    Field(&'static str),
    /// The record does not match its own checksum.
    Checksum,
}

impl core::fmt::Display for RecordError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Json => f.write_str("the route record is not a JSON object"),
            Self::Field(name) => write!(f, "the route record has no usable {name:?}"),
            Self::Checksum => f.write_str("the route record does not match its checksum"),
        }
    }
}

impl core::error::Error for RecordError {}

/// A protection that no reader takes for one.
const NOT_UNDERSTOOD: &str = "-";

const CHECK: &str = ",\"check\":\"";

impl RouteRecord {
    /// A record for the files under `oss_path`, to be completed with struct update syntax.
    #[must_use]
    pub fn of_static(project_slug: &str, oss_path: &str, deployment_id: i64) -> Self {
        Self {
            kind: Kind::Static,
            oss_path: oss_path.to_owned(),
            fc_endpoint: String::new(),
            project_slug: project_slug.to_owned(),
            deployment_id,
            commit_sha: String::new(),
            updated_at: String::new(),
            site: None,
            function_limited: false,
            noindex: false,
            hsts: false,
            protection: Hidden::default(),
            split: String::new(),
            pins: String::new(),
        }
    }

    /// A record for a function of `kind` at `fc_endpoint`, to be completed with struct update syntax.
    #[must_use]
    pub fn of_function(kind: Kind, project_slug: &str, fc_endpoint: &str, deployment_id: i64) -> Self {
        Self { kind, fc_endpoint: fc_endpoint.to_owned(), ..Self::of_static(project_slug, "", deployment_id) }
    }

    /// Reads a stored value. Fields that are not known are ignored, so the control plane may ship first.
    ///
    /// # Errors
    /// [`RecordError`] when the bytes can't be trusted to say where the hostname leads: the caller must then answer
    /// with an error and never guess.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if !checksum_holds(bytes) {
            return Err(RecordError::Checksum);
        }
        let mut kind = None;
        let mut deployment_id = None;
        let mut record = Self::of_static("", "", 0);
        json::members(bytes, |name, value| match (name, value) {
            ("type", Scalar::Text(text)) => {
                kind = [Kind::Static, Kind::Node, Kind::Python].into_iter().find(|kind| kind.name() == text);
            }
            ("deployment_id", Scalar::Integer(id)) => deployment_id = Some(id),
            ("oss_path", Scalar::Text(text)) => record.oss_path = without_slashes(&text).to_owned(),
            ("fc_endpoint", Scalar::Text(text)) => record.fc_endpoint = text,
            ("project_slug", Scalar::Text(text)) => record.project_slug = text,
            ("commit_sha", Scalar::Text(text)) => record.commit_sha = text,
            ("updated_at", Scalar::Text(text)) => record.updated_at = text,
            ("site", Scalar::Text(text)) => record.site = Some(text),
            ("function_limited", Scalar::Flag(limited)) => record.function_limited = limited,
            ("noindex", Scalar::Flag(noindex)) => record.noindex = noindex,
            ("hsts", Scalar::Flag(hsts)) => record.hsts = hsts,
            ("protection", Scalar::Text(text)) if !text.is_empty() => record.protection = Hidden(text),
            ("protection", Scalar::Null) => {}
            // What is not understood must not leave a site open.
            ("protection", _) => record.protection = Hidden(NOT_UNDERSTOOD.to_owned()),
            ("split", Scalar::Text(text)) => record.split = text,
            ("pins", Scalar::Text(text)) => record.pins = text,
            _ => {}
        })
        .ok_or(RecordError::Json)?;
        record.kind = kind.ok_or(RecordError::Field("type"))?;
        record.deployment_id = deployment_id.ok_or(RecordError::Field("deployment_id"))?;
        match record.kind {
            Kind::Static if !is_folder(&record.oss_path) => Err(RecordError::Field("oss_path")),
            Kind::Node | Kind::Python if !is_endpoint(&record.fc_endpoint) => Err(RecordError::Field("fc_endpoint")),
            _ => Ok(record),
        }
    }

    /// The JSON to store. It ends with a checksum, so that a damaged record is noticed instead of followed.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = String::from("{\"type\":");
        json::push_text(&mut json, self.kind.name());
        let optional = [("oss_path", &self.oss_path), ("fc_endpoint", &self.fc_endpoint)];
        for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
            push_member(&mut json, name, value);
        }
        push_member(&mut json, "project_slug", &self.project_slug);
        json.push_str(",\"deployment_id\":");
        if self.deployment_id < 0 {
            json.push('-');
        }
        push_decimal(&mut json, self.deployment_id.unsigned_abs());
        push_member(&mut json, "commit_sha", &self.commit_sha);
        push_member(&mut json, "updated_at", &self.updated_at);
        if let Some(site) = &self.site {
            push_member(&mut json, "site", site);
        }
        if self.function_limited {
            json.push_str(",\"function_limited\":true");
        }
        if self.noindex {
            json.push_str(",\"noindex\":true");
        }
        if self.hsts {
            json.push_str(",\"hsts\":true");
        }
        let guards = [("protection", &self.protection.0), ("split", &self.split), ("pins", &self.pins)];
        for (name, value) in guards.into_iter().filter(|(_, value)| !value.is_empty()) {
            push_member(&mut json, name, value);
        }
        let check = hash(json.as_bytes(), 0);
        json.push_str(CHECK);
        crate::head::push_hex(&mut json, check);
        json.push_str("\"}");
        json
    }
}

fn push_member(json: &mut String, name: &str, value: &str) {
    json.push(',');
    json::push_text(json, name);
    json.push(':');
    json::push_text(json, value);
}

/// Whether the text before the trailing `check` member hashes to it. The older system's records have none.
fn checksum_holds(bytes: &[u8]) -> bool {
    let Some(at) = bytes.windows(CHECK.len()).rposition(|window| window == CHECK.as_bytes()) else {
        return true;
    };
    let (text, check) = bytes.split_at(at);
    let mut expected = String::from(CHECK);
    crate::head::push_hex(&mut expected, hash(text, 0));
    expected.push_str("\"}");
    check == expected.as_bytes()
}

fn without_slashes(mut path: &str) -> &str {
    while let Some(rest) = path.strip_prefix("/").or_else(|| path.strip_suffix("/")) {
        path = rest;
    }
    path
}

/// A folder that can only mean a place below the store's root.
fn is_folder(path: &str) -> bool {
    split(path, b'/').all(|segment| !matches!(segment, "" | "." | ".."))
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'?' | b'#' | b'%'))
}

fn is_endpoint(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'?' | b'#' | b'"' | b'@'))
}

/// How a hostname is spelled as a KV key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyEncoding {
    /// The hostname itself: dots work in the field, whatever the documentation says.
    #[default]
    Plain,
    /// Only letters, digits, `-` and `_`, the documented alphabet.
    Encoded,
}

/// The KV key of a hostname, from the hostname or a `Host` header: lower case, without port or trailing dot.
///
/// Encoded, a dot is `_` and any other byte outside the alphabet is `_X` with two hexadecimal digits; a lower-case name
/// holds no `X`, so no two names share a key.
#[must_use]
pub fn key(host: &str, encoding: KeyEncoding) -> String {
    let name = match rsplit_once(host, b':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_suffix(".").unwrap_or(name).to_ascii_lowercase();
    if encoding == KeyEncoding::Plain {
        return name;
    }
    let mut key = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => key.push(byte as char),
            b'.' => key.push('_'),
            _ => {
                key.push_str("_X");
                key.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
            }
        }
    }
    key
}

/// The KV key of a deployment's site blob.
#[must_use]
pub fn site_key(deployment_id: i64) -> String {
    format!("d-{deployment_id}")
}

/// The KV key of a deployment's second site blob, which knows the coded forms of its files.
#[must_use]
pub fn refined_site_key(deployment_id: i64) -> String {
    format!("d-{deployment_id}-r")
}

/// Where the copy of a deployment's site blob lies in object storage: beside the folder of its files.
#[must_use]
pub fn site_object(oss_path: &str) -> String {
    [oss_path, ".site"].concat()
}

/// The KV key of a shard of the site whose blob lies under `site`.
#[must_use]
pub fn shard_key(site: &str, number: u32) -> String {
    let mut key = String::from(site);
    key.push('-');
    push_decimal(&mut key, number.into());
    key
}

/// Where the copies of a deployment's shards lie in object storage, under their KV keys.
#[must_use]
pub fn shard_objects(oss_path: &str) -> String {
    [oss_path, ".shards"].concat()
}

#[cfg(test)]
mod tests;
