//! `vercel.json`, `firebase.json` and `serve.json`: one of them makes the route table.

use super::Reading;
use crate::rules::{Lowered, Refusal, firebase, serve, vercel};
use crate::site::format::HtmlHandling;

#[derive(Clone, Copy)]
enum Peer {
    Vercel,
    Firebase,
    Serve,
}

const PEERS: [(&str, Peer); 3] =
    [("/vercel.json", Peer::Vercel), ("/firebase.json", Peer::Firebase), ("/serve.json", Peer::Serve)];

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
            let read = match peer {
                Peer::Vercel => vercel::read(text),
                Peer::Firebase => firebase::read(text).map_err(|refusal| vec![refusal]),
                Peer::Serve => serve::read(text).map_err(|refusal| vec![refusal]),
            };
            match read {
                Ok(lowered) => {
                    used = Some(name);
                    self.lowered(name, peer, lowered);
                }
                Err(refused) => self.refuse(name, refused),
            }
        }
    }

    fn lowered(&mut self, name: &str, peer: Peer, lowered: Lowered) {
        let (routes, refused) = lowered.table();
        self.refuse(name, refused);
        let file_headers = Lowered { routes: lowered.file_headers, rooted: lowered.rooted, ..Lowered::default() };
        let (file_headers, refused) = file_headers.table();
        self.refuse(name, refused);
        let rules = &mut self.settings.rules;
        rules.routes = routes.unwrap_or_default();
        rules.file_headers = file_headers.unwrap_or_default();
        rules.not_found_page = lowered.error_page.or(rules.not_found_page.take());
        self.settings.html_handling = html_handling(peer, lowered.clean_urls, lowered.trailing_slash);
        self.settings.refuse_undecodable |= matches!(peer, Peer::Serve);
        self.settings.moved_redirects |= matches!(peer, Peer::Firebase);
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
