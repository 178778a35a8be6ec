use super::{Asset, resolve};
use crate::build::{SiteBuilder, SiteSettings};
use crate::site::Site;
use crate::site::format::HtmlHandling::{self, Auto, Drop, Force, Off};

fn site(html_handling: HtmlHandling, files: &[&str]) -> Site {
    let mut builder = SiteBuilder::new(SiteSettings { html_handling, ..SiteSettings::default() });
    for file in files {
        builder.file(file, &[0; 32], 1).unwrap();
    }
    Site::load(builder.finish().unwrap()).unwrap()
}

/// `= /file` is served, `> /path` is a redirect, `-` is nothing.
fn outcome(mode: HtmlHandling, files: &[&str], path: &str) -> String {
    match resolve(&site(mode, files), path) {
        Asset::File(stem, class, _) => format!("= {stem}{}", class.suffix()),
        Asset::Elsewhere(stem, ending) => format!("> {stem}{ending}"),
        Asset::Missing => "-".to_owned(),
    }
}

#[test]
fn every_page_has_one_canonical_url_in_each_mode() {
    let page = &["/x.html"][..];
    let index = &["/x/index.html"][..];
    let both = &["/x.html", "/x/index.html"][..];
    let beside = &["/x", "/x.html"][..];
    for (files, path, expected) in [
        (&["/index.html"][..], "/", ["= /index.html", "= /index.html", "= /index.html", "-"]),
        (&["/index.html"], "/index.html", ["> /", "> /", "> /", "= /index.html"]),
        (&["/index.html"], "/index", ["> /", "> /", "> /", "-"]),
        (page, "/x", ["= /x.html", "> /x/", "= /x.html", "-"]),
        (page, "/x/", ["> /x", "= /x.html", "> /x", "-"]),
        (page, "/x.html", ["> /x", "> /x/", "> /x", "= /x.html"]),
        (page, "/x/index", ["> /x", "> /x/", "> /x", "-"]),
        (page, "/x/index.html", ["> /x", "> /x/", "> /x", "-"]),
        (index, "/x", ["> /x/", "> /x/", "= /x/index.html", "-"]),
        (index, "/x/", ["= /x/index.html", "= /x/index.html", "> /x", "-"]),
        (index, "/x.html", ["> /x/", "> /x/", "> /x", "-"]),
        (index, "/x/index", ["> /x/", "> /x/", "> /x", "-"]),
        (index, "/x/index.html", ["> /x/", "> /x/", "> /x", "= /x/index.html"]),
        (both, "/x", ["= /x.html", "> /x/", "= /x.html", "-"]),
        (both, "/x/", ["= /x/index.html", "= /x/index.html", "> /x", "-"]),
        (both, "/x.html", ["> /x", "= /x.html", "> /x", "= /x.html"]),
        (both, "/x/index.html", ["> /x/", "> /x/", "= /x/index.html", "= /x/index.html"]),
        (beside, "/x", ["= /x", "= /x", "= /x", "= /x"]),
        (beside, "/x.html", ["= /x.html", "> /x/", "= /x.html", "= /x.html"]),
        (beside, "/x/", ["-", "= /x.html", "-", "-"]),
        (&["/.html"], "/.html", ["= /.html"; 4]),
        (&["/x/index/index.html"], "/x/index", ["> /x/index/", "> /x/index/", "= /x/index/index.html", "-"]),
        (&["/x/index"], "/x/index", ["= /x/index"; 4]),
        (&["/x.html/index.html"], "/x.html", ["> /x.html/", "> /x.html/", "= /x.html/index.html", "-"]),
        (&["/x.html/index.html"], "/x.html/", ["= /x.html/index.html", "= /x.html/index.html", "> /x.html", "-"]),
        (
            &["/x/index.html.html"],
            "/x/index.html",
            ["= /x/index.html.html", "> /x/index.html/", "= /x/index.html.html", "-"],
        ),
        (&["/x.html/index.html", "/x.html.html"], "/x.html", ["= /x.html.html", "> /x.html/", "= /x.html.html", "-"]),
        (&[], "/", ["-"; 4]),
    ] {
        let got = [Auto, Force, Drop, Off].map(|mode| outcome(mode, files, path));
        assert_eq!(got, expected, "{files:?} {path}");
    }
}

/// What superstatic, the server behind Firebase Hosting's emulator, does with clean URLs.
#[test]
fn clean_folders_put_an_index_before_a_page_and_take_slashes_as_the_mode_says() {
    let site = |html_handling| {
        let mut builder =
            SiteBuilder::new(SiteSettings { html_handling, clean_folders: true, ..SiteSettings::default() });
        for path in [
            "/index.html",
            "/about.html",
            "/dir/index.html",
            "/dir/sub.html",
            "/both.html",
            "/both/index.html",
            "/app.js",
        ] {
            builder.file(path, &[0; 32], 1).unwrap();
        }
        Site::load(builder.finish().unwrap()).unwrap()
    };
    let line = |site: &Site, path| match resolve(site, path) {
        Asset::File(stem, class, _) => [stem, class.suffix()].concat(),
        Asset::Elsewhere(stem, ending) => format!("to {stem}{ending}"),
        Asset::Missing => "-".to_owned(),
    };
    let modes = [HtmlHandling::Auto, HtmlHandling::Force, HtmlHandling::Drop].map(site);
    for (path, expected) in [
        ("/", ["/index.html"; 3]),
        ("/index", ["to /"; 3]),
        ("/index.html", ["to /"; 3]),
        ("/about", ["/about.html", "to /about/", "/about.html"]),
        ("/about/", ["-", "/about.html", "to /about"]),
        ("/about.html", ["to /about", "to /about/", "to /about"]),
        ("/about/index", ["-"; 3]),
        ("/dir", ["/dir/index.html", "to /dir/", "/dir/index.html"]),
        ("/dir/", ["/dir/index.html", "/dir/index.html", "to /dir"]),
        ("/dir/index", ["to /dir", "to /dir/", "to /dir"]),
        ("/dir/index.html", ["to /dir", "to /dir/", "to /dir"]),
        ("/dir.html", ["-"; 3]),
        ("/dir/sub/", ["-", "/dir/sub.html", "to /dir/sub"]),
        ("/both", ["/both/index.html", "to /both/", "/both/index.html"]),
        ("/both.html", ["to /both", "to /both/", "to /both"]),
        ("/app.js", ["/app.js"; 3]),
        ("/app.js/", ["-"; 3]),
        ("/none", ["-"; 3]),
    ] {
        assert_eq!(modes.each_ref().map(|site| line(site, path)), expected, "{path}");
    }
}
