//! Records that lead to more than one deployment: a split between two, and pins of visitors who stay with an older one.
//!
//! A host asks [`choose`] which deployment a request gets, reads that one's site, and decides with its record
//! ([`RouteRecord::variant`]). All of it is of one project: the folder of the files is always beside the record's own.

use crate::content_type::extension;
use crate::decision::{Context, Decision, of_record};
use crate::head::{Head, NO_STORE, REVALIDATE, Source};
use crate::origin::Origin;
use crate::path::Path;
use crate::protection::{self, cookies, set_cookie, value_of};
use crate::record::{Kind, RouteRecord};
use crate::request::Request;
use crate::site::Site;
use crate::text::{contains, decimal, push_decimal, read_decimal, split};

/// The cookie that keeps a visitor on one side of a split.
pub const SPLIT_COOKIE: &str = "__miaobu_split";
/// What shares of a split are parts of.
pub const WHOLE: u64 = 10_000;
/// More pins than this are not read.
pub const MAX_PINS: usize = 20;

/// The header fields that conditional records look at, each after a line feed.
#[cfg(all(target_arch = "wasm32", not(feature = "explain")))]
pub(crate) const FIELD_NAME_LINES: &str =
    "\n=cookie\n=x-deployment-id\n=x-miaobu-bypass\n=x-miaobu-split-key\n=x-vercel-protection-bypass";

const SPLIT_SECONDS: u64 = 30 * 24 * 60 * 60;
const PIN_COOKIE: &str = "__vdpl";
const PIN_PARAMETER: &str = "dpl";

/// A deployment of the record's project, other than the record's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant<'r> {
    /// The deployment.
    pub deployment_id: u64,
    /// The key of its site blob.
    pub site: &'r str,
}

/// A second deployment that a share of the visitors gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'r> {
    /// The second deployment.
    pub variant: Variant<'r>,
    /// How many visitors of ten thousand get it.
    pub share: u64,
    /// The split's id: a new split draws the lots anew.
    pub id: u64,
}

/// A deployment that a visitor may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin<'r> {
    /// The deployment.
    pub variant: Variant<'r>,
    /// From then on it is too old, in seconds since 1970.
    pub until: u64,
}

/// Reads a deployment, its site and the two numbers that follow, with spaces between; the second may be missing.
#[inline(never)]
fn parse(text: &str) -> Option<(Variant<'_>, u64, u64)> {
    let mut fields = split(text, b' ');
    let deployment_id = read_decimal(fields.next()?)?;
    let site = fields.next().filter(|site| !site.is_empty())?;
    let first = read_decimal(fields.next()?)?;
    let second = fields.next().map_or(Some(0), read_decimal)?;
    Some((Variant { deployment_id, site }, first, second))
}

fn write(text: &mut String, variant: Variant<'_>, number: u64) {
    push_decimal(text, variant.deployment_id);
    text.push(' ');
    text.push_str(variant.site);
    text.push(' ');
    push_decimal(text, number);
}

impl<'r> Split<'r> {
    /// Reads what [`Split::to_text`] writes.
    #[must_use]
    pub fn parse(text: &'r str) -> Option<Self> {
        let (variant, share, id) = parse(text)?;
        Some(Self { variant, share, id })
    }

    /// The text that records hold: deployment, site, share and id, with spaces between.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        write(&mut text, self.variant, self.share);
        text.push(' ');
        push_decimal(&mut text, self.id);
        text
    }

    /// Whether the lot falls on the second deployment. A larger share only ever adds lots.
    fn wins(&self, lot: u64) -> bool {
        lot.wrapping_add(self.id.wrapping_mul(6_151)) % WHOLE < self.share
    }
}

/// The lot that a visitor keeps: by the caller's key, else by the cookie.
fn kept_lot(request: &Request<'_>) -> Option<u64> {
    match request.split_key {
        Some(key) => Some(crate::hash::hash(key.as_bytes(), 0) % WHOLE),
        None => cookies(request.cookies, SPLIT_COOKIE).find_map(read_decimal).filter(|lot| *lot < WHOLE),
    }
}

fn lot_by_chance(request: &Request<'_>) -> Option<u64> {
    request.random.map(|random| u64::from(random) % WHOLE)
}

impl<'r> Pin<'r> {
    /// Reads pins, each the deployment, the site and until when, with commas between. What is no pin leads nowhere.
    pub fn parse_all(text: &'r str) -> impl Iterator<Item = Option<Self>> {
        split(text, b',').take(MAX_PINS).map(|text| {
            let (variant, until, _) = parse(text)?;
            Some(Self { variant, until })
        })
    }

    /// The text that records hold.
    #[must_use]
    pub fn all_to_text(pins: &[Self]) -> String {
        let mut text = String::new();
        for pin in pins.iter().take(MAX_PINS) {
            if !text.is_empty() {
                text.push(',');
            }
            write(&mut text, pin.variant, pin.until);
        }
        text
    }
}

impl RouteRecord {
    /// Whether more about a request decides than its host, so that a host has to hand in the time and a random number, and to
    /// ask [`choose`].
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !(self.protection.is_empty() && self.split.is_empty() && self.pins.is_empty())
    }

    /// The record of one of the deployments that [`choose`] names: 0 is the second of its split, others are pins. `None` when
    /// there is none of that number.
    #[must_use]
    #[inline(never)]
    pub fn variant(&self, number: usize) -> Option<Self> {
        let Variant { deployment_id, site } = match number.checked_sub(1) {
            None => Split::parse(&self.split)?.variant,
            Some(number) => Pin::parse_all(&self.pins).nth(number)??.variant,
        };
        let (parent, _) = crate::text::rsplit_once(&self.oss_path, b'/')?;
        let mut variant = self.clone();
        variant.oss_path = [parent, "/", &decimal(deployment_id)].concat();
        variant.deployment_id = i64::try_from(deployment_id).ok()?;
        variant.site = Some(site.to_owned());
        variant.commit_sha.clear();
        Some(variant)
    }
}

/// Which deployment a request gets: `None` for the record's own, else the number of a [`RouteRecord::variant`]. A record of a
/// function has one endpoint, which stands for all deployments: it has no variants, and the API makes it none.
#[must_use]
pub fn choose(record: &RouteRecord, request: &Request<'_>) -> Option<usize> {
    if record.kind != Kind::Static {
        return None;
    }
    if let Some(pinned) = pinned(record, request) {
        return pinned;
    }
    let split = Split::parse(&record.split)?;
    kept_lot(request).or(lot_by_chance(request)).is_some_and(|lot| split.wins(lot)).then_some(0)
}

/// The deployment that the visitor asks for, if it may be asked for: `Some(None)` for the record's own.
fn pinned(record: &RouteRecord, request: &Request<'_>) -> Option<Option<usize>> {
    if record.pins.is_empty() {
        return None;
    }
    let cookie = cookies(request.cookies, PIN_COOKIE).next();
    // A page is for whoever asks for it now; only the site's own cookie says otherwise.
    let signs = if is_navigation(request) {
        [cookie, None, None]
    } else {
        [value_of(request.query(), PIN_PARAMETER), request.pin, cookie]
    };
    for sign in signs {
        let Some(id) = sign.and_then(read_decimal) else { continue };
        if i64::try_from(id) == Ok(record.deployment_id) {
            return Some(None);
        }
        let accepted =
            |pin: &Pin<'_>| pin.variant.deployment_id == id && request.now.is_some_and(|now| now < pin.until);
        if let Some(place) = Pin::parse_all(&record.pins).position(|pin| pin.as_ref().is_some_and(accepted)) {
            return Some(Some(place + 1));
        }
    }
    None
}

fn is_navigation(request: &Request<'_>) -> bool {
    match request.fetch_mode {
        Some(mode) => mode == "navigate",
        None => request.accept.is_some_and(|accept| contains(accept, "text/html")),
    }
}

/// Whether a request looks for a file that `site` lacks and the other side of a split may have.
#[must_use]
pub fn misses(record: &RouteRecord, site: &Site, request: &Request<'_>) -> bool {
    let path = Path::read(request.path());
    !record.split.is_empty()
        && request.method.reads()
        && extension(&path.key).is_some_and(|extension| extension != "html")
        // What lies in a shard that is not at hand is not missing yet.
        && site.wanted_shard(&path.key, false).is_none()
        && site.file(&path.key).is_none()
}

/// Whether `site` has the file under a name that carries a hash, so that it can be no other file than the one looked for.
#[must_use]
pub fn has_hashed(site: &Site, request: &Request<'_>) -> bool {
    site.file(&Path::read(request.path()).key).is_some_and(|file| is_immutable(site, file.header_set))
}

/// The shard that a site has to have before [`has_hashed`] can say what is there; `None` when it has it, or needs none.
#[must_use]
pub fn hashed_shard(site: &Site, request: &Request<'_>) -> Option<u32> {
    site.wanted_shard(&Path::read(request.path()).key, false)
}

fn is_immutable(site: &Site, set: u16) -> bool {
    let mut immutable = false;
    site.for_each_header(set, |name, value| immutable |= name == "cache-control" && contains(value, "immutable"));
    immutable
}

/// What the routine's host asks: see `wasm.rs`.
#[cfg(all(target_arch = "wasm32", not(feature = "explain")))]
#[inline(never)]
pub(crate) fn select(question: u32, record: &RouteRecord, site: Option<&Site>, request: &Request<'_>) -> u32 {
    match (question, site) {
        (1, Some(site)) => misses(record, site, request).into(),
        (2, Some(site)) => match hashed_shard(site, request) {
            Some(shard) => shard + 2,
            None => has_hashed(site, request).into(),
        },
        _ => choose(record, request).map_or(0, |number| number as u32 + 1),
    }
}

/// Decides a request for a conditional record.
#[inline(never)]
pub(crate) fn decide<'a>(
    context: &Context<'a>,
    record: &'a RouteRecord,
    site: Option<&'a Site>,
    request: &Request<'a>,
) -> Decision<'a> {
    if let Some(decision) = protection::decide(context, record, request) {
        return decision.because(Origin::Protection);
    }
    let mut decision = of_record(context, record, site, request);
    if !record.protection.is_empty() {
        decision.for_each_head_mut(&mut |head| head.cache = Some(NO_STORE));
    }
    settle(record, request, &mut decision);
    decision
}

/// Keeps shared caches from giving one visitor's side of a split to all, and the visitor on that side.
fn settle(record: &RouteRecord, request: &Request<'_>, decision: &mut Decision<'_>) {
    if record.split.is_empty() || record.kind != Kind::Static {
        return;
    }
    let new = kept_lot(request).is_none() && pinned(record, request).is_none();
    let lot = lot_by_chance(request).filter(|_| new);
    decision.for_each_head_mut(&mut |head| {
        if keeps_for_all(head) {
            return;
        }
        if head.cache != Some(NO_STORE) {
            head.cache = Some(PRIVATE);
        }
        head.set_cookie = lot.map(|lot| set_cookie(SPLIT_COOKIE, &decimal(lot), SPLIT_SECONDS, request.secure));
    });
}

const PRIVATE: &str = "private, max-age=0, must-revalidate";

/// Whether both sides would give this answer.
fn keeps_for_all(head: &Head<'_>) -> bool {
    let replaced = head.cache.is_some_and(|cache| cache != REVALIDATE);
    matches!(head.source, Source::Site(site, set) if !replaced && is_immutable(site, set))
}

#[cfg(all(test, feature = "build"))]
mod tests;
