//! How a deployed site is served: by its own configuration files, and by its project's settings.

use miaobu_control::domain::DeploymentStatus;
use miaobu_control::service::Job;
use miaobu_control::worker::Outcome;
use miaobu_edge::record::RouteRecord;
use miaobu_edge::{Decision, Kind, Lookup, Method, Request, Settings, Site as EdgeSite, decide};
use serde_json::json;

use crate::api_support::Api;
use crate::support::{Site, TestApp};

const FILES: [(&str, &str); 6] = [
    ("index.html", "home"),
    ("about.html", "about"),
    ("docs/index.html", "docs"),
    ("docs/404.html", "no such page"),
    ("shown.html", "shown"),
    ("app.js", "run()"),
];

/// The record of a hostname, and the site that it names.
async fn published(app: &TestApp, host: &str) -> (RouteRecord, EdgeSite) {
    let record = app.route(host).await.expect("a record");
    let blob = app.edge_kv.get(record.site.as_deref().expect("a site")).await.expect("readable").expect("a blob");
    (record, EdgeSite::load(blob.to_vec()).expect("a sound blob"))
}

/// What a visitor gets: the status, and where it leads or what file it is. Asked for like a page.
async fn visit(app: &TestApp, host: &str, target: &str, fetch_mode: &str) -> String {
    let (record, site) = published(app, host).await;
    let mut request = Request::new(Method::Get, host, target);
    request.header("sec-fetch-mode", fetch_mode);
    let decision = decide(&Lookup::Found { record: &record, site: Some(&site) }, &request, &Settings::default());
    let head = decision.head().expect("an answer that is decided");
    let mut told = head.status.to_string();
    if let Decision::Serve(serve) = &decision {
        told += serve.object.key().strip_prefix(&record.oss_path).expect("a file of the deployment");
    }
    head.for_each_header(|name, value| {
        if matches!(name, "location" | "x-rule") {
            told += &format!(" {value}");
        }
    });
    told
}

#[tokio::test]
async fn each_configuration_file_has_its_effect_and_is_not_served() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let header = r#"[{ "key": "X-Rule", "value": "yes" }]"#;
    let vercel = format!(
        r#"{{ "cleanUrls": true, "redirects": [{{ "source": "/old/:x", "destination": "/new/:x" }}],
            "rewrites": [{{ "source": "/show", "destination": "/shown" }}],
            "headers": [{{ "source": "/about", "headers": {header} }}] }}"#
    );
    let firebase = format!(
        r#"{{ "hosting": {{ "cleanUrls": true, "redirects": [{{ "source": "/old/:x", "destination": "/new/:x" }}],
            "rewrites": [{{ "source": "/show", "destination": "/shown.html" }}],
            "headers": [{{ "source": "/about", "headers": {header} }}] }} }}"#
    );
    let serve = format!(
        r#"{{ "redirects": [{{ "source": "/old/:x", "destination": "/new/:x" }}],
            "rewrites": [{{ "source": "/show", "destination": "/shown.html" }}],
            "headers": [{{ "source": "about.html", "headers": {header} }}] }}"#
    );
    let netlify = "[[redirects]]\nfrom = \"/old/*\"\nto = \"/new/:splat\"\n[[redirects]]\nfrom = \"/show\"\n\
                   to = \"/shown\"\nstatus = 200\n[[headers]]\nfor = \"/about\"\n[headers.values]\nX-Rule = \"yes\"\n";
    let own = r#"{ "redirects": ["/old/* /new/:splat", "/show /shown 200"],
        "headers": [{ "path": "/about", "set": { "X-Rule": "yes" } }] }"#;
    let (redirects, all) = ("/old/* /new/:splat\n/show /shown 200\n", ["/old/1", "/show", "/about"]);
    for (file, text, expected) in [
        ("_redirects", redirects, ["301 /new/1", "200/shown.html", "200/about.html"]),
        ("_headers", "/about\n  X-Rule: yes\n", ["404", "404", "200/about.html yes"]),
        ("netlify.toml", netlify, ["301 /new/1", "200/shown.html", "200/about.html yes"]),
        ("miaobu.json", own, ["301 /new/1", "200/shown.html", "200/about.html yes"]),
        ("vercel.json", &vercel, ["308 /new/1", "200/shown.html", "200/about.html yes"]),
        ("firebase.json", &firebase, ["301 /new/1", "200/shown.html", "200/about.html yes"]),
        ("serve.json", &serve, ["301 /new/1", "200/shown.html", "200/about.html yes"]),
    ] {
        let slug = format!("site-{}", file.replace(['.', '_'], ""));
        let project = app.project(&ada, &slug).await;
        let deployment = app.deploy(&ada, &project, &Site::new(&[&FILES[..], &[(file, text)]].concat())).await;
        let host = format!("{slug}.localhost");
        for (target, expected) in all.into_iter().zip(expected) {
            assert_eq!(visit(&app, &host, target, "navigate").await, expected, "{file}: {target}");
        }
        assert_eq!(visit(&app, &host, &format!("/{file}"), "navigate").await, "404", "{file}");
        let told = app.services.deployments.diagnostics(&ada, deployment.id).await.expect("told");
        assert!(told.list.is_empty(), "{file}: {told:?}");
    }
}

#[tokio::test]
async fn a_lost_configuration_file_is_never_taken_for_none() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let script = "console.log(1);\n".repeat(200);
    let with = |text: &str| Site::new(&[("index.html", "home"), ("app.js", &script), ("_redirects", text)]);
    let rules = with("/old /new 302\n");
    let id = app.upload(&ada, &project, &rules).await;
    let (_, deployed) = app.run_job().await.expect("the job");
    assert_eq!(deployed, Outcome::Done);
    assert_eq!(visit(&app, "shop.localhost", "/old", "navigate").await, "302 /new");
    let remove = async || {
        for blob in app.objects_below("blobs").await {
            let path = app.folder.path().join("objects").join(&blob);
            if std::fs::read(&path).expect("a blob").starts_with(b"/old") {
                std::fs::remove_file(path).expect("removed");
            }
        }
    };
    remove().await;
    let mut refused = Vec::new();
    while let Some((job, outcome)) = app.run_job().await {
        if outcome != Outcome::Done {
            refused.push(job);
        }
    }
    assert_eq!(refused, [Job::Refine(id)], "what is published again would have no rules");
    assert_eq!(visit(&app, "shop.localhost", "/old", "navigate").await, "302 /new");

    let second = app.upload(&ada, &project, &with("/old /newer 302\n")).await;
    remove().await;
    assert!(matches!(app.run_job().await, Some((_, Outcome::Dead(_)))));
    let failed = app.get(&ada, second).await;
    assert_eq!(
        (failed.status, failed.error.expect("an error").code.as_str()),
        (DeploymentStatus::Failed, "blobs_lost")
    );
    assert_eq!(visit(&app, "shop.localhost", "/old", "navigate").await, "302 /new");
}

#[tokio::test]
async fn settings_without_effect_in_this_deployment_are_told() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let own = "{ \"error_pages\": {\n\"404\": \"/about\",\n\"502\": \"/lost.html\",\n\"503\": \"/miaobu.json\" },\n\"run_first\": true }";
    let deployment = app.deploy(&ada, &project, &Site::new(&[&FILES[..], &[("miaobu.json", own)]].concat())).await;
    let told = app.services.deployments.diagnostics(&ada, deployment.id).await.expect("told");
    let told: Vec<_> = told.list.iter().map(|told| (told.line, told.text.as_str())).collect();
    assert_eq!(
        told,
        [(Some(3), "502: /lost.html"), (Some(4), "503: /miaobu.json"), (Some(5), "run_first: true")],
        "{told:?}"
    );
}

#[tokio::test]
async fn each_mode_set_through_the_api_decides_how_the_edge_answers() {
    let api = Api::new().await;
    for (index, (settings, answers)) in [
        (
            json!({}),
            &[
                ("/about.html", "navigate", "308 /about"),
                ("/docs", "navigate", "308 /docs/"),
                ("/docs/x", "navigate", "404/docs/404.html"),
                ("/x", "navigate", "404"),
                ("/x/index", "navigate", "404"),
                ("/%zz", "navigate", "404"),
            ][..],
        ),
        (
            json!({ "html_handling": "force" }),
            &[("/about", "navigate", "308 /about/"), ("/docs", "navigate", "308 /docs/")],
        ),
        (
            json!({ "html_handling": "drop" }),
            &[("/about", "navigate", "200/about.html"), ("/docs/", "navigate", "308 /docs")],
        ),
        (
            json!({ "html_handling": "none" }),
            &[("/about", "navigate", "404"), ("/about.html", "navigate", "200/about.html")],
        ),
        (json!({ "html_handling": "drop", "redirect_status": "307" }), &[("/docs/", "navigate", "307 /docs")]),
        (json!({ "not_found": "none" }), &[("/docs/x", "navigate", "404")]),
        (json!({ "not_found": "single_page" }), &[("/x/y", "navigate", "200/index.html"), ("/x.js", "no-cors", "404")]),
        (
            json!({ "not_found": "single_page", "spa_fallback": "all" }),
            &[("/x/y", "navigate", "200/index.html"), ("/x.js", "no-cors", "200/index.html")],
        ),
        (json!({ "index_redirects": true }), &[("/x/index", "navigate", "308 /x/")]),
        (
            json!({ "undecodable_paths": "refuse" }),
            &[("/%zz", "navigate", "400"), ("/about", "navigate", "200/about.html")],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        // One half sets them when the project is made, the other changes them.
        let (slug, path) = (format!("site-{index}"), "/api/v1/public/projects");
        let (made, changed) = if index % 2 == 0 { (settings.clone(), None) } else { (json!({}), Some(&settings)) };
        let answer = api.as_user("POST", path).json(&json!({ "slug": slug, "settings": made })).send().await;
        assert_eq!(answer.status, 201, "{}", answer.show());
        if let Some(changed) = changed {
            let path = format!("{path}/{slug}");
            let answer = api.as_user("PATCH", &path).json(&json!({ "settings": changed })).send().await;
            assert_eq!(answer.status, 200, "{}", answer.show());
        }
        api.deploy(&slug, &Site::new(&FILES)).await;
        for (target, fetch_mode, expected) in answers {
            let got = visit(&api.app, &format!("{slug}.localhost"), target, fetch_mode).await;
            assert_eq!(got, *expected, "{settings}: {target}");
        }
    }
}

#[tokio::test]
async fn rules_are_read_in_the_dialect_of_the_project_unless_the_site_names_one() {
    let api = Api::new().await;
    let rules = [("_redirects", "/old /new 302\n"), ("_headers", "/about\n  X-Rule: kept\n/:page\n  ! X-Rule\n")];
    // A slash too many, other letters, and a header that is taken away again.
    let targets = ["/old/", "/OLD", "/about"];
    let best = ["302 /new", "404", "200/about.html"];
    let netlify = ["302 /new", "404", "200/about.html kept"];
    let cloudflare = ["404", "404", "200/about.html"];
    let gitlab = ["302 /new", "302 /new", "200/about.html"];
    for (index, (dialect, own, expected)) in [
        (None, None, best),
        (Some("best"), None, best),
        (Some("netlify"), None, netlify),
        (Some("cloudflare"), None, cloudflare),
        (Some("gitlab"), None, gitlab),
        (Some("gitlab"), Some("netlify"), netlify),
        (Some("netlify"), Some("best"), best),
        (None, Some("cloudflare"), cloudflare),
    ]
    .into_iter()
    .enumerate()
    {
        let slug = format!("site-{index}");
        let new = json!({ "slug": slug, "settings": { "dialect": dialect } });
        let answer = api.as_user("POST", "/api/v1/public/projects").json(&new).send().await;
        assert_eq!(answer.status, 201, "{}", answer.show());
        let own = own.map(|own| json!({ "dialect": own }).to_string());
        let own = own.iter().map(|text| ("miaobu.json", text.as_str()));
        let files: Vec<_> = FILES.into_iter().chain(rules).chain(own).collect();
        api.deploy(&slug, &Site::new(&files)).await;
        let host = format!("{slug}.localhost");
        for (target, expected) in targets.into_iter().zip(expected) {
            let got = visit(&api.app, &host, target, "navigate").await;
            assert_eq!(got, expected, "{dialect:?} {files:?}: {target}");
            let question = json!({ "url": format!("http://{host}{target}") });
            let explained = api.as_user("POST", "/api/v1/public/explain").json(&question).send().await;
            let status = explained.json()["data"]["status"].to_string();
            assert_eq!(status, expected[..3], "explained as it is served: {dialect:?} {target}");
        }
    }
}

#[tokio::test]
async fn a_missing_page_is_the_functions_unless_the_project_prefers_its_files() {
    let api = Api::new().await;
    for (slug, prefers, asked) in [("shop", false, [true, true]), ("cafe", true, [false, true])] {
        let new = json!({ "slug": slug, "settings": { "navigation_prefers_assets": prefers } });
        let answer = api.as_user("POST", "/api/v1/public/projects").json(&new).send().await;
        assert_eq!(answer.status, 201, "{}", answer.show());
        api.deploy(slug, &Site::new(&FILES)).await;
        let (record, site) = published(&api.app, &format!("{slug}.localhost")).await;
        let fc_endpoint = "http://function.test".to_owned();
        let record = RouteRecord { kind: Kind::Node, fc_endpoint, ..record };
        let by_function = ["navigate", "no-cors"].map(|fetch_mode| {
            let mut request = Request::new(Method::Get, "x", "/docs/x");
            request.header("sec-fetch-mode", fetch_mode);
            let lookup = Lookup::Found { record: &record, site: Some(&site) };
            matches!(decide(&lookup, &request, &Settings::default()), Decision::Proxy(_))
        });
        assert_eq!(by_function, asked, "{slug}");
    }
}
