//! Look-ups in a loop, for the benchmark that tells what one takes: calls across the boundary would take longer.

use super::{State, with};
use crate::site::format::Class;
use wasm_bindgen::prelude::wasm_bindgen;

/// Looks the stems in the input, a line each, up in a site so many times; returns how many files that found.
#[wasm_bindgen]
pub fn look_up(site: u32, length: u32, rounds: u32) -> u32 {
    with(|state| {
        let State { input, sites, .. } = state;
        let lines = input.get(..length as usize).and_then(|input| core::str::from_utf8(input).ok()).unwrap_or_default();
        let stems: Vec<&str> = lines.split('\n').collect();
        let Some(site) = sites.get(site) else { return 0 };
        let mut found = 0;
        for _ in 0..rounds {
            for stem in &stems {
                found += u32::from(site.look(stem).of(Class::Exact).is_some());
            }
        }
        found
    })
}
