//! What the JavaScript in `js/` calls: bytes and one plain object in, one plain object out.

use miaobu_edge::explain::{Explanation, explain};
use miaobu_edge::record::{RecordError, shard_key};
use miaobu_edge::variants::{choose, has_hashed, hashed_shard, misses};
use miaobu_edge::{Decision, Lookup, Method, Request, RouteRecord, Settings, Site, decide};
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

/// The routine reads no more of them for one answer.
const MOST_SHARDS: usize = 2;

#[wasm_bindgen]
extern "C" {
    /// What the caller has of sites that lie in shards.
    pub type Shards;

    /// The bytes of a shard, nothing when its store has none. Throws when the caller was not asked for it before.
    #[wasm_bindgen(method, catch)]
    fn read(this: &Shards, key: &str) -> Result<Option<Vec<u8>>, JsValue>;
}

impl Shards {
    /// Gives the site of a record a shard; returns whether it has it now.
    fn complete(&self, record: &RouteRecord, site: &mut Site, number: u32) -> Result<bool, JsValue> {
        let key = shard_key(record.site.as_deref().unwrap_or_default(), number);
        Ok(self.read(&key)?.is_some_and(|bytes| site.add_shard(bytes)))
    }
}

/// A deployment that may answer.
struct Side {
    record: RouteRecord,
    site: Site,
}

/// Explains the answer to `asked` on the host of a route record, which is absent when there is none, with the bytes of the
/// site blobs that [`site_keys`] names and of the shards that the answer takes.
///
/// Returns the explanation as `index.d.ts` has it. Throws when `asked` has another shape, and what `shards` throws; damaged
/// bytes are explained.
#[wasm_bindgen(js_name = explainBytes)]
pub fn explain_bytes(
    record: Option<Vec<u8>>,
    site: Option<Vec<u8>>,
    second: Option<Vec<u8>>,
    asked: JsValue,
    shards: &Shards,
) -> Result<JsValue, JsValue> {
    let asked = asked_of(asked)?;
    let request = asked.request();
    let mut other = None;
    let record = record.map(|bytes| {
        let (first, second) = sides(RouteRecord::parse(&bytes)?, &request);
        other = second;
        Ok::<_, RecordError>(first)
    });
    let told = match (record, site.map(Site::load)) {
        (None, _) => tell(&Lookup::Unknown, &request),
        (Some(Err(_)), _) | (_, Some(Err(_))) => tell(&Lookup::Damaged, &request),
        (Some(Ok(record)), Some(Ok(site))) => {
            let second = other.zip(second.and_then(|bytes| Site::load(bytes).ok()));
            let second = second.map(|(record, site)| Side { record, site });
            of_site(&asked, Side { record, site }, second, shards)?
        }
        (Some(Ok(record)), None) => tell(&Lookup::Found { record: &record, site: None }, &request),
    };
    let serializer = Serializer::new().serialize_missing_as_null(true);
    Ok(told.serialize(&serializer).map_err(|error| JsError::new(&error.to_string()))?)
}

fn tell(lookup: &Lookup<'_>, request: &Request<'_>) -> Explanation {
    explain(lookup, request, &Settings::default())
}

/// Explains the answer of a site, or of the other side of its split, in the order in which the routine reads their shards.
fn of_site(asked: &Asked, mut first: Side, mut second: Option<Side>, shards: &Shards) -> Result<Explanation, JsValue> {
    let request = asked.request();
    let (mut reads, mut readable) = (0, true);
    loop {
        let other = second.as_mut().filter(|_| misses(&first.record, &first.site, &request));
        let side = match other {
            Some(other) => match hashed_shard(&other.site, &request).filter(|_| readable) {
                Some(number) => {
                    readable = shards.complete(&other.record, &mut other.site, number)?;
                    continue;
                }
                None if has_hashed(&other.site, &request) => other,
                None => &mut first,
            },
            None => &mut first,
        };
        let names: Vec<String> = side.site.field_names().map(str::to_owned).collect();
        let mut request = request.clone();
        for (name, value) in asked.headers.iter().filter(|(name, _)| names.contains(name)) {
            request.named_field(name, value);
        }
        let lookup = Lookup::Found { record: &side.record, site: Some(&side.site) };
        let Decision::Shard(number) = decide(&lookup, &request, &Settings::default()) else {
            return Ok(tell(&lookup, &request));
        };
        if reads == MOST_SHARDS || !shards.complete(&side.record, &mut side.site, number)? {
            return Ok(tell(&Lookup::Unavailable, &request));
        }
        reads += 1;
    }
}
