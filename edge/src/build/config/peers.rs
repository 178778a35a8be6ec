//! `vercel.json`, `firebase.json` and `serve.json`: one of them makes the route table.

use super::Reading;
use crate::rules::{Lowered, Refusal, firebase, serve, vercel};
use crate::site::format::HtmlHandling;

#[derive(Clone, Copy)]
pub(super) enum Peer {
    Vercel,
    Firebase,
    Serve,
}

const PEERS: [(&str, Peer); 3] =
    [("/vercel.json", Peer::Vercel), ("/firebase.json", Peer::Firebase), ("/serve.json", Peer::Serve)];

impl Peer {
    pub(super) fn read(self, text: &str) -> Result<Lowered, Vec<Refusal>> {
        match self {
            Self::Vercel => vercel::read(text),
            Self::Firebase => firebase::read(text).map_err(|refusal| vec![refusal]),
            Self::Serve => serve::read(text).map_err(|refusal| vec![refusal]),
        }
    }
}

impl Reading {
    pub(super) fn peers<'t>(&mut self, text: impl Fn(&str) -> Option<&'t str>) {
        let mut used = None;
        for (path, peer) in PEERS {
            let Some(text) = text(path) else { continue };
            let name = path.trim_start_matches('/');
            if let Some(used) = used {
                let reason = format!("the site has a {used}, so this file is left alone");
                self.refuse(name, [Refusal { line: None, text: String::new(), reason }]);
                continue;
            }
            match peer.read(text) {
                Ok(lowered) => {
                    used = Some(name);
                    if let Some(page) = &lowered.error_page {
                        self.demand_page(name, lowered.error_page_line, "errorPage", page);
                    }
                    self.lowered(name, peer, lowered);
                }
                Err(refused) => self.refuse(name, refused),
            }
        }
    }

    fn lowered(&mut self, name: &str, peer: Peer, lowered: Lowered) {
        let (routes, refused) = lowered.table();
        self.refuse(name, refused);
        let (rooted, decoded) = (lowered.rooted, lowered.decoded);
        let file_headers = Lowered { routes: lowered.file_headers, rooted, decoded, ..Lowered::default() };
        let (file_headers, refused) = file_headers.table();
        self.refuse(name, refused);
        let rules = &mut self.settings.rules;
        rules.routes = routes.unwrap_or_default();
        rules.file_headers = file_headers.unwrap_or_default();
        rules.not_found_page = lowered.error_page.or(rules.not_found_page.take());
        self.settings.html_handling = html_handling(peer, lowered.clean_urls, lowered.trailing_slash);
        self.settings.clean_folders |= matches!(peer, Peer::Firebase) && lowered.clean_urls;
        self.settings.single_slashes |= match peer {
            Peer::Vercel => true,
            Peer::Serve => lowered.trailing_slash.is_some(),
            Peer::Firebase => false,
        };
        self.settings.refuse_undecodable |= matches!(peer, Peer::Serve);
        if matches!(peer, Peer::Firebase) {
            (self.settings.temporary_redirects, self.settings.moved_redirects) = (false, true);
        }
    }
}

/// How the peer finds pages. Where its routes redirect to clean URLs, files do not.
fn html_handling(peer: Peer, clean_urls: bool, trailing_slash: Option<bool>) -> HtmlHandling {
    match (peer, clean_urls, trailing_slash) {
        (Peer::Vercel | Peer::Serve, true, _) => HtmlHandling::OpenPages,
        (Peer::Vercel | Peer::Serve, false, _) => HtmlHandling::Open,
        (Peer::Firebase, true, None) => HtmlHandling::Auto,
        (Peer::Firebase, true, Some(true)) => HtmlHandling::Force,
        (Peer::Firebase, true, Some(false)) => HtmlHandling::Drop,
        (Peer::Firebase, false, Some(false)) => HtmlHandling::FoldersWithoutSlash,
        (Peer::Firebase, false, _) => HtmlHandling::Folders,
    }
}
