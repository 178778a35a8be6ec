//! Records that lead to several deployments.

use super::answers::check;
use super::sites::deployments;
use miaobu_edge::record::{RouteRecord, site_key};
use miaobu_edge::variants::{Pin, SPLIT_COOKIE, Split, WHOLE, choose, has_hashed, misses};
use miaobu_edge::{Kind, Lookup, Method, Request};

const NOW: u64 = 1_000_000;

/// The first byte is what is drawn; then come lines: the split, the pins, the target, then header fields `name:value`. Whichever deployment the request gets, it is one
/// that the record names, of the same project, and one pinned in time; a visitor stays on the side that was drawn.
pub fn variants(data: &[u8]) {
    let (drawn, rest) = data.split_first().map_or((0, data), |(first, rest)| (u32::from(*first), rest));
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (split, pins, target) = (line(), line(), line());
    written_as_read(split, pins);
    let own = RouteRecord {
        site: Some(site_key(42)),
        split: split.to_owned(),
        pins: pins.to_owned(),
        ..RouteRecord::of_static("docs", "projects/docs/42", 42)
    };
    let mut request = Request::new(Method::Get, "docs.localhost", target);
    request.now = Some(NOW);
    request.random = Some(drawn * (u32::MAX / 255));
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        request.header(name, value);
    }
    let chosen = choose(&own, &request);
    assert_eq!(chosen, choose(&own, &request), "two choices for one request");
    assert!(chosen.is_none() || own.is_conditional(), "a choice where there is none");
    let of_function = RouteRecord { kind: Kind::Node, ..own.clone() };
    assert_eq!(choose(&of_function, &request), None, "a function has no variants");
    if let Some(number) = chosen.and_then(|number| number.checked_sub(1)) {
        let pin = Pin::parse_all(pins).nth(number).flatten().expect("a pin that the record has");
        assert!(pin.until > NOW, "{pin:?} is too old");
    }
    let record = chosen.and_then(|number| own.variant(number)).unwrap_or_else(|| own.clone());
    let parent = "projects/docs/";
    assert!(record.oss_path.strip_prefix(parent).is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit())));
    let written = own.to_json();
    assert_eq!(RouteRecord::parse(written.as_bytes()).as_ref(), Ok(&own), "{written}");
    for site in deployments().iter().filter_map(|deployment| deployment.site.as_ref()).take(2) {
        let _ = (misses(&own, site, &request), has_hashed(site, &request));
        check(&record, &Lookup::Found { record: &record, site: Some(site) }, &request);
    }
    stays(&own, &request);
    grows(&own, &request);
}

/// What can be read is written as it is read.
fn written_as_read(split: &str, pins: &str) {
    if let Some(split) = Split::parse(split) {
        assert_eq!(Split::parse(&split.to_text()), Some(split));
    }
    let pins: Vec<_> = Pin::parse_all(pins).flatten().collect();
    let written = Pin::all_to_text(&pins);
    let read: Vec<_> = Pin::parse_all(&written).flatten().collect();
    assert_eq!(read, pins, "{written:?}");
}

/// Whoever comes back with the cookie gets what was drawn, whatever is drawn now.
fn stays(own: &RouteRecord, request: &Request<'_>) {
    let record = RouteRecord { pins: String::new(), ..own.clone() };
    for lot in [0, 1, 4_999, WHOLE - 1] {
        let cookie = format!("{SPLIT_COOKIE}={lot}");
        let sides = [0, lot as u32, u32::MAX].map(|random| {
            let mut request = request.clone();
            request.random = Some(random);
            request.header("cookie", &cookie);
            choose(&record, &request)
        });
        assert!(sides.iter().all(|side| *side == sides[0]), "{cookie}: {sides:?}");
    }
}

/// A larger share takes nobody back.
fn grows(own: &RouteRecord, request: &Request<'_>) {
    let Some(split) = Split::parse(&own.split) else { return };
    let side = |share| {
        let split = Split { share, ..split }.to_text();
        choose(&RouteRecord { split, pins: String::new(), ..own.clone() }, request)
    };
    assert!(side(split.share).is_none() || side(split.share.saturating_add(1)).is_some(), "{}", own.split);
}
