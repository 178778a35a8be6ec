//! What is uploaded: one file, which begins with where it finds its storage.

use bytes::Bytes;
use data_encoding::BASE64;
use miaobu_edge::record::KeyEncoding;
use serde_json::json;

use crate::config::{self, RoutineBuild};
use crate::domain::Sha256;

/// The routine that this program was built with.
const ROUTINE: &str = include_str!("../../../wasm-pkg/esa.js");
/// The same for runtimes without WebAssembly.
const JAVASCRIPT: &str = include_str!("../../../wasm-pkg/esa-js.js");
const MARK: &str = "miaobu";

/// Code, and what tells it from other code.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The file.
    pub code: Bytes,
    /// The beginning of its SHA-256, in hexadecimal digits.
    pub hash: String,
}

impl Bundle {
    /// Returns the routine of this program with these settings: the same give the same bytes.
    pub fn of(esa: &config::Esa) -> Self {
        let keys = if esa.keys == KeyEncoding::Plain { "plain" } else { "encoded" };
        let settings = json!({
            "MIAOBU_OBJECTS_URL": esa.objects_url,
            "MIAOBU_KV_NAMESPACE": esa.namespace,
            "MIAOBU_KV_KEYS": keys,
            // Nobody promises that ESA compiles anything once an isolate answers.
            "MIAOBU_COMPILE": "early",
        });
        let routine = match esa.routine_build {
            RoutineBuild::WebAssembly => ROUTINE,
            RoutineBuild::JavaScript => JAVASCRIPT,
        };
        let code = format!("globalThis.miaobu = {settings};\n{routine}");
        let mut hash = Sha256::of(code.as_bytes()).to_hex();
        hash.truncate(16);
        Self { code: code.into(), hash }
    }

    /// What a version with this code says of itself. `commit` is what it was built from.
    pub fn description(&self, commit: &str) -> String {
        let plain = |letter: &char| letter.is_ascii_alphanumeric();
        let commit: String = commit.chars().filter(plain).take(40).collect();
        format!("{MARK} {} {commit}", self.hash).trim_end().to_owned()
    }
}

/// Returns the hash that a description names; `None` where somebody else wrote it. Some actions of ESA give descriptions back
/// in Base64.
pub fn hash_in(description: &str) -> Option<String> {
    let decoded = BASE64.decode(description.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    [Some(description), decoded.as_deref()].into_iter().flatten().find_map(|text| {
        let mut words = text.split(' ');
        (words.next()? == MARK).then_some(words.next()?).filter(|hash| hash.len() == 16).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_as_it_was_written_and_in_base64() {
        let bundle = Bundle { code: Bytes::new(), hash: "0123456789abcdef".into() };
        let description = bundle.description("c0ffee; rm");
        assert_eq!(description, "miaobu 0123456789abcdef c0ffeerm");
        assert_eq!(hash_in(&description), Some(bundle.hash.clone()));
        assert_eq!(hash_in(&BASE64.encode(description.as_bytes())), Some(bundle.hash));
        assert_eq!([hash_in("by hand"), hash_in("miaobu"), hash_in("")], [None, None, None]);
    }
}
