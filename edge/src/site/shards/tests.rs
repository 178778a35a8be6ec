use crate::build::config::{ConfigFile, configure};
use crate::build::{Blobs, Shards, SiteBuilder, SiteSettings};
use crate::{Decision, Lookup, Method, Request, RouteRecord, Settings, Site, decide};
use proptest::prelude::*;

fn blobs(rules: &str, paths: &[String], limit: usize) -> Blobs {
    blobs_of(ConfigFile { path: "/_redirects", text: rules }, paths, limit)
}

fn blobs_of(rules: ConfigFile<'_>, paths: &[String], limit: usize) -> Blobs {
    let files = [rules];
    let configured = configure(&files, SiteSettings { modified: Some(0), ..SiteSettings::default() });
    assert_eq!(configured.diagnostics, []);
    let mut builder = SiteBuilder::new(configured.settings);
    for (index, path) in (0_u64..).zip(paths) {
        let mut content = [7; 32];
        content[..8].copy_from_slice(&index.to_be_bytes());
        builder.file(path, &content, index).expect("a name that can be served");
    }
    builder.finish_within(limit).expect("a site that can be built")
}

fn record() -> RouteRecord {
    RouteRecord { site: Some("d-7".to_owned()), ..RouteRecord::of_static("x", "projects/x/7", 7) }
}

/// The answer of a site, which gets the shards that it asks for; and how many these were.
fn answer(site: &mut Site, shards: &[Vec<u8>], target: &str) -> (String, usize) {
    let record = record();
    for reads in 0.. {
        let lookup = Lookup::Found { record: &record, site: Some(site) };
        let mut request = Request::new(Method::Get, "x.test", target);
        request.secure = true;
        let decision = decide(&lookup, &request, &Settings::default());
        match decision {
            Decision::Shard(number) => {
                let shard = shards[number as usize].clone();
                assert!(site.add_shard(shard), "shard {number}");
            }
            Decision::Serve(serve) => {
                let mut text = format!("{} {}", serve.head.status, serve.object.key());
                serve.head.for_each_header(|name, value| text.extend(["\n", name, ": ", value]));
                return (text, reads);
            }
            Decision::Refuse { head, .. } | Decision::Redirect(head) | Decision::NotModified(head) => {
                let mut text = head.status.to_string();
                head.for_each_header(|name, value| text.extend(["\n", name, ": ", value]));
                return (text, reads);
            }
            decision => panic!("{decision:?}"),
        }
    }
    unreachable!("a site has not so many shards")
}

#[test]
fn a_site_of_a_hundred_thousand_files_and_ten_thousand_rules_answers_from_its_shards_as_from_one_blob() {
    let rules: String = (0..9_999).map(|rule| format!("/old/{rule} /new/{rule} 301\n")).collect();
    let rules = rules + "/old/* /older/:splat 302\n/f/77 /forced 301!\n/show/:id /f/:id 200\n";
    let mut paths: Vec<_> = (0..100_000).map(|file| format!("/f/{file}.html")).collect();
    paths.extend(["/index.html", "/404.html", "/docs/404.html"].map(str::to_owned));
    let limit = 1_800_000;
    let Blobs { whole, shards } = blobs(&rules, &paths, limit);
    let Shards { main, shards } = shards.expect("a site of several values");
    assert!(whole.len() > limit && main.len() <= limit && shards.iter().all(|shard| shard.len() <= limit));
    assert!(shards.len() > 1 && shards.len() <= 8, "{} shards", shards.len());
    let mut whole = Site::load(whole).expect("a site just built");
    assert!(!whole.is_sharded());
    let targets = (0..20).flat_map(|step| {
        let number = step * 4_999;
        let spellings =
            ["/f/{}", "/f/{}.html", "/f/{}/", "/F/{}", "/old/{}", "/old/{}/", "/old/{}/x", "/none/{}", "/docs/{}"];
        spellings.map(|spelling| spelling.replace("{}", &number.to_string()))
    });
    let others =
        ["/", "/index.html", "/f/77", "/f/77.html", "/%66/7", "/f//8", "/f/%ff", "/old/%ff"].map(str::to_owned);
    for target in targets.chain(others) {
        let mut site = Site::load(main.clone()).expect("a main blob");
        let (answered, reads) = answer(&mut site, &shards, &target);
        assert_eq!(answered, answer(&mut whole, &[], &target).0, "{target}");
        assert!(reads <= 1, "{target} takes {reads} shards");
    }
    let mut site = Site::load(main).expect("a main blob");
    let (answered, reads) = answer(&mut site, &shards, "/show/5");
    assert!(answered.starts_with("200 projects/x/7/f/5.html") && reads <= 2, "{reads} {answered}");
}

#[test]
fn a_rewrite_to_a_file_that_it_names_takes_one_shard_however_many_there_are() {
    let paths: Vec<_> = (0..400).map(|file| format!("/f/{file}.html")).collect();
    for (path, text) in [
        ("/_redirects", "/app/* /f/9 200\n/old /f/11.html?a=1 200\n"),
        (
            "/vercel.json",
            r#"{"cleanUrls": true, "rewrites": [
                {"source": "/app/:any*", "destination": "/f/9"}, {"source": "/old", "destination": "/f/11?a=1"}
            ]}"#,
        ),
        (
            "/firebase.json",
            r#"{"hosting": {"rewrites": [{"source": "/app/**", "destination": "/f/9.html"}, {"source": "/old", "destination": "/f/11.html"}]}}"#,
        ),
    ] {
        let Shards { main, shards } =
            blobs_of(ConfigFile { path, text }, &paths, 6_000).shards.expect("a site of several values");
        assert!(shards.len() > 1);
        let targets =
            (0..50).map(|step| (format!("/app/{step}"), "/f/9.html")).chain([("/old".to_owned(), "/f/11.html")]);
        for (target, file) in targets {
            let mut site = Site::load(main.clone()).expect("a main blob");
            let (answered, reads) = answer(&mut site, &shards, &target);
            assert!(answered.starts_with(&format!("200 projects/x/7{file}")), "{path} {target}: {answered}");
            assert!(reads <= 1, "{path} {target} takes {reads} shards");
        }
    }
}

#[test]
fn only_a_sites_own_whole_shards_are_taken() {
    let paths: Vec<_> = (0..100).map(|file| format!("/{file}")).collect();
    let parts = |rules| blobs(rules, &paths, 1_800).shards.expect("a site of several values");
    let (one, other) = (parts("/a /b\n"), parts("/a /c\n"));
    let mut site = Site::load(one.main.clone()).expect("a main blob");
    assert!(site.add_shard(one.shards[0].clone()));
    assert!(!site.add_shard(other.shards[0].clone()), "the shard of another deployment");
    assert!(!site.add_shard(one.main), "no shard at all");
    let mut damaged = one.shards[1].clone();
    damaged[60] ^= 1;
    assert!(!site.add_shard(damaged));
    let wanted = |site: &Site| (0..100).filter(|file| site.wanted_shard(&format!("/{file}"), true).is_some()).count();
    let before = wanted(&site);
    assert!(before > 0 && before < 100, "{before}");
    site.drop_shards();
    assert_eq!(wanted(&site), 100);
}

#[test]
fn a_site_that_fits_no_number_of_shards_stays_whole() {
    let paths: Vec<_> = (0..100).map(|folder| format!("/{folder}/404.html")).collect();
    assert_eq!(blobs("", &paths, 1_800).shards, None);
    assert_eq!(blobs("", &paths, 1_000_000).shards, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shards_answer_as_the_whole_does(
        stems in prop::collection::btree_set("(/[ab]{1,2}){1,2}(/index|/404)?(\\.html)?", 30..60),
        rules in prop::collection::vec(("(/[ab]{1,2}){1,2}(/\\*)?", "(/[ab]{1,2}){1,2}", "", prop::sample::select(vec!["200", "301", "301!", "404", "200!"])), 0..20),
        targets in prop::collection::vec("(/[abAB]{1,2}|/|%61|/%2F){1,3}(/index|/)?(\\.html)?(\\?a=1)?", 40),
    ) {
        let paths: Vec<_> = stems.into_iter().collect();
        let rules: String = rules.into_iter().map(|(from, to, end, status)| format!("{from} {to}{end} {status}\n")).collect();
        let Blobs { whole, shards } = blobs(&rules, &paths, 2_000);
        let mut whole = Site::load(whole).unwrap();
        if let Some(Shards { main, shards }) = shards {
            for target in targets.iter().filter(|target| target.starts_with('/')) {
                let mut site = Site::load(main.clone()).unwrap();
                let (answered, reads) = answer(&mut site, &shards, target);
                prop_assert_eq!(answered, answer(&mut whole, &[], target).0, "{}", target);
                prop_assert!(reads <= 2);
            }
        }
    }
}
