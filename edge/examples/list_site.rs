//! Makes a site blob and a route record of a list of files that need not be there, for benchmarks.
//!
//!     list_site FOLDER
//!
//! `FOLDER/files` has a line for each file: path, SHA-256, size, and the sizes of its forms in brotli, zstd and gzip, 0 for none,
//! a space between. `FOLDER/_redirects` and `FOLDER/_headers` are heeded. Writes `FOLDER/site` and `FOLDER/record`.

use miaobu_edge::RouteRecord;
use miaobu_edge::build::config::{ConfigFile, configure};
use miaobu_edge::build::{SiteBuilder, SiteFile, SiteSettings};
use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: list_site FOLDER")?;
    let (redirects, headers) =
        (fs::read_to_string(format!("{folder}/_redirects"))?, fs::read_to_string(format!("{folder}/_headers"))?);
    let texts =
        [ConfigFile { path: "/_redirects", text: &redirects }, ConfigFile { path: "/_headers", text: &headers }];
    let configured = configure(&texts, SiteSettings::default());
    if let Some(diagnostic) = configured.diagnostics.first() {
        return Err(diagnostic.to_string().into());
    }
    let mut builder = SiteBuilder::new(configured.settings);
    for line in fs::read_to_string(format!("{folder}/files"))?.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [path, sha256, size, brotli, zstd, gzip] = words.as_slice() else {
            return Err(format!("not a file: {line}").into());
        };
        let mut hash = [0; 32];
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(sha256.get(index * 2..index * 2 + 2).ok_or("a hash is too short")?, 16)?;
        }
        let coded_sizes = [brotli.parse()?, zstd.parse()?, gzip.parse()?];
        builder.add(&SiteFile {
            path,
            sha256: &hash,
            size: size.parse()?,
            coded_sizes,
            link: None,
            retained: false,
        })?;
    }
    fs::write(format!("{folder}/site"), builder.finish()?)?;
    let mut record = RouteRecord::of_static("bench", "projects/bench/1", 1);
    record.site = Some("d-1".to_owned());
    fs::write(format!("{folder}/record"), record.to_json())?;
    Ok(())
}
