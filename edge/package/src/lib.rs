//! What the JavaScript in `js/` calls: bytes and one plain object in, one plain object out.

use miaobu_edge::explain::explain;
use miaobu_edge::{Lookup, Method, Request, RouteRecord, Settings, Site};
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};

/// A request, as `js/shared.js` takes it apart.
#[derive(Deserialize)]
struct Asked {
    method: String,
    host: String,
    target: String,
    secure: bool,
    country: Option<String>,
    client_address: Option<String>,
    /// Lower-case names, repeated fields joined.
    headers: Vec<(String, String)>,
}

/// Explains the answer to `asked` on the host of a route record, which is absent when there is none, with the bytes of the
/// site blob that it names.
///
/// Returns the explanation as `index.d.ts` has it. Throws when `asked` has another shape; damaged bytes are explained.
#[wasm_bindgen(js_name = explainBytes)]
pub fn explain_bytes(record: Option<Vec<u8>>, site: Option<Vec<u8>>, asked: JsValue) -> Result<JsValue, JsError> {
    let asked: Asked = serde_wasm_bindgen::from_value(asked).map_err(|error| JsError::new(&error.to_string()))?;
    let record = record.map(|bytes| RouteRecord::parse(&bytes));
    let site = site.map(Site::load);
    let lookup = match (&record, &site) {
        (None, _) => Lookup::Unknown,
        (Some(Err(_)), _) | (_, Some(Err(_))) => Lookup::Damaged,
        (Some(Ok(record)), Some(Ok(site))) => Lookup::Found { record, site: Some(site) },
        (Some(Ok(record)), None) => Lookup::Found { record, site: None },
    };
    let mut request = Request::new(Method::parse(&asked.method), &asked.host, &asked.target);
    request.secure = asked.secure;
    request.country = asked.country.as_deref();
    request.client_address = asked.client_address.as_deref();
    let names: Vec<&str> = site.iter().flatten().flat_map(|site| site.field_names()).collect();
    for (name, value) in &asked.headers {
        request.header(name, value);
        if names.contains(&name.as_str()) {
            request.named_field(name, value);
        }
    }
    let told = explain(&lookup, &request, &Settings::default());
    let serializer = Serializer::new().serialize_missing_as_null(true);
    told.serialize(&serializer).map_err(|error| JsError::new(&error.to_string()))
}
