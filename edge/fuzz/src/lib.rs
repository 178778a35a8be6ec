//! What must hold whatever bytes come: one function a target.
//!
//! Each takes bytes and panics when something that must hold does not. The fuzzer looks for such bytes; the tests of the
//! edge crate run the same functions over the corpus, so that what was found once stays found.

mod answers;
mod fields;
mod protection;
mod record;
mod request;
mod rules;
mod shards;
mod site;
mod sites;
mod variants;

pub use fields::fields;
pub use protection::protection;
pub use record::record;
pub use request::request;
pub use rules::{config, headers, redirects, route_tables};
pub use shards::shards;
pub use site::site;
pub use variants::variants;

/// What is run on bytes.
type Target = fn(&[u8]);

/// Every target under the name of its corpus.
pub const TARGETS: [(&str, Target); 11] = [
    ("config", config),
    ("fields", fields),
    ("headers", headers),
    ("protection", protection),
    ("record", record),
    ("redirects", redirects),
    ("request", request),
    ("route_tables", route_tables),
    ("shards", shards),
    ("site", site),
    ("variants", variants),
];

/// The first byte, which chooses, and the rest.
fn choose(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| ((*first).into(), rest))
}
