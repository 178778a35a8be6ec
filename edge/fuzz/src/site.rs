//! Damaged and forged site blobs.

use super::sites::blobs;
use miaobu_edge::build::seal;
use miaobu_edge::record::RouteRecord;
use miaobu_edge::{Decision, Lookup, Method, Request, Settings, Site, decide};
use std::sync::OnceLock;

/// The first byte chooses: 255 takes the rest as a blob, others a sample of ours, into which the rest is written as
/// patches: two bytes of place, one of length, and so many bytes. Either gets a right checksum, as a forger would make it.
pub fn site(data: &[u8]) {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let samples = SAMPLES.get_or_init(|| blobs().collect());
    let (choice, rest) = super::choose(data);
    let blob = if choice == 255 { rest.to_vec() } else { patched(&samples[choice % samples.len()], rest) };
    let _ = Site::load(blob.clone());
    let Some(site) = seal_and_load(blob) else { return };
    let record =
        RouteRecord { site: Some("d-42".to_owned()), ..RouteRecord::of_static("docs", "projects/docs/42", 42) };
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    for (target, accept) in [
        ("/", "text/html"),
        ("/about?a=b", "*/*"),
        ("/old/1/2", ""),
        ("/blog/nowhere", "text/html"),
        ("/api/x", ""),
        ("/assets/app-B2x_9aZq.js", ""),
        ("/show/a", ""),
    ] {
        let mut request = Request::new(Method::Get, "docs.localhost", target);
        request.header("accept", accept);
        request.header("accept-encoding", "br, gzip");
        request.header("range", "bytes=0-9");
        if let Decision::Serve(serve) = decide(&lookup, &request, &Settings::default()) {
            let key = serve.object.key();
            assert!(key.starts_with("projects/docs/42/") || key.starts_with("projects/docs/42."), "{key}");
            serve.head.for_each_header(|_, _| {});
        }
    }
}

/// A blob with patches written into it.
pub fn patched(blob: &[u8], mut patches: &[u8]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    while let [low, high, length, after @ ..] = patches {
        let (bytes, after) = after.split_at(after.len().min((*length).into()));
        let at = usize::from(u16::from_le_bytes([*low, *high])) % blob.len();
        let end = blob.len().min(at + bytes.len());
        blob[at..end].copy_from_slice(&bytes[..end - at]);
        patches = after;
    }
    blob
}

/// What a forger's blob, whose checksum is right, is read as.
pub fn seal_and_load(mut blob: Vec<u8>) -> Option<Site> {
    seal(&mut blob);
    Site::load(blob).ok()
}
