//! Records, sites and shards: taken in, known by a handle, and dropped.

use super::{State, TEXT_LENGTH, push_line, with};
use crate::record::{KeyEncoding, RouteRecord};
use crate::site::Site;
use crate::variants;
use wasm_bindgen::prelude::wasm_bindgen;

impl State {
    fn keep(&mut self, record: RouteRecord) -> u32 {
        let site = record.site.as_deref().unwrap_or_default();
        let copy = crate::record::site_object(&record.oss_path);
        self.text = [&record.oss_path, "\n", site, "\n", &copy].concat();
        if record.is_conditional() {
            self.text.push_str(variants::FIELD_NAME_LINES);
        }
        self.words[TEXT_LENGTH] = self.text.len() as u32;
        self.records.insert(record)
    }
}

/// Writes the KV key of the host in the input into the text.
#[wasm_bindgen]
pub fn record_key(length: u32, encoded: u32) {
    with(|state| {
        let host = state.input.get(..length as usize).and_then(|input| core::str::from_utf8(input).ok());
        let encoding = if encoded == 0 { KeyEncoding::Plain } else { KeyEncoding::Encoded };
        state.text = crate::record::key(host.unwrap_or_default(), encoding);
        state.words[TEXT_LENGTH] = state.text.len() as u32;
    });
}

/// Reads the record in the input and returns its handle, 0 when it does not parse.
///
/// The text is then the folder of its files, the key of its site (empty when it has none), the object of the site's copy,
/// and, for a conditional record, the names of the header fields that it looks at, a line each.
#[wasm_bindgen]
pub fn load_record(length: u32) -> u32 {
    with(|state| {
        let Some(Ok(record)) = state.input.get(..length as usize).map(RouteRecord::parse) else {
            return 0;
        };
        state.keep(record)
    })
}

/// Makes the record of one of the deployments to which a record leads and returns its handle, 0 when there is none of that
/// number. The text is as for [`load_record`].
#[wasm_bindgen]
pub fn load_variant(record: u32, number: u32) -> u32 {
    with(|state| {
        let number = (number as usize).checked_sub(1);
        let variant = state.records.get(record).zip(number).and_then(|(record, number)| record.variant(number));
        variant.map_or(0, |variant| state.keep(variant))
    })
}

/// Takes over the site blob in the input and returns its handle, 0 when it can't be used.
///
/// The text is then the names of the header fields that its rules look at, a line each; with a `+` before those that
/// [`decide`] wants so.
#[wasm_bindgen]
pub fn load_site(length: u32) -> u32 {
    with(|state| {
        let mut bytes = std::mem::take(&mut state.input);
        bytes.truncate(length as usize);
        let State { text, words, sites, .. } = state;
        text.clear();
        let Ok(site) = Site::load(bytes) else {
            return 0;
        };
        if site.redirects().is_some_and(|redirects| redirects.any_conditional()) {
            text.push_str("=cookie\n=accept-language\n");
        }
        if site.has_routes() {
            push_field_names(text, &site);
        }
        words[TEXT_LENGTH] = text.len() as u32;
        sites.insert(site)
    })
}

/// Takes over the shard in the input, of a site; returns 1, or 0 when it is none of that site's.
#[wasm_bindgen]
pub fn load_shard(site: u32, length: u32) -> u32 {
    with(|state| {
        let mut bytes = std::mem::take(&mut state.input);
        bytes.truncate(length as usize);
        state.sites.get_mut(site).is_some_and(|site| site.add_shard(bytes)).into()
    })
}

/// Forgets the shards of a site.
#[wasm_bindgen]
pub fn drop_shards(site: u32) {
    with(|state| {
        if let Some(site) = state.sites.get_mut(site) {
            site.drop_shards();
        }
    });
}

#[inline(never)]
fn push_field_names(text: &mut String, site: &Site) {
    for name in site.field_names() {
        text.push('+');
        push_line(text, name);
    }
}

/// Forgets a record.
#[wasm_bindgen]
pub fn drop_record(record: u32) {
    with(|state| state.records.remove(record));
}

/// Forgets a site.
#[wasm_bindgen]
pub fn drop_site(site: u32) {
    with(|state| state.sites.remove(site));
}
