//! Ordinary requests, see [`crate::ordinary`]: what nearly all calls are.

use super::{
    FLAG_SECURE, FORM, HEADER_SET, METHOD_MASK, RULES, SIZE, STATUS, STEM_LENGTH, State, TAG_HIGH, TAG_LOW,
    TEXT_LENGTH, WORDS, push_fields, settings, with,
};
use crate::coding::{Accepted, Coding};
use crate::decision::{Context, Lookup};
use crate::head::{EntityTag, Head, NOT_MODIFIED, set_id};
use crate::ordinary::{self, Answer, Ordinary, Served};
use crate::request::Method;
use crate::site::Site;
use wasm_bindgen::prelude::wasm_bindgen;

/// Whether there is a tag.
const FLAG_TAG: u32 = 1 << 4;
const TAG_CODING_SHIFT: u32 = 5;
/// Whether the words are to say what is served.
const FLAG_TELL: u32 = 1 << 7;
/// Whether to decide what can't be told at a glance, and not what can.
const FLAG_FURTHER: u32 = 1 << 8;

const FILE: u32 = 1;
const REDIRECT: u32 = 2;
const PAGE: u32 = 3;

/// What the Accept-Encoding field in the input comes to, for [`ordinary`].
#[wasm_bindgen]
pub fn codings(length: u32) -> u32 {
    with(|state| Accepted::of(Some(state.lines(length))).0)
}

/// Decides an ordinary request: a GET or HEAD without other conditions than one entity tag, whose halves are `high` and `low`
/// where the flags name one. The input is the target, in ASCII.
///
/// Returns 0 when it is not ordinary, or when the flags don't ask for it and it can't be told at a glance, else what tells the answer from the others of this record and site, together with the
/// word of header rules unless it is a file: 1 for a file, 2 for a redirect, whose location is the text, 3 for the page for
/// missing files; then bit 2 for HEAD, or for a redirect to another site, 3 and 4 the coding, 5 whether the visitor has the
/// file, and above that the number of the file or the status. Of a file the words say, when the flags ask for it, what they
/// say after [`decide`](super::answers::decide).
#[wasm_bindgen]
pub fn ordinary(record: u32, site: u32, length: u32, flags: u32, accepted: u32, high: u32, low: u32) -> u32 {
    with(|state| {
        let State { input, records, sites, text, words, .. } = state;
        let (Some(record), Some(site)) = (records.get(record), sites.get(site)) else { return 0 };
        let target = input.get(..length as usize).unwrap_or_default();
        let tag = EntityTag::of(u64::from(high) << 32 | u64::from(low));
        let coding = Coding::from_number((flags >> TAG_CODING_SHIFT & 3) as u16);
        let held = if flags & FLAG_TAG == 0 { None } else { Some(tag.coded(coding)) };
        let request = Ordinary { target, secure: flags & FLAG_SECURE != 0, accepted: Accepted(accepted), held };
        let number = |coding: Option<Coding>| coding.map_or(0, |coding| coding as u32) << 3;
        let head = (flags & METHOD_MASK) << 2;
        let answer = if flags & FLAG_FURTHER == 0 {
            ordinary::at_a_glance(record, site, &request)
        } else {
            ordinary::further(record, site, &request)
        };
        match answer {
            None => 0,
            Some(Answer::File(served)) => {
                if flags & FLAG_TELL != 0 {
                    tell(words, site, &served, head == 0);
                }
                FILE | head | number(served.coding) | u32::from(served.held) << 5 | served.number << 6
            }
            Some(Answer::Redirect { status, location, rules, external }) => {
                words[TEXT_LENGTH] = location.len() as u32;
                words[RULES] = rules;
                *text = location;
                REDIRECT | u32::from(external) << 2 | u32::from(status) << 6
            }
            Some(Answer::Page { file, coding, rules }) => {
                words[RULES] = rules;
                PAGE | head | number(coding) | file << 6
            }
        }
    })
}

fn tell(words: &mut [u32; WORDS], site: &Site, served: &Served, with_body: bool) {
    let Served { number, coding, held, .. } = *served;
    let Some(file) = site.file_at((0, number)) else { return };
    let size = coding.map_or(Some(file.size), |coding| site.coded_size(&file, coding)).filter(|_| !held);
    let not_modified = if held { NOT_MODIFIED } else { 0 };
    let with_body = u32::from(with_body && !held);
    *words = [0; WORDS];
    words[STATUS] = if held { 304 } else { 200 };
    words[HEADER_SET] = u32::from(set_id(file.header_set, coding, !file.codings.is_empty()) | not_modified);
    words[FORM] = with_body | (served.class as u32) << 1 | coding.map_or(0, |coding| coding as u32) << 3;
    words[STEM_LENGTH] = served.stem_length as u32;
    words[SIZE] = size.map_or(u32::MAX, |size| size as u32);
    words[TAG_HIGH] = (file.entity_tag.content >> 32) as u32;
    words[TAG_LOW] = file.entity_tag.content as u32;
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
        let context = Context {
            method: Method::Get,
            lookup,
            settings: settings(flags),
            accept: None,
            request_id: None,
            secure: true,
        };
        push_fields(text, &Head::of_set_id(&context, site, set as u16));
        words[TEXT_LENGTH] = text.len() as u32;
    });
}
