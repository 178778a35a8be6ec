use super::{MAX_PINS, Pin, Split, Variant, WHOLE, choose, has_hashed, misses};
use crate::build::{SiteBuilder, SiteSettings};
use crate::decision::{Lookup, Settings, decide};
use crate::record::{Kind, RouteRecord};
use crate::request::{Method, Request};
use crate::site::Site;
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;

fn split(share: u64) -> String {
    Split { variant: Variant { deployment_id: 43, site: "d-43-r" }, share, id: 3 }.to_text()
}

fn record(share: u64) -> RouteRecord {
    RouteRecord {
        site: Some("d-42".to_owned()),
        split: split(share),
        ..RouteRecord::of_static("docs", "projects/docs/42", 42)
    }
}

fn pinning() -> RouteRecord {
    let pins = [(41, "d-41", NOW + 1), (40, "d-40-r", NOW), (43, "d-43-r", NOW + 9)];
    let pins = pins.map(|(deployment_id, site, until)| Pin { variant: Variant { deployment_id, site }, until });
    RouteRecord { pins: Pin::all_to_text(&pins), ..record(0) }
}

fn request<'a>(target: &'a str, fields: &[(&str, &'a str)]) -> Request<'a> {
    let mut request = Request::new(Method::Get, "docs.localhost", target);
    request.now = Some(NOW);
    fields.iter().for_each(|(name, value)| request.header(name, value));
    request
}

fn drawn<'a>(random: u32, mut request: Request<'a>) -> Request<'a> {
    request.random = Some(random);
    request
}

fn site(files: &[&str]) -> Site {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    for (index, file) in files.iter().enumerate() {
        builder.file(file, &[index as u8 + 1; 32], 100).expect("a file");
    }
    Site::load(builder.finish().expect("a blob")).expect("a site")
}

fn headers(record: &RouteRecord, site: &Site, request: &Request<'_>) -> Vec<String> {
    let lookup = Lookup::Found { record, site: Some(site) };
    let decision = decide(&lookup, request, &Settings::default());
    let mut lines = Vec::new();
    decision.head().expect("a head").for_each_header(|name, value| lines.push(format!("{name}: {value}")));
    lines
}

#[test]
fn shares_are_exact_over_all_lots() {
    for share in [0, 1, 100, 2_500, 5_000, 9_999, WHOLE] {
        let record = record(share);
        let second =
            (0..10_000u32).filter(|random| choose(&record, &drawn(*random, request("/", &[]))) == Some(0)).count();
        assert_eq!(second as u64, share);
    }
}

#[test]
fn a_visitor_stays_on_one_side_and_a_larger_share_takes_nobody_back() {
    for lot in 0..10_000 {
        let cookie = format!("x=1; __miaobu_split={lot}");
        let sides = [1_000, 4_000].map(|share| {
            let record = record(share);
            let choices =
                [0, 77, u32::MAX].map(|random| choose(&record, &drawn(random, request("/", &[("cookie", &cookie)]))));
            assert!(choices.iter().all(|choice| *choice == choices[0]), "{lot}");
            choices[0].is_some()
        });
        assert!(!sides[0] || sides[1], "{lot}");
    }
}

#[test]
fn a_callers_key_decides_before_the_cookie() {
    let record = record(5_000);
    let side =
        |key: &str, cookie: &str| choose(&record, &request("/", &[("x-miaobu-split-key", key), ("cookie", cookie)]));
    let seconds = (0..1_000).filter(|user| side(&format!("user-{user}"), "").is_some()).count();
    assert!((430..570).contains(&seconds), "{seconds}");
    for user in 0..50 {
        let key = format!("user-{user}");
        assert!((0..20).all(|lot| side(&key, &format!("__miaobu_split={}", lot * 500)) == side(&key, "")));
    }
}

#[test]
fn answers_of_a_split_are_private_and_hand_out_one_cookie() {
    let (record, site) = (record(5_000), site(&["/index.html", "/_astro/app-B2x_9aZk.js"]));
    let lines = headers(&record, &site, &drawn(20_123, request("/", &[])));
    assert!(lines.contains(&"cache-control: private, max-age=0, must-revalidate".to_owned()), "{lines:?}");
    let cookie = "set-cookie: __miaobu_split=123; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax".to_owned();
    assert!(lines.contains(&cookie), "{lines:?}");
    let set_cookie =
        |request: &Request<'_>| headers(&record, &site, request).iter().any(|line| line.starts_with("set-cookie"));
    assert!(!set_cookie(&request("/", &[("cookie", "__miaobu_split=123")])));
    assert!(!set_cookie(&request("/", &[])), "nothing was drawn");
    let keyed = drawn(1, request("/", &[("x-miaobu-split-key", "u")]));
    assert!(!set_cookie(&keyed));
    for nonsense in ["__miaobu_split=10000", "__miaobu_split=-1", "__miaobu_split=x"] {
        assert!(set_cookie(&drawn(1, request("/", &[("cookie", nonsense)]))), "{nonsense}");
    }
    let script = headers(&record, &site, &drawn(1, request("/_astro/app-B2x_9aZk.js", &[])));
    assert!(script.contains(&"cache-control: public, max-age=31536000, immutable".to_owned()), "{script:?}");
    assert!(!script.iter().any(|line| line.starts_with("set-cookie")), "{script:?}");
}

#[test]
fn a_hashed_file_of_the_other_side_is_found() {
    let (one, two) = (site(&["/index.html", "/a.js"]), site(&["/index.html", "/_astro/app-B2x_9aZk.js", "/b.js"]));
    for (target, missed, hashed) in [
        ("/_astro/app-B2x_9aZk.js", true, true),
        ("/b.js", true, false),
        ("/a.js", false, false),
        ("/", false, false),
        ("/other", false, false),
        ("/other.html", false, false),
    ] {
        let request = request(target, &[]);
        assert_eq!(misses(&record(1), &one, &request), missed, "{target}");
        assert_eq!(has_hashed(&two, &request), hashed, "{target}");
    }
    assert!(!misses(&pinning_without_split(), &one, &request("/b.js", &[])));
}

fn pinning_without_split() -> RouteRecord {
    RouteRecord { split: String::new(), ..pinning() }
}

#[test]
fn pins_lead_to_deployments_that_are_accepted_and_young() {
    let navigation = ("sec-fetch-mode", "navigate");
    let page = ("accept", "text/html,*/*");
    for (target, fields, expected) in [
        ("/app.js?dpl=41", &[][..], Some(1)),
        ("/app.js?x&dpl=41", &[], Some(1)),
        ("/app.js", &[("x-deployment-id", "41")], Some(1)),
        ("/app.js", &[("cookie", "a=b; __vdpl=41")], Some(1)),
        ("/app.js?dpl=43", &[], Some(3)),
        // Too old, unknown, its own, nonsense.
        ("/app.js?dpl=40", &[], None),
        ("/app.js?dpl=7", &[], None),
        ("/app.js?dpl=42", &[], None),
        ("/app.js?dpl=41x", &[], None),
        ("/app.js?dpl=", &[], None),
        ("/app.js?xdpl=41", &[], None),
        ("/app.js", &[("x-deployment-id", "-41")], None),
        // What is not accepted is ignored, and the next sign counts.
        ("/app.js?dpl=7", &[("x-deployment-id", "41")], Some(1)),
        ("/app.js?dpl=42", &[("x-deployment-id", "41")], None),
        // Navigations heed only the cookie.
        ("/?dpl=41", &[navigation], None),
        ("/?dpl=41", &[page], None),
        ("/", &[navigation, ("x-deployment-id", "41")], None),
        ("/", &[navigation, ("cookie", "__vdpl=41")], Some(1)),
    ] {
        assert_eq!(choose(&pinning(), &request(target, fields)), expected, "{target} {fields:?}");
    }
    let mut timeless = request("/a.js?dpl=41", &[]);
    timeless.now = None;
    assert_eq!(choose(&pinning(), &timeless), None);
    assert_eq!(choose(&record(0), &request("/a.js?dpl=41", &[])), None);
    let function = RouteRecord { kind: Kind::Node, ..pinning() };
    assert_eq!(choose(&function, &request("/a.js?dpl=41", &[])), None);
}

#[test]
fn a_pin_goes_before_the_split() {
    let record = RouteRecord { split: split(WHOLE), ..pinning() };
    assert_eq!(choose(&record, &drawn(1, request("/a.js", &[]))), Some(0));
    assert_eq!(choose(&record, &drawn(1, request("/a.js?dpl=42", &[]))), None);
    assert_eq!(choose(&record, &drawn(1, request("/a.js?dpl=41", &[]))), Some(1));
}

#[test]
fn answers_vary_by_what_can_pin_them() {
    let lines = headers(&pinning_without_split(), &site(&["/index.html"]), &request("/", &[]));
    assert!(lines.contains(&"vary: X-Deployment-Id, Cookie".to_owned()), "{lines:?}");
}

#[test]
fn a_variant_is_a_deployment_of_the_same_project() {
    let record = pinning();
    let variant = record.variant(2).unwrap();
    assert_eq!((variant.oss_path.as_str(), variant.deployment_id), ("projects/docs/40", 40));
    assert_eq!((variant.site.as_deref(), variant.project_slug.as_str()), (Some("d-40-r"), "docs"));
    assert_eq!(variant.pins, record.pins);
    assert_eq!(record.variant(0).map(|variant| variant.deployment_id), Some(43));
    assert_eq!((record.variant(4), pinning_without_split().variant(0)), (None, None));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(id: u64, share: u64, deployment_id: u64, site in "[a-z0-9_-]{1,12}", until: u64, count in 1usize..=MAX_PINS) {
        let variant = Variant { deployment_id, site: &site };
        let split = Split { id, share, variant };
        let written = split.to_text();
        prop_assert_eq!(Split::parse(&written), Some(split));
        let pins = vec![Pin { variant, until }; count];
        let text = Pin::all_to_text(&pins);
        prop_assert!(Pin::parse_all(&text).eq(pins.iter().copied().map(Some)));
        let record = RouteRecord { split: written, pins: text, ..RouteRecord::of_static("docs", "projects/docs/42", 42) };
        prop_assert_eq!(RouteRecord::parse(record.to_json().as_bytes()), Ok(record));
    }

    #[test]
    fn any_text_is_a_split_and_pins_or_none(split in "[0-9a-z ,.-]{0,24}", pins in "[0-9a-z ,.-]{0,24}") {
        let record = RouteRecord { split, pins, ..record(0) };
        let _ = choose(&record, &drawn(1, request("/a.js?dpl=1", &[])));
        prop_assert!((0..5).filter_map(|number| record.variant(number)).all(|variant| variant.oss_path.starts_with("projects/docs/")));
    }
}
