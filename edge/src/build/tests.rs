use super::{BuildError, SiteBuilder, SiteSettings};
use crate::site::Site;

fn build(paths: &[&str]) -> Result<Vec<u8>, BuildError> {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    for path in paths {
        builder.file(path, &[7; 32], 10)?;
    }
    builder.finish()
}

#[test]
fn names_that_can_not_be_served_are_refused() {
    for path in ["", "a", "/", "/a/", "//a", "/a/../b", "/.", "/a\\b", "/a\0b"] {
        assert_eq!(build(&[path]), Err(BuildError::InvalidPath(path.to_owned())), "{path:?}");
    }
}

#[test]
fn a_name_given_twice_is_refused() {
    assert_eq!(build(&["/a", "/b", "/a"]), Err(BuildError::DuplicatePath("/a".to_owned())));
}

#[test]
fn a_file_of_4_gib_is_refused() {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    assert_eq!(builder.file("/a", &[0; 32], u64::from(u32::MAX)), Ok(()));
    assert_eq!(builder.file("/b", &[0; 32], 1 << 32), Err(BuildError::FileTooLarge("/b".to_owned())));
}

#[test]
fn the_order_of_files_does_not_change_the_bytes() {
    assert_eq!(build(&["/a", "/b/index.html", "/c.css"]), build(&["/c.css", "/a", "/b/index.html"]));
}

#[test]
fn a_file_costs_at_most_24_bytes_and_60_000_fit_one_kv_value() {
    let paths: Vec<String> =
        (0..60_000).map(|index| format!("/docs/chapter-{}/section-{index}/index.html", index % 97)).collect();
    let mut builder = SiteBuilder::new(SiteSettings::default());
    for path in &paths {
        builder.file(path, &[1; 32], 4096).unwrap();
    }
    let blob = builder.finish().unwrap();
    assert!(blob.len() <= 60_000 * 24 && blob.len() < super::KV_VALUE_LIMIT, "{} bytes", blob.len());
    let site = Site::load(blob).unwrap();
    assert!(paths.iter().all(|path| site.file(path).is_some()));
    let absent = (0..100_000).filter(|index| site.file(&format!("/docs/absent-{index}")).is_some()).count();
    assert_eq!(absent, 0);
}

#[test]
fn header_sets_hold_the_defaults_and_immutable_ones_for_hashed_names() {
    let site = Site::load(build(&["/index.html", "/assets/a-1234abcd.js"]).unwrap()).unwrap();
    let headers = |path: &str| {
        let mut lines = Vec::new();
        site.for_each_header(site.file(path).unwrap().header_set, |name, value| lines.push(format!("{name}: {value}")));
        lines
    };
    let [page, script] = ["/index.html", "/assets/a-1234abcd.js"].map(headers);
    assert_eq!(
        page,
        [
            "content-type: text/html; charset=utf-8",
            "cache-control: public, max-age=0, must-revalidate",
            "x-content-type-options: nosniff",
            "referrer-policy: strict-origin-when-cross-origin",
        ]
    );
    assert_eq!(
        script[..2],
        ["content-type: text/javascript; charset=utf-8", "cache-control: public, max-age=31536000, immutable"]
    );
}
