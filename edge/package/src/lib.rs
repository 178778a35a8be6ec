//! What the JavaScript in `js/` calls: bytes and one plain object in, one plain object out.

use miaobu_edge::explain::explain;
use miaobu_edge::record::RecordError;
use miaobu_edge::variants::{choose, has_hashed, misses};
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

/// The record of the deployment that a request gets, and the one of the other side of a split.
fn sides(own: RouteRecord, request: &Request<'_>) -> (RouteRecord, Option<RouteRecord>) {
    match choose(&own, request).and_then(|number| own.variant(number)) {
        Some(variant) => (variant, Some(own)),
        None => {
            let variant = own.variant(0);
            (own, variant)
        }
    }
}

/// The keys of the site blobs that may answer `asked`, an empty one for the record's own: first that of the deployment that
/// the visitor gets, by a pin or by a side of a split; then that of the other side, whose hashed files are looked for too.
/// Throws when `asked` has another shape.
#[wasm_bindgen(js_name = siteKeys)]
pub fn site_keys(record: Option<Vec<u8>>, asked: JsValue) -> Result<Vec<String>, JsError> {
    let asked = asked_of(asked)?;
    let Some(own) = record.and_then(|bytes| RouteRecord::parse(&bytes).ok()) else {
        return Ok(vec![String::new()]);
    };
    let id = own.deployment_id;
    let (first, second) = sides(own, &asked.request());
    let key = |side: RouteRecord| side.site.filter(|_| side.deployment_id != id).unwrap_or_default();
    Ok([first].into_iter().chain(second).map(key).collect())
}

/// Explains the answer to `asked` on the host of a route record, which is absent when there is none, with the bytes of the
/// site blobs that [`site_keys`] names.
///
/// Returns the explanation as `index.d.ts` has it. Throws when `asked` has another shape; damaged bytes are explained.
#[wasm_bindgen(js_name = explainBytes)]
pub fn explain_bytes(
    record: Option<Vec<u8>>,
    site: Option<Vec<u8>>,
    second: Option<Vec<u8>>,
    asked: JsValue,
) -> Result<JsValue, JsError> {
    let asked = asked_of(asked)?;
    let mut request = asked.request();
    let mut other = None;
    let record = record.map(|bytes| {
        let (first, second) = sides(RouteRecord::parse(&bytes)?, &request);
        other = second;
        Ok::<_, RecordError>(first)
    });
    let site = site.map(Site::load);
    let (record, site) = match (record, site, other, second.map(Site::load)) {
        (Some(Ok(first)), Some(Ok(own)), Some(other), Some(Ok(second)))
            if misses(&first, &own, &request) && has_hashed(&second, &request) =>
        {
            (Some(Ok(other)), Some(Ok(second)))
        }
        (record, site, ..) => (record, site),
    };
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
