//! Sites whose answers are checked: each way of serving, each kind of rules.

use miaobu_edge::build::config::{ConfigFile, configure};
use miaobu_edge::build::{SiteBuilder, SiteFile, SiteSettings};
use miaobu_edge::record::site_key;
use miaobu_edge::{HtmlHandling, Kind, RouteRecord, Shell, Site};
use std::sync::OnceLock;

const FILES: [&str; 9] = [
    "/index.html",
    "/404.html",
    "/about.html",
    "/blog/index.html",
    "/blog/404.html",
    "/both.html",
    "/both/index.html",
    "/caf\u{e9} 1.txt",
    "/assets/app-B2x_9aZq.js",
];

const CONFIGS: [&[(&str, &str)]; 6] = [
    &[],
    &[
        ("/_redirects", REDIRECTS),
        (
            "/_headers",
            "/*\n  X-A: :splat\n  ! Referrer-Policy\n/blog/:post\n  Cache-Control: max-age=9\n  X-B: :post\n",
        ),
    ],
    &[("/_redirects", REDIRECTS), ("/miaobu.json", r#"{ "redirects_first": true, "not_found": "single_page" }"#)],
    &[(
        "/vercel.json",
        r#"{ "cleanUrls": true, "trailingSlash": false,
        "redirects": [{ "source": "/old/:path*", "destination": "/new/:path*", "permanent": true },
            { "source": "/((?!api)x.*)", "has": [{ "type": "header", "key": "x-a", "value": "(?<v>.*)" }], "destination": "/:v" }],
        "rewrites": [{ "source": "/show/:id", "destination": "/about" }, { "source": "/api/:p*", "destination": "https://api.test/:p*" }],
        "headers": [{ "source": "/(.*)", "headers": [{ "key": "X-A", "value": "$1" }] }] }"#,
    )],
    &[(
        "/firebase.json",
        r#"{ "hosting": { "cleanUrls": true, "redirects": [{ "source": "/old{,/**}", "destination": "/", "type": 301 }],
        "rewrites": [{ "source": "!/@(js|css)/**", "destination": "/index.html" }],
        "headers": [{ "source": "**/*.@(js|css)", "headers": [{ "key": "X-A", "value": "1" }] }] } }"#,
    )],
    &[(
        "/serve.json",
        r#"{ "cleanUrls": true, "rewrites": [{ "source": "app/**", "destination": "/index.html" }],
        "redirects": [{ "source": "/old/:id", "destination": "/blog/:id" }], "trailingSlash": false }"#,
    )],
];

const REDIRECTS: &str = "/about /x 301!\n/old/:id /new/:id\n/s/* /:splat 301\n/q id=:id /p/:id 302\n\
    /api/* https://api.test/:splat 200\n/show/* /about 200\n/lost /about 404\n/shut/* /nowhere 410\n\
    /de/* /blog 302 Language=de\n/cn/* /blog 302 Country=cn\n/in/* /blog 200! Cookie=key\nhttps://a.test/* https://b.test/:splat 301!\n";

/// A record and its site, which is missing where records have none.
pub struct Deployment {
    pub record: RouteRecord,
    pub site: Option<Site>,
}

/// All of them; the first two have no site.
pub fn deployments() -> &'static [Deployment] {
    static DEPLOYMENTS: OnceLock<Vec<Deployment>> = OnceLock::new();
    DEPLOYMENTS.get_or_init(|| {
        let older = RouteRecord::of_static("docs", "projects/docs/42", 42);
        let function = RouteRecord::of_function(Kind::Node, "api", "https://f.test/base", 43);
        let mut all =
            vec![Deployment { record: older, site: None }, Deployment { record: function.clone(), site: None }];
        let ways = [HtmlHandling::Auto, HtmlHandling::Force, HtmlHandling::Drop, HtmlHandling::Off];
        let shells = [Shell::Off, Shell::Navigations, Shell::All, Shell::Off];
        let plain = ways.into_iter().zip(shells).map(|(html_handling, shell)| {
            blob(&[], SiteSettings { html_handling, shell, modified: Some(1_767_323_045), ..SiteSettings::default() })
        });
        for bytes in plain.chain(blobs()) {
            let site = Site::load(bytes).expect("a site just built");
            let record =
                RouteRecord { noindex: all.len() % 2 == 0, ..RouteRecord::of_static("docs", "projects/docs/42", 42) };
            all.push(Deployment { record: RouteRecord { site: Some(site_key(42)), ..record }, site: Some(site) });
        }
        let routing =
            [("/miaobu.json", r#"{ "run_first": ["/api/*", "!/api/docs/*"], "navigation_prefers_assets": true }"#)];
        let site = Site::load(blob(&routing, SiteSettings::default())).expect("a site just built");
        all.push(Deployment {
            record: RouteRecord { site: Some(site_key(43)), oss_path: "projects/api/43".to_owned(), ..function },
            site: Some(site),
        });
        all
    })
}

/// The blobs of sites with each kind of rules.
pub fn blobs() -> impl Iterator<Item = Vec<u8>> {
    CONFIGS.into_iter().map(|files| blob(files, SiteSettings::default()))
}

fn blob(files: &[(&str, &str)], settings: SiteSettings) -> Vec<u8> {
    let files: Vec<_> = files.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    let configured = configure(&files, settings);
    assert_eq!(configured.diagnostics, [], "a rule of the sample is of no use");
    let mut builder = SiteBuilder::new(configured.settings);
    for (number, path) in (1_u8..).zip(FILES) {
        let size = u64::from(number) * 1000;
        let coded_sizes = [u32::from(number % 2) * 300, 0, u32::from(number % 3) * 400];
        let link = (number == 1).then_some("</assets/app-B2x_9aZq.js>; rel=modulepreload");
        let sha256 = [number; 32];
        let file = SiteFile { path, sha256: &sha256, size, coded_sizes, link, retained: false };
        builder.add(&file).expect("a name that can be served");
    }
    builder.finish().expect("a small site")
}
