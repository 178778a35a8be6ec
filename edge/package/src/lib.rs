//! What the JavaScript in `js/` calls: bytes and one plain object in, one plain object out.

use miaobu_edge::explain::explain;
use miaobu_edge::{Lookup, Method, Request, RouteRecord, Settings, Site, choose};
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
    /// Seconds since 1970.
    now: f64,
    /// Lower-case names, repeated fields joined.
    headers: Vec<(String, String)>,
}

impl Asked {
    fn request(&self) -> Request<'_> {
        let mut request = Request::new(Method::parse(&self.method), &self.host, &self.target);
        request.secure = self.secure;
        request.country = self.country.as_deref();
        request.client_address = self.client_address.as_deref();
        request.now = Some(self.now as u64);
        self.headers.iter().for_each(|(name, value)| request.header(name, value));
        request
    }
}

fn asked_of(asked: JsValue) -> Result<Asked, JsError> {
    serde_wasm_bindgen::from_value(asked).map_err(|error| JsError::new(&error.to_string()))
}

/// The record of the deployment that a request gets, where that is not the record's own.
fn variant(record: &RouteRecord, request: &Request<'_>) -> Option<RouteRecord> {
    record.variant(choose(record, request)?)
}

/// The key of the site blob that `asked` gets, where that is not the record's own: by a pin, or by the visitor's side of a
/// split. Throws when `asked` has another shape.
#[wasm_bindgen(js_name = otherSite)]
pub fn other_site(record: Option<Vec<u8>>, asked: JsValue) -> Result<Option<String>, JsError> {
    let asked = asked_of(asked)?;
    let record = record.and_then(|bytes| RouteRecord::parse(&bytes).ok());
    Ok(record.and_then(|record| variant(&record, &asked.request())?.site))
}

/// Explains the answer to `asked` on the host of a route record, which is absent when there is none, with the bytes of the
/// site blob that it names, or of the one that [`other_site`] does.
///
/// Returns the explanation as `index.d.ts` has it. Throws when `asked` has another shape; damaged bytes are explained.
#[wasm_bindgen(js_name = explainBytes)]
pub fn explain_bytes(record: Option<Vec<u8>>, site: Option<Vec<u8>>, asked: JsValue) -> Result<JsValue, JsError> {
    let asked = asked_of(asked)?;
    let mut request = asked.request();
    let own = |bytes: Vec<u8>| RouteRecord::parse(&bytes).map(|record| variant(&record, &request).unwrap_or(record));
    let record = record.map(own);
    let site = site.map(Site::load);
    let lookup = match (&record, &site) {
        (None, _) => Lookup::Unknown,
        (Some(Err(_)), _) | (_, Some(Err(_))) => Lookup::Damaged,
        (Some(Ok(record)), Some(Ok(site))) => Lookup::Found { record, site: Some(site) },
        (Some(Ok(record)), None) => Lookup::Found { record, site: None },
    };
    let names: Vec<&str> = site.iter().flatten().flat_map(|site| site.field_names()).collect();
    for (name, value) in asked.headers.iter().filter(|(name, _)| names.contains(&name.as_str())) {
        request.named_field(name, value);
    }
    let told = explain(&lookup, &request, &Settings::default());
    let serializer = Serializer::new().serialize_missing_as_null(true);
    told.serialize(&serializer).map_err(|error| JsError::new(&error.to_string()))
}
