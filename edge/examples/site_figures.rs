//! Prints what a site blob costs, and looks for wrong answers, for `scripts/bench edge-site`.
//!
//!     site_figures FILES PATHS
//!
//! A line each: bytes a file in a site of so many, how many files fit one value of the edge KV, and how many of the files and
//! of so many random paths are answered wrongly.

use miaobu_edge::Site;
use miaobu_edge::build::{KV_VALUE_LIMIT, SiteBuilder, SiteSettings};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::error::Error;

const FOLDERS: [&str; 6] = ["assets", "blog", "docs/guide", "docs/reference", "static/images", "product"];
const ENDINGS: [&str; 6] = [".js", ".html", "/index.html", ".css", ".png", ".json"];

/// The path of a file, 30 bytes long or so.
fn path(number: u64) -> String {
    let mixed = mix(number);
    let (folder, ending) = (FOLDERS[(mixed % 6) as usize], ENDINGS[(mixed / 6 % 6) as usize]);
    format!("/{folder}/part-{:06x}-{number}{ending}", mixed >> 40)
}

/// A bijection that scatters.
fn mix(number: u64) -> u64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0x7fb5_d329_728e_a185);
    (mixed ^ mixed >> 27).wrapping_mul(0x81da_def4_bc2d_d44d)
}

fn build(files: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    for number in 0..files {
        builder.file(&path(number), &Sha256::digest(number.to_le_bytes()).into(), number)?;
    }
    Ok(builder.finish()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(files), Some(paths)) = (arguments.next().transpose()?, arguments.next().transpose()?) else {
        return Err("usage: site_figures FILES PATHS".into());
    };
    let blob = build(files)?;
    println!("bytes {:.2}", blob.len() as f64 / files as f64);
    let mut fitting = KV_VALUE_LIMIT as u64 * files / blob.len() as u64;
    while build(fitting)?.len() > KV_VALUE_LIMIT {
        fitting -= 100;
    }
    println!("fitting {fitting}");
    let site = Site::load(blob)?;
    let known: HashMap<String, u64> = (0..files).map(|number| (path(number), number)).collect();
    let is_right = |path: &str| site.file(path).map(|file| file.size) == known.get(path).copied();
    let mut wrong = known.keys().filter(|path| !is_right(path)).count();
    // Random, but the same each time; some are files, and some but for a sign.
    wrong += (0..paths).filter(|number| !is_right(&path(mix(number + files) % (files * 50)))).count();
    println!("wrong {wrong}");
    Ok(())
}
