//! The header sets of a site: answers differ in few of them, so files share them.

use super::content_type::known_type;
use super::{BuildError, Input, hashed_names::HashedNames};
use crate::head::{REVALIDATE, file_defaults};
use crate::site::format;
use std::collections::HashMap;

/// Past so many sets, a page goes without links of its own rather than that the site could not be served.
const MOST_SETS_WITH_LINKS: usize = 2048;

/// What the core says of a file unless rules do.
const VALIDATORS: [&str; 3] = ["etag", "last-modified", "accept-ranges"];

/// What decides a file's headers.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Traits<'a> {
    content_type: String,
    immutable: bool,
    link: Option<&'a str>,
    changes: &'a [Change],
    retained: bool,
}

/// What header rules set, or remove, of a file's headers.
pub type Changes = Vec<Change>;
/// A name in lower case, and its value; `None` to remove it.
pub type Change = (String, Option<String>);

/// The sets of a site, and which file has which.
pub struct HeaderSets<'a> {
    sets: Vec<Traits<'a>>,
    /// The set of each file, in the order in which files were given.
    pub of_file: Vec<u16>,
}

impl<'a> HeaderSets<'a> {
    /// Assigns sets to `files`, with what rules change of each, if anything.
    pub fn of(files: &[&'a Input], changes: &'a [Changes], unknown_type: Option<&str>) -> Result<Self, BuildError> {
        let mut changes = changes.iter();
        let hashed = HashedNames::among(files.iter().filter(|file| !file.retained).map(|file| file.path.as_str()));
        let mut ids: HashMap<Traits<'a>, usize> = HashMap::new();
        let mut sets = Vec::new();
        let mut of_file = Vec::with_capacity(files.len());
        for file in files {
            let mut traits = Traits {
                content_type: known_type(&file.path)
                    .unwrap_or_else(|| unknown_type.unwrap_or("application/octet-stream").to_owned()),
                immutable: file.retained || hashed.contains(&file.path),
                link: file.link.as_deref(),
                changes: changes.next().map_or(&[], Vec::as_slice),
                retained: file.retained,
            };
            if sets.len() >= MOST_SETS_WITH_LINKS && !ids.contains_key(&traits) {
                traits.link = None;
            }
            of_file.push(*ids.entry(traits).or_insert_with_key(|traits| {
                sets.push(traits.clone());
                sets.len() - 1
            }));
        }
        if sets.len() > usize::from(format::META_SET_MASK) + 1 {
            return Err(BuildError::TooManyHeaderSets);
        }
        let of_file = of_file.into_iter().map(|set| set as u16).collect();
        Ok(Self { sets, of_file })
    }

    /// Whether rules speak of the validators of any file.
    pub fn own_validators(&self) -> bool {
        self.sets.iter().flat_map(|set| set.changes).any(|(name, _)| VALIDATORS.contains(&name.as_str()))
    }

    /// How many sets there are.
    pub fn count(&self) -> usize {
        self.sets.len()
    }

    /// The section of the sets.
    pub fn section(&self) -> Vec<u8> {
        let mut table = (self.sets.len() as u32).to_le_bytes().to_vec();
        let mut bodies = Vec::new();
        let start = 8 + self.sets.len() * 4;
        for set in &self.sets {
            table.extend(((start + bodies.len()) as u32).to_le_bytes());
            set.for_each_header(|name, value| {
                for text in [name, value] {
                    bodies.extend((text.len() as u16).to_le_bytes());
                }
                bodies.extend(name.bytes().chain(value.bytes()));
            });
        }
        table.extend(((start + bodies.len()) as u32).to_le_bytes());
        table.extend(bodies);
        table
    }
}

impl Traits<'_> {
    fn for_each_header(&self, mut visit: impl FnMut(&str, &str)) {
        let cache_control = if self.immutable { "public, max-age=31536000, immutable" } else { REVALIDATE };
        let mut visit_default = |name: &str, value: &str| {
            if !self.changes.iter().any(|(changed, _)| changed == name) {
                visit(name, value);
            }
        };
        if !self.content_type.is_empty() {
            visit_default("content-type", &self.content_type);
        }
        file_defaults(cache_control, &mut visit_default);
        if let Some(link) = self.link {
            visit_default("link", link);
        }
        for (name, value) in self.changes {
            match value {
                Some(value) => visit(name, value),
                // What the core would add has to be taken away.
                None if VALIDATORS.contains(&name.as_str()) => visit(name, ""),
                None => {}
            }
        }
        if self.retained {
            visit("x-robots-tag", "noindex");
        }
    }
}
