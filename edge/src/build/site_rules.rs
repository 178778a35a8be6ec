//! What a site's rules come to in its blob.

use super::SiteRules;
use super::header_sets::Changes;
use crate::assets::url_of;
use crate::path::push_encoded;
use crate::routed_site::headers_of;
use crate::rules::canonical_path;
use crate::rules::headers::{HeaderRules, State};
use crate::rules::route_table::RouteTable;
use crate::scan::cut;
use crate::site::{Site, format};

impl SiteRules {
    /// The sections and their kinds; those without bytes are left out.
    pub(super) fn sections(&self) -> [(u32, &[u8]); 6] {
        [
            (format::SECTION_REDIRECTS, &self.redirects),
            (format::SECTION_HEADER_RULES, &self.headers),
            (format::SECTION_ROUTES, &self.routes),
            (format::SECTION_FILE_HEADERS, &self.file_headers),
            (format::SECTION_NOT_FOUND_PAGE, self.not_found_page.as_deref().unwrap_or_default().as_bytes()),
            (format::SECTION_FUNCTION_RULES, &self.function_rules),
        ]
    }

    /// The paths that rules answer with, whatever is asked for: those of rewrites that put nothing of a request into them.
    pub(super) fn fixed_targets(&self) -> impl Iterator<Item = String> {
        let rules = self.redirect_source.iter().flat_map(|(rules, _)| rules);
        let rewrites = rules.filter(|rule| rule.status.is_some_and(|status| !(300..400).contains(&status)));
        // Placeholders begin with a colon.
        let fixed = rewrites.filter(|rule| !rule.to.contains(':')).map(|rule| rule.to.clone());
        let routes = RouteTable::load(&self.routes).into_iter().flat_map(RouteTable::fixed_targets);
        fixed.chain(routes).map(|target| cut(cut(&target, b'#').0, b'?').0.to_owned())
    }

    /// Whether any rule changes the headers of files.
    pub(super) fn change_files(&self) -> bool {
        !self.headers.is_empty() && !self.look_at_hosts() || !self.file_headers.is_empty()
    }

    /// Whether header rules can't be worked out for each file because they look at the host.
    pub(super) fn look_at_hosts(&self) -> bool {
        HeaderRules::load(&self.headers).is_some_and(|rules| rules.look_at_hosts())
    }

    /// What rules change of the headers of a file.
    pub(super) fn changes(&self, site: &Site, path: &str) -> Changes {
        let mut changes = Changes::new();
        if let Some(rules) = HeaderRules::load(&self.headers).filter(|rules| !rules.look_at_hosts()) {
            let mut url = String::new();
            push_encoded(&mut url, &url_of(site, path));
            for (name, state) in rules.fields("", &canonical_path(&url)).iter() {
                let value = match state {
                    State::Removed => None,
                    State::Set(value) => Some(value.as_str().to_owned()),
                };
                changes.push((name.to_owned(), value));
            }
        }
        if let Some(table) = RouteTable::load(&self.file_headers) {
            changes.extend(headers_of(table, path).into_iter().map(|header| (header.name, header.value)));
        }
        changes
    }
}
