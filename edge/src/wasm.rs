//! The core as a WASM module, for the shim in `edge/shim`.
//!
//! Only `u32` crosses the boundary: strings and objects would cost several times what a decision does. The shim writes a
//! request into [`input`]'s memory, calls [`decide`], and reads words from [`words`] and, where a decision needs any,
//! text from [`text`]. The layouts stand at the functions; `edge/shim/core.js` is the other end.

mod slots;

use self::slots::Slots;
use crate::answer::Failure;
use crate::decision::{Context, Decision, Lookup, ObjectKey, Probe, Proxy, Settings};
use crate::head::Head;
use crate::record::{KeyEncoding, RouteRecord};
use crate::request::{Method, Request};
use crate::rules::functions::is_blocked_content;
use crate::site::Site;
use crate::text::{read_decimal, split_once};
use crate::variants;
use std::borrow::Cow;
use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;

/// What stands in place of a record's handle when there is none. Handles begin at 1.
const UNKNOWN: u32 = u32::MAX;
const UNAVAILABLE: u32 = u32::MAX - 1;

const METHOD_MASK: u32 = 3;
const FLAG_SECURE: u32 = 1 << 2;
const FLAG_DEPLOYMENT_HEADER: u32 = 1 << 3;

const NO_SET: u32 = u32::MAX;
/// In place of the stem's length: the object's path is the text's first line.
const STEM_IN_TEXT: u32 = u32::MAX;

// Places of the words.
const KIND: usize = 0;
const STATUS: usize = 1;
const HEADER_SET: usize = 2;
const FORM: usize = 3;
const STEM_LENGTH: usize = 4;
/// Of the object; for a probe, the status when none exists.
const SIZE: usize = 5;
const TAG_HIGH: usize = 6;
const TAG_LOW: usize = 7;
const TEXT_LENGTH: usize = 8;
/// Of the range of the object that is the body; the end is one past its last byte, and 0 when all of it is.
const RANGE_START: usize = 9;
const RANGE_END: usize = 10;
const WORDS: usize = 11;

#[derive(Default)]
struct State {
    input: Vec<u8>,
    words: [u32; WORDS],
    text: String,
    records: Slots<RouteRecord>,
    sites: Slots<Site>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

impl State {
    fn lines(&self, length: u32) -> &str {
        self.input.get(..length as usize).and_then(|input| core::str::from_utf8(input).ok()).unwrap_or_default()
    }

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

/// Traps when an earlier call did: what it left behind belongs to no request.
fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    STATE.with(|state| act(&mut state.borrow_mut()))
}

/// Makes room for `length` bytes of input and returns where. Views of memory may be stale afterwards.
#[wasm_bindgen]
pub fn input(length: u32) -> u32 {
    with(|state| {
        if state.input.len() < length as usize {
            state.input.resize(length as usize, 0);
        }
        state.input.as_ptr() as u32
    })
}

/// Where the words of a decision lie: kind, status, header set, form of the body, stem length, size, the entity tag's high
/// and low half, length of the text, start and end of the range.
///
/// The form: bit 0 whether there is a body (for a proxy: whether its answer must be an image), 1 and 2 the class, 3 and 4 the coding. The size is `u32::MAX` when it takes the
/// object to know it.
#[wasm_bindgen]
pub fn words() -> u32 {
    with(|state| state.words.as_ptr() as u32)
}

/// Where the text of the last call lies.
#[wasm_bindgen]
pub fn text() -> u32 {
    with(|state| state.text.as_ptr() as u32)
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

/// Tells apart the deployments to which a record leads, for the request in the input. By `question`: 0, which one it gets,
/// 0 for the record's own, else a number for [`load_variant`]; 1, whether the site lacks the file that is looked for and the
/// other side of a split may have it; 2, whether the site has it under a name that carries a hash.
#[wasm_bindgen]
pub fn select(question: u32, record: u32, site: u32, length: u32) -> u32 {
    with(|state| {
        let request = read_request(Method::Get, false, state.lines(length));
        state
            .records
            .get(record)
            .map_or(0, |record| variants::select(question, record, state.sites.get(site), &request))
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

/// Decides the request in the input: the target, then lines that begin with a letter each: `h` the host, `c` the visitor's
/// address, `y` the country, `t` the time, `x` a random number, `f` a form, `w` the method where the flags can't say it, `i`
/// what the host calls the request, `a` accept, `e` accept-encoding, `m` sec-fetch-mode, `p` sec-fetch-dest, `o` connection,
/// `s` if-match, `d` if-modified-since, `n` if-none-match, `u` if-unmodified-since, `g` if-range, `r` range; `=name:value`
/// any other field, and `+name:value` one that only the site's routes look at. `record` is a handle, or 0 for a damaged,
/// `u32::MAX` for an unknown and `u32::MAX - 1` for an unavailable one; `site` is a handle or 0.
///
/// Returns the kind: 1 serve, 2 probe, 3 proxy, 4 answer without a fetch, 5 ask again with at most as many bytes of the
/// body as the size says, 6 when a shard of the site has to be loaded first, whose number stands in place of the status. The
/// text holds, a line each: the object's path
/// unless the stem is the request's own, and unless the words name a header set, the header fields and after an empty
/// line the body. A probe's text is groups of object path and header fields, an empty line after each, then the same for
/// when none exists. A proxy's text is the URL, then lists each ended by an empty line: names to remove from the request,
/// fields to set on it, names to remove from the answer, fields to set on it.
#[wasm_bindgen]
pub fn decide(record: u32, site: u32, length: u32, flags: u32) -> u32 {
    answer(record, site, length, flags, None)
}

/// Decides the answer when a decision on the request in the input could not be carried out: 0 storage unavailable, 1
/// object missing, 2 function unreachable, 3 function timed out, 4 not an image. Otherwise as [`decide`].
#[wasm_bindgen]
pub fn fail(record: u32, site: u32, length: u32, flags: u32, failure: u32) -> u32 {
    let failure = match failure {
        0 => Failure::StorageUnavailable,
        1 => Failure::ObjectMissing,
        2 => Failure::FunctionUnreachable,
        3 => Failure::FunctionTimedOut,
        _ => Failure::NotAnImage,
    };
    answer(record, site, length, flags, Some(failure))
}

/// Returns 1 when a function's answer to a request for images only must not be passed on: its status, and its content type
/// in the input.
#[wasm_bindgen]
pub fn blocks(status: u32, length: u32) -> u32 {
    with(|state| {
        let content_type = state.input.get(..length as usize).and_then(|input| core::str::from_utf8(input).ok());
        is_blocked_content(status as u16, content_type).into()
    })
}

/// Writes the header fields that all answers with this header set share into the text.
#[wasm_bindgen]
pub fn header_set(record: u32, site: u32, set: u32, flags: u32) {
    with(|state| {
        let State { records, sites, text, words, .. } = state;
        text.clear();
        let (Some(record), Some(site)) = (records.get(record), sites.get(site)) else {
            return;
        };
        let lookup = Lookup::Found { record, site: Some(site) };
        let context =
            Context { method: Method::Get, lookup, settings: settings(flags), accept: None, request_id: None };
        push_fields(text, &Head::of_set_id(&context, site, set as u16));
        words[TEXT_LENGTH] = text.len() as u32;
    });
}

fn settings(flags: u32) -> Settings {
    Settings { deployment_header: flags & FLAG_DEPLOYMENT_HEADER != 0 }
}

fn answer(record: u32, site: u32, length: u32, flags: u32, failure: Option<Failure>) -> u32 {
    with(|state| {
        let State { input, records, sites, text, words, .. } = state;
        text.clear();
        *words = [0; WORDS];
        words[HEADER_SET] = NO_SET;
        words[STEM_LENGTH] = STEM_IN_TEXT;
        let lookup = match (record, records.get(record)) {
            (_, Some(record)) => Lookup::Found { record, site: sites.get(site) },
            (UNKNOWN, _) => Lookup::Unknown,
            (UNAVAILABLE, _) => Lookup::Unavailable,
            _ => Lookup::Damaged,
        };
        let method = match flags & METHOD_MASK {
            0 => Method::Get,
            1 => Method::Head,
            2 => Method::Options,
            _ => Method::Other,
        };
        let lines = input.get(..length as usize).and_then(|input| core::str::from_utf8(input).ok()).unwrap_or_default();
        let request = read_request(method, flags & FLAG_SECURE != 0, lines);
        let decision = match failure {
            None => crate::decision::decide(&lookup, &request, &settings(flags)),
            Some(failure) => crate::decision::fail(failure, &lookup, &request, &settings(flags)),
        };
        write(&decision, words, text);
        words[TEXT_LENGTH] = text.len() as u32;
        words[KIND]
    })
}

fn read_request(method: Method, secure: bool, lines: &str) -> Request<'_> {
    let (target, mut rest) = split_once(lines, b'\n').unwrap_or((lines, ""));
    let mut request = Request::new(method, "", target);
    request.secure = secure;
    while let Some((line, after)) = split_once(rest, b'\n') {
        rest = after;
        let Some((kind, value)) = line.as_bytes().first().zip(line.get(1..)) else {
            continue;
        };
        let field = match kind {
            b'h' => {
                request.host = value;
                continue;
            }
            b'a' => &mut request.accept,
            b'e' => &mut request.accept_encoding,
            b'm' => &mut request.fetch_mode,
            b'o' => &mut request.connection,
            b's' => &mut request.conditions.if_match,
            b'd' => &mut request.conditions.if_modified_since,
            b'n' => &mut request.conditions.if_none_match,
            b'u' => &mut request.conditions.if_unmodified_since,
            b'g' => &mut request.if_range,
            b'r' => &mut request.range,
            b'c' => &mut request.client_address,
            b'y' => &mut request.country,
            b'f' => &mut request.form,
            b'w' => &mut request.method_name,
            b'i' => &mut request.id,
            b'p' => &mut request.fetch_dest,
            _ => {
                read_more(&mut request, *kind, value);
                continue;
            }
        };
        *field = Some(value);
    }
    request
}

/// What only some sites look at.
#[inline(never)]
fn read_more<'a>(request: &mut Request<'a>, kind: u8, value: &'a str) {
    match kind {
        b't' => request.now = read_decimal(value),
        b'x' => request.random = read_decimal(value).map(|number| number as u32),
        kind => match (kind, split_once(value, b':')) {
            (b'=', Some((name, value))) => request.header(name, value),
            (b'+', Some((name, value))) => request.named_field(name, value),
            _ => {}
        },
    }
}

const SERVE: u32 = 1;
const PROBE: u32 = 2;
const PROXY: u32 = 3;
const ANSWER: u32 = 4;
const READ_FORM: u32 = 5;
const SHARD: u32 = 6;

fn write(decision: &Decision<'_>, words: &mut [u32; WORDS], text: &mut String) {
    match decision {
        Decision::Serve(serve) => {
            words[KIND] = SERVE;
            let coding = serve.object.coding.map_or(0, |coding| coding as u32);
            words[FORM] = u32::from(serve.with_body) | coding << 3;
            if let Some(range) = serve.range {
                words[RANGE_START] = range.start as u32;
                words[RANGE_END] = range.end as u32 + 1;
            }
            match &serve.object {
                ObjectKey { stem: Cow::Borrowed(stem), suffix, .. } => {
                    words[STEM_LENGTH] = stem.len() as u32;
                    words[FORM] |= match suffix.len() {
                        0 => 0,
                        5 => 1 << 1,
                        _ => 2 << 1,
                    };
                }
                object => push_line(text, &object.url_path()),
            }
            write_head(&serve.head, words, text);
        }
        Decision::Shard(number) => {
            words[KIND] = SHARD;
            words[STATUS] = *number;
        }
        Decision::NotModified(head) | Decision::Redirect(head) => {
            words[KIND] = ANSWER;
            write_head(head, words, text);
        }
        Decision::ReadForm { limit } => {
            words[KIND] = READ_FORM;
            words[SIZE] = *limit as u32;
        }
        Decision::Refuse { head, body } => {
            words[KIND] = ANSWER;
            write_head(head, words, text);
            text.push_str(body);
        }
        Decision::Probe(probe) => write_probe(probe, words, text),
        Decision::Proxy(proxy) => write_proxy(proxy, words, text),
    }
}

#[inline(never)]
fn write_probe(probe: &Probe<'_>, words: &mut [u32; WORDS], text: &mut String) {
    words[KIND] = PROBE;
    words[FORM] = u32::from(probe.with_body);
    for candidate in &probe.candidates {
        words[STATUS] = candidate.head.status.into();
        push_line(text, &candidate.object.url_path());
        push_fields(text, &candidate.head);
        text.push('\n');
    }
    if let Decision::Refuse { head, body } = &*probe.missing {
        words[SIZE] = head.status.into();
        text.push('\n');
        push_fields(text, head);
        text.push('\n');
        text.push_str(body);
    }
}

#[inline(never)]
fn write_proxy(proxy: &Proxy<'_>, words: &mut [u32; WORDS], text: &mut String) {
    words[KIND] = PROXY;
    words[FORM] = proxy.images_only.into();
    push_line(text, &proxy.url);
    proxy.remove_request_headers.iter().for_each(|name| push_line(text, name));
    text.push('\n');
    proxy.set_request_headers.iter().for_each(|(name, value)| push_field(text, name, value));
    text.push('\n');
    proxy.remove_response_headers.iter().for_each(|name| push_line(text, name));
    text.push('\n');
    push_fields(text, &proxy.head);
    text.push('\n');
}

/// Writes a head into the words, and into the text what they can't say.
fn write_head(head: &Head<'_>, words: &mut [u32; WORDS], text: &mut String) {
    words[STATUS] = head.status.into();
    words[SIZE] = head.content_length.map_or(u32::MAX, |length| length as u32);
    match (head.set_id(), head.entity_tag) {
        (Some(set), Some(tag)) => {
            words[HEADER_SET] = set.into();
            words[TAG_HIGH] = (tag.content >> 32) as u32;
            words[TAG_LOW] = tag.content as u32;
        }
        _ => {
            push_fields(text, head);
            text.push('\n');
        }
    }
}

fn push_fields(text: &mut String, head: &Head<'_>) {
    head.for_each_header(|name, value| push_field(text, name, value));
}

fn push_field(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push(':');
    push_line(text, value);
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
