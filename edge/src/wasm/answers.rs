//! Whole decisions, for any request at all: read, made, and written where the shim reads them.

use super::request::read_request;
use super::{
    ANSWER, FLAG_SECURE, FORM, HEADER_SET, KIND, METHOD_MASK, PROBE, PROXY, RANGE_END, RANGE_START, READ_FORM, SERVE,
    SHARD, SIZE, STATUS, STEM_LENGTH, State, TAG_HIGH, TAG_LOW, TEXT_LENGTH, WORDS, push_field, push_fields, push_line,
    settings, with,
};
use crate::answer::Failure;
use crate::decision::{Decision, Lookup, ObjectKey, Probe, Proxy};
use crate::head::Head;
use crate::request::Method;
use crate::rules::functions::is_blocked_content;
use crate::variants;
use std::borrow::Cow;
use wasm_bindgen::prelude::wasm_bindgen;

/// What stands in place of a record's handle when there is none. Handles begin at 1.
const UNKNOWN: u32 = u32::MAX;
const UNAVAILABLE: u32 = u32::MAX - 1;

const NO_SET: u32 = u32::MAX;
/// In place of the stem's length: the object's path is the text's first line.
const STEM_IN_TEXT: u32 = u32::MAX;

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

/// Tells apart the deployments to which a record leads, for the request in the input. By `question`: 0, which one it gets,
/// 0 for the record's own, else a number for [`load_variant`]; 1, whether the site lacks the file that is looked for and the
/// other side of a split may have it; 2, whether the site has it under a name that carries a hash, or two more than the
/// number of the shard that has to be loaded to say so.
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
