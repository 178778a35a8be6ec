//! The core as a WASM module, for the shim in `edge/shim`.
//!
//! Only `u32` crosses the boundary: strings and objects would cost several times what a decision does. The shim writes a
//! request into [`input`]'s memory, calls [`decide`], and reads words from [`words`] and, where a decision needs any,
//! text from [`text`]. The layouts stand at the functions; `edge/shim/core.js` is the other end.

mod answers;
mod loading;
#[cfg(feature = "look-up")]
mod look_up;
mod ordinary;
mod request;
mod slots;

use self::slots::Slots;
use crate::decision::Settings;
use crate::head::Head;
use crate::record::RouteRecord;
use crate::site::Site;
use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;

const METHOD_MASK: u32 = 3;
const FLAG_SECURE: u32 = 1 << 2;
const FLAG_DEPLOYMENT_HEADER: u32 = 1 << 3;

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
/// Of an ordinary answer that is no file: the header rules that apply, a bit each.
const RULES: usize = 11;
const WORDS: usize = 12;

// Kinds of decisions.
const SERVE: u32 = 1;
const PROBE: u32 = 2;
const PROXY: u32 = 3;
const ANSWER: u32 = 4;
const READ_FORM: u32 = 5;
const SHARD: u32 = 6;

struct State {
    input: Vec<u8>,
    words: [u32; WORDS],
    text: String,
    records: Slots<RouteRecord>,
    sites: Slots<Site>,
}

thread_local! {
    static STATE: RefCell<State> = const {
        RefCell::new(State {
            input: Vec::new(),
            words: [0; WORDS],
            text: String::new(),
            records: Slots::new(),
            sites: Slots::new(),
        })
    };
}

impl State {
    fn lines(&self, length: u32) -> &str {
        self.input.get(..length as usize).and_then(|input| core::str::from_utf8(input).ok()).unwrap_or_default()
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
/// and low half, length of the text, start and end of the range, and header rules.
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

fn settings(flags: u32) -> Settings {
    Settings { deployment_header: flags & FLAG_DEPLOYMENT_HEADER != 0 }
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
