//! Sites in parts: what the parts answer is what the whole does, and what damage does to one.

use super::answers::check;
use super::site::{patched, seal_and_load};
use miaobu_edge::build::config::{ConfigFile, configure};
use miaobu_edge::build::{Blobs, SiteBuilder, SiteSettings};
use miaobu_edge::record::{RouteRecord, site_key};
use miaobu_edge::{Decision, Lookup, Method, Request, Settings, Site, decide};
use std::sync::OnceLock;

const REDIRECTS: &str =
    "/a/1 /x 301!\n/old/7 /f/7 301\n/old/* /older/:splat 302\n/show/:id /f/:id 200\n/lost /a/3 404\n/none /gone 410\n";
const SINGLE_PAGE: &str = r#"{ "not_found": "single_page" }"#;

/// A site as one blob and in parts.
struct Sample {
    whole: Vec<u8>,
    main: Vec<u8>,
    shards: Vec<Vec<u8>>,
}

/// The first byte's lowest bit chooses: with 0 each line of the rest is a target, which the parts have to answer as the
/// whole does; with 1 the rest is patches, as the target `site` takes them, to the part that the second byte names.
pub fn shards(data: &[u8]) {
    let (choice, rest) = super::choose(data);
    let Some(sample) = samples().get(choice >> 1 & 1) else { return };
    if choice & 1 == 0 {
        let Ok(text) = std::str::from_utf8(rest) else { return };
        text.split('\n').filter(|target| target.starts_with('/')).take(8).for_each(|target| alike(sample, target));
    } else {
        damaged(sample, rest);
    }
}

fn alike(sample: &Sample, target: &str) {
    let mut whole = Site::load(sample.whole.clone()).expect("a whole site");
    let mut parts = Site::load(sample.main.clone()).expect("a main blob");
    let (expected, _) = answer(&mut whole, &[], target, check).expect("an answer of the whole");
    let (answered, reads) = answer(&mut parts, &sample.shards, target, check).expect("an answer of the parts");
    assert_eq!(answered, expected, "{target:?}");
    assert!(reads <= 2, "{target:?} takes {reads} shards");
}

fn damaged(sample: &Sample, rest: &[u8]) {
    let (part, patches) = super::choose(rest);
    let mut parts = sample.shards.clone();
    let mut main = sample.main.clone();
    let number = part % (parts.len() + 1);
    let blob = parts.get_mut(number).unwrap_or(&mut main);
    *blob = patched(blob, patches);
    // As the host reads it: whatever does not have the right sum is not taken.
    let _ = Site::load(blob.clone());
    let Some(mut site) = seal_and_load(main) else { return };
    parts.iter_mut().for_each(|part| miaobu_edge::build::seal(part));
    for target in ["/", "/f/7", "/f/7.html", "/old/7", "/old/1/2", "/show/3", "/a/1", "/lost", "/nowhere"] {
        // What forged headers say is nobody's to check.
        let _ = answer(&mut site, &parts, target, |_, _, _| {});
    }
    site.drop_shards();
}

/// The answer of a site, which gets the shards that it asks for, and how many these were; `None` when it is refused one.
fn answer(
    site: &mut Site,
    shards: &[Vec<u8>],
    target: &str,
    check: impl Fn(&RouteRecord, &Lookup<'_>, &Request<'_>),
) -> Option<(String, usize)> {
    let record = RouteRecord { site: Some(site_key(42)), ..RouteRecord::of_static("docs", "projects/docs/42", 42) };
    let mut request = Request::new(Method::Get, "docs.localhost", target);
    request.header("accept", "text/html");
    // Each shard is asked for once.
    for reads in 0..=256 {
        let lookup = Lookup::Found { record: &record, site: Some(site) };
        check(&record, &lookup, &request);
        match decide(&lookup, &request, &Settings::default()) {
            Decision::Shard(number) => {
                if !site.add_shard(shards.get(number as usize)?.clone()) {
                    return None;
                }
            }
            Decision::Serve(serve) => {
                return Some((format!("{} {:?}", serve.object.key(), headers(&serve.head)), reads));
            }
            decision => return Some((decision.head().map(headers).unwrap_or_default(), reads)),
        }
    }
    panic!("{target:?}: no end of shards");
}

fn headers(head: &miaobu_edge::Head<'_>) -> String {
    let mut text = head.status.to_string();
    head.for_each_header(|name, value| text.extend(["\n", name, ": ", value]));
    text
}

fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| [("/_redirects", REDIRECTS), ("/miaobu.json", SINGLE_PAGE)].map(sample).into())
}

fn sample((path, text): (&str, &str)) -> Sample {
    let configured =
        configure(&[ConfigFile { path, text }], SiteSettings { modified: Some(0), ..SiteSettings::default() });
    assert_eq!(configured.diagnostics, [], "a rule of the sample is of no use");
    let mut builder = SiteBuilder::new(configured.settings);
    let pages = ["/index.html", "/404.html", "/a/index.html", "/assets/app-B2x_9aZq.js"].map(str::to_owned);
    let files = (0..60).map(|file| format!("/f/{file}.html")).chain((0..20).map(|file| format!("/a/{file}")));
    for (number, path) in (1_u8..).zip(pages.into_iter().chain(files)) {
        builder.file(&path, &[number; 32], u64::from(number)).expect("a name that can be served");
    }
    let Blobs { whole, shards } = builder.finish_within(1_600).expect("a small site");
    let shards = shards.expect("a site that can be parted");
    assert!(shards.shards.len() > 1, "a site in one part");
    Sample { whole, main: shards.main, shards: shards.shards }
}
