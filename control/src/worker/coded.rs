//! Files in other codings.

use std::io::{self, Write as _};

use brotli::enc::BrotliEncoderParams;
use miaobu_edge::Coding;
use miaobu_edge::build::content_type;

/// Shorter files fit a packet in any form.
pub(super) const SHORTEST_BYTES: u64 = 1024;

/// Longer ones would take the memory of all the others.
pub(super) const LONGEST_BYTES: u64 = 32 * 1024 * 1024;

/// Above these levels a byte costs several times what it saves: on pages of the Rust documentation, and scripts, levels
/// 5, 5 and 6 leave 15 to 17 % at 25, 65 and 45 MB/s.
const BROTLI_LEVEL: i32 = 5;
const ZSTD_LEVEL: i32 = 5;
const GZIP_LEVEL: u32 = 6;

/// Whether files with this name gain from a coding: text, and the few other types that are not compressed already.
pub(super) fn gains(path: &str) -> bool {
    let content_type = content_type(path);
    let name = content_type.split(';').next().unwrap_or_default();
    let (kind, subtype) = name.split_once('/').unwrap_or((name, ""));
    let text = matches!(
        subtype,
        "json" | "javascript" | "xml" | "wasm" | "rtf" | "x-sh" | "x-tex" | "x-ndjson" | "vnd.ms-fontobject"
    );
    kind == "text"
        || subtype.ends_with("+json")
        || subtype.ends_with("+xml")
        || kind == "application" && text
        || kind == "font" && matches!(subtype, "ttf" | "otf")
        || kind == "image" && matches!(subtype, "bmp" | "x-icon" | "vnd.microsoft.icon")
}

/// Whether a file with this name is a page.
pub(super) fn is_page(path: &str) -> bool {
    content_type(path).starts_with("text/html")
}

/// Returns `content` in a coding.
pub(super) fn encode(coding: Coding, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut coded = Vec::new();
    match coding {
        Coding::Brotli => {
            let params = BrotliEncoderParams {
                quality: BROTLI_LEVEL,
                // A window beyond the content is only memory (RFC 7932, section 9.1: 16 bytes less than the power of two).
                lgwin: (content.len() + 16).next_power_of_two().ilog2().clamp(16, 22) as i32,
                size_hint: content.len(),
                ..BrotliEncoderParams::default()
            };
            brotli::BrotliCompress(&mut &content[..], &mut coded, &params)?;
        }
        Coding::Zstd => {
            coded.reserve(zstd_safe::compress_bound(content.len()));
            let failed = |code| io::Error::other(zstd_safe::get_error_name(code));
            zstd_safe::compress(&mut coded, content, ZSTD_LEVEL).map_err(failed)?;
        }
        Coding::Gzip => {
            let level = flate2::Compression::new(GZIP_LEVEL);
            let mut encoder = flate2::write::GzEncoder::new(coded, level);
            encoder.write_all(content)?;
            coded = encoder.finish()?;
        }
    }
    Ok(coded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_gains_and_what_is_compressed_does_not() {
        for path in ["a.html", "a.js", "a.css", "a.svg", "a.json", "a.map", "a.wasm", "a.xml", "a.txt", "a.webmanifest"]
        {
            assert!(gains(path), "{path}");
        }
        for path in ["a.png", "a.jpg", "a.woff2", "a.zip", "a.mp4", "a.pdf", "a", "a.br"] {
            assert!(!gains(path), "{path}");
        }
    }

    #[test]
    fn each_coding_gives_the_content_back() {
        let content = b"the same words again and again, ".repeat(500);
        let coded = |coding| encode(coding, &content).expect("encoded");
        let mut brotli = Vec::new();
        brotli::BrotliDecompress(&mut &coded(Coding::Brotli)[..], &mut brotli).expect("brotli");
        let mut gzip = Vec::new();
        io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&coded(Coding::Gzip)[..]), &mut gzip).expect("gzip");
        let mut zstd = Vec::with_capacity(content.len());
        zstd_safe::decompress(&mut zstd, &coded(Coding::Zstd)).expect("zstd");
        for decoded in [brotli, gzip, zstd] {
            assert!(decoded == content);
        }
        assert!(Coding::ALL.into_iter().all(|coding| coded(coding).len() < content.len() / 20));
    }
}
