use crate::build::SiteBuilder;
use crate::build::config::{ConfigFile, Diagnostic, configure};
use crate::{Decision, Kind, Lookup, Method, Request, RouteRecord, Settings, Site, decide};
use proptest::prelude::*;

const FILES: [&str; 8] = [
    "/index.html",
    "/about.html",
    "/404.html",
    "/blog/index.html",
    "/de/index.html",
    "/app.js",
    "/gone.html",
    "/caf\u{e9} 1.html",
];

struct Project {
    record: RouteRecord,
    site: Site,
}

fn project(files: &[(&str, &str)]) -> Project {
    let (project, told) = project_and_told(files);
    assert_eq!(told, []);
    project
}

fn project_and_told(files: &[(&str, &str)]) -> (Project, Vec<Diagnostic>) {
    let files: Vec<_> = files.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    let configured = configure(&files, Default::default());
    let mut builder = SiteBuilder::new(configured.settings);
    for (index, path) in (1..).zip(FILES) {
        builder.file(path, &[index; 32], 10).expect("a name that can be served");
    }
    let site = Site::load(builder.finish().expect("a small site")).expect("a site just built");
    let record = RouteRecord { site: Some("d-7".to_owned()), ..RouteRecord::of_static("x", "projects/x/7", 7) };
    (Project { record, site }, configured.diagnostics)
}

fn with_redirects(text: &str) -> Project {
    project(&[("/_redirects", text)])
}

impl Project {
    fn ask<'a>(&'a self, target: &'a str, fields: &[(&str, &'a str)]) -> Decision<'a> {
        let mut request = Request::new(Method::Get, "www.shop.test", target);
        request.secure = true;
        for (name, value) in fields {
            match *name {
                ":method" => request.method = Method::parse(value),
                ":country" => request.country = Some(value),
                name => request.header(name, value),
            }
        }
        for name in self.site.field_names() {
            let value = fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            value.into_iter().for_each(|value| request.named_field(name, value));
        }
        decide(&Lookup::Found { record: &self.record, site: Some(&self.site) }, &request, &Settings::default())
    }

    /// The answer in one line: status, then the location, the object or the URL.
    fn answer(&self, target: &str, fields: &[(&str, &str)]) -> String {
        match self.ask(target, fields) {
            Decision::Serve(serve) => {
                format!("{} {}", serve.head.status, serve.object.key().replace("projects/x/7", ""))
            }
            Decision::Redirect(head) => format!("{} {}", head.status, head.location.unwrap_or_default()),
            Decision::Refuse { head, .. } | Decision::NotModified(head) => head.status.to_string(),
            Decision::Proxy(proxy) => format!("-> {}", proxy.url),
            Decision::Probe(_) | Decision::Shard(_) | Decision::ReadForm { .. } => "more to read".to_owned(),
        }
    }

    fn header(&self, target: &str, fields: &[(&str, &str)], wanted: &str) -> Option<String> {
        let mut values = Vec::new();
        let decision = self.ask(target, fields);
        decision.head().expect("an answer that is decided").for_each_header(|name, value| {
            if name == wanted {
                values.push(value.to_owned());
            }
        });
        assert!(values.len() < 2, "{wanted} stands {} times", values.len());
        values.pop()
    }
}

#[test]
fn files_come_before_rules_unless_these_are_forced() {
    let project = with_redirects(
        "/about /x 301\n/gone /y 301!\n/old/:id /new/:id\n/api/* https://api.test/:splat 200\n/show/* /about 200\n\
         /lost /about 404\n/shut/* /nowhere 410\n/same/* /same/:splat 301!\n",
    );
    for (target, expected) in [
        ("/about", "200 /about.html"),
        ("/about/", "308 /about"),
        ("/gone", "301 /y"),
        ("/gone?a=1", "301 /y?a=1"),
        ("/old/1", "301 /new/1"),
        ("/api/v1/x?q=1", "-> https://api.test/v1/x?q=1"),
        ("/api/x?q=\u{1} \u{e9}", "-> https://api.test/x?q=%01%20%C3%A9"),
        ("/show/me", "200 /about.html"),
        ("/lost", "404 /about.html"),
        ("/shut/x", "404 /404.html"),
        ("/same/x", "404 /404.html"),
        ("/nowhere", "404 /404.html"),
    ] {
        assert_eq!(project.answer(target, &[]), expected, "{target}");
    }
    let first = self::project(&[("/_redirects", "/about /x 301\n"), ("/miaobu.json", r#"{"redirects_first": true}"#)]);
    assert_eq!(first.answer("/about", &[]), "301 /x");
    assert_eq!(first.answer("/about.html", &[]), "308 /about");
}

#[test]
fn a_rewrite_is_read_only_and_its_answer_follows_the_file() {
    let project = project(&[
        ("/_redirects", "/show/* /about 200\n"),
        ("/_headers", "/show/*\n  Cache-Control: max-age=9\n  X-A: 1\n"),
    ]);
    assert_eq!(project.answer("/show/me", &[(":method", "POST")]), "405");
    assert_eq!(project.answer("/show/me", &[(":method", "OPTIONS")]), "204");
    assert_eq!(project.header("/show/me", &[], "x-a").as_deref(), Some("1"));
    let cache = project.header("/show/me", &[], "cache-control");
    assert_eq!(cache.as_deref(), Some("public, max-age=0, must-revalidate"));
    let tag = project.header("/show/me", &[], "etag").unwrap();
    assert_eq!(project.answer("/show/me", &[("if-none-match", &tag)]), "304");
}

#[test]
fn what_looks_at_the_visitor_says_so() {
    let project = with_redirects("/ /de/ 302! Language=de\n/app.js /x 302! Cookie=beta\n/blog/* /b 302! Country=cn\n");
    assert_eq!(project.answer("/", &[("accept-language", "de-AT, en;q=0.5")]), "302 /de/");
    assert_eq!(project.answer("/", &[("accept-language", "fr")]), "200 /index.html");
    for fields in [&[("accept-language", "de")][..], &[]] {
        assert_eq!(project.header("/", fields, "vary").as_deref(), Some("Accept-Language, Cookie"));
    }
    assert_eq!(project.answer("/app.js", &[("cookie", "a=1; beta=2")]), "302 /x");
    assert_eq!(project.header("/app.js", &[], "vary").as_deref(), Some("Cookie"));
    assert_eq!(project.answer("/blog/", &[(":country", "CN")]), "302 /b");
    assert_eq!(project.answer("/blog/", &[]), "200 /blog/index.html");
    let cache = project.header("/blog/", &[], "cache-control");
    assert_eq!(cache.as_deref(), Some("private, max-age=0, must-revalidate"));
    assert_eq!(project.header("/about", &[], "vary"), None);
}

#[test]
fn a_location_never_leaves_the_site_by_accident() {
    let project =
        with_redirects("/go/* /:splat 301\n/to/:x https://www.shop.test/:x 301\n/out https://other.test/ 302\n");
    for (target, expected) in [
        ("/go//evil.test", "301 /evil.test"),
        ("/go/\\evil.test", "301 /evil.test"),
        ("/to/x", "301 /x"),
        ("/out", "302 https://other.test/"),
    ] {
        assert_eq!(project.answer(target, &[]), expected, "{target}");
    }
}

#[test]
fn header_rules_are_in_the_sets_of_files_and_never_keep_a_stand_in() {
    let project = project(&[(
        "/_headers",
        "/*\n  X-All: 1\n  Cache-Control: max-age=77\n  ! Referrer-Policy\n/about\n  X-About: :splat\n/app.js\n  Vary: Origin\n",
    )]);
    assert_eq!(project.header("/about", &[], "x-about").as_deref(), Some(":splat"));
    assert_eq!(project.header("/about", &[], "cache-control").as_deref(), Some("max-age=77"));
    assert_eq!(project.header("/about", &[], "referrer-policy"), None);
    assert_eq!(project.header("/app.js", &[], "vary").as_deref(), Some("Origin"));
    assert!(matches!(project.ask("/about", &[]), Decision::Serve(serve) if serve.head.set_id().is_some()));
    for (target, fields) in [("/nowhere", &[][..]), ("/about", &[(":method", "POST")])] {
        assert_eq!(project.header(target, fields, "x-all").as_deref(), Some("1"), "{target}");
        assert_eq!(project.header(target, fields, "cache-control").as_deref(), Some("no-store"), "{target}");
    }
    assert_eq!(project.header("/about.html", &[], "cache-control").as_deref(), Some("max-age=77"));
    let hosts =
        self::project(&[("/_headers", "https://www.shop.test/*\n  X-Host: yes\nhttps://other.test/*\n  X-Host: no\n")]);
    assert_eq!(hosts.header("/about", &[], "x-host").as_deref(), Some("yes"));
}

#[test]
fn a_route_table_stands_in_the_place_of_the_files() {
    let project = project(&[(
        "/vercel.json",
        r#"{ "cleanUrls": true,
            "redirects": [{ "source": "/app.js", "destination": "/moved.js", "permanent": false }],
            "rewrites": [{ "source": "/who", "has": [{ "type": "header", "key": "x-who", "value": "(?<name>.+)" }], "destination": "/:name" },
                         { "source": "/far/:path*", "destination": "https://far.test/:path*" },
                         { "source": "/deep/(.*)", "destination": "/blog" }],
            "headers": [{ "source": "/about", "headers": [{ "key": "X-A", "value": "1" }, { "key": "ETag", "value": "mine" }] }] }"#,
    )]);
    for (target, fields, expected) in [
        ("/about", &[][..], "200 /about.html"),
        ("/about.html", &[], "308 /about"),
        ("/app.js?x=1", &[], "307 /moved.js?x=1"),
        ("/deep/x/y", &[], "200 /blog/index.html"),
        ("/far/a/b", &[], "-> https://far.test/a/b"),
        ("/who", &[("x-who", "about")], "200 /about.html"),
        ("/who", &[], "404 /404.html"),
        ("/nowhere", &[], "404 /404.html"),
    ] {
        assert_eq!(project.answer(target, fields), expected, "{target}");
    }
    assert_eq!(project.header("/about", &[], "x-a").as_deref(), Some("1"));
    assert_ne!(project.header("/about", &[], "etag").as_deref(), Some("mine"));
    let mixed =
        self::project(&[("/vercel.json", r#"{"rewrites": []}"#), ("/_redirects", "/about.html /x 301!\n/no /y 301\n")]);
    assert_eq!(mixed.answer("/about.html", &[]), "301 /x");
    assert_eq!(mixed.answer("/no", &[]), "301 /y");
}

#[test]
fn header_rules_can_replace_and_remove_what_a_copy_is_known_by() {
    let project = project(&[(
        "/_headers",
        "/app.js\n  ETag: \"mine\"\n/about\n  ! ETag\n  ! Last-Modified\n  ! Accept-Ranges\n/blog/\n  Last-Modified: Fri, 02 Jan 2026 03:04:05 GMT\n",
    )]);
    assert_eq!(project.header("/app.js", &[], "etag").as_deref(), Some("\"mine\""));
    for (target, fields, expected) in [
        ("/app.js", ("if-none-match", "\"mine\""), "304"),
        ("/app.js", ("if-none-match", "\"other\""), "200 /app.js"),
        ("/app.js", ("if-match", "\"mine\""), "200 /app.js"),
        ("/app.js", ("if-match", "\"other\""), "412"),
        ("/app.js", ("range", "bytes=0-1"), "206 /app.js"),
        ("/about", ("range", "bytes=0-1"), "200 /about.html"),
        ("/about", ("if-match", "\"other\""), "412"),
        ("/blog/", ("if-modified-since", "Fri, 02 Jan 2026 03:04:05 GMT"), "304"),
        ("/blog/", ("if-unmodified-since", "Thu, 01 Jan 2026 03:04:05 GMT"), "412"),
    ] {
        assert_eq!(project.answer(target, &[fields]), expected, "{target} {fields:?}");
    }
    assert_eq!(project.header("/app.js", &[("if-none-match", "\"mine\"")], "etag").as_deref(), Some("\"mine\""));
    for name in ["etag", "last-modified", "accept-ranges"] {
        assert_eq!(project.header("/about", &[], name), None, "{name}");
        assert_eq!(project.header("/", &[], name).is_some(), name != "last-modified", "{name}");
    }
}

#[test]
fn header_rules_set_several_cookies_one_by_one() {
    let project = project(&[(
        "/_headers",
        "/*\n  Set-Cookie: a=1, 2\n/app.js\n  Set-Cookie: b=2\n/about\n  ! Set-Cookie\n  Set-Cookie: c=3\n",
    )]);
    let cookies = |target| {
        let mut cookies = Vec::new();
        project.ask(target, &[]).head().expect("a head").for_each_header(|name, value| {
            if name == "set-cookie" {
                cookies.push(value.to_owned());
            }
        });
        cookies
    };
    assert_eq!(cookies("/app.js"), ["a=1, 2", "b=2"]);
    assert_eq!(cookies("/about"), ["c=3"]);
    assert_eq!(cookies("/nowhere"), ["a=1, 2"]);
}

#[test]
fn a_path_that_does_not_decode_is_looked_up_or_refused() {
    for (setting, expected) in [("keep", "404 /404.html"), ("refuse", "400")] {
        let text = format!(r#"{{"undecodable_paths": "{setting}"}}"#);
        let project = project(&[("/miaobu.json", &text)]);
        assert_eq!(project.answer("/a%99b", &[]), expected);
        assert_eq!(project.answer("/%", &[]), expected);
        assert_eq!(project.answer("/a%00b", &[]), expected);
        assert_eq!(project.answer("/caf%C3%A9%201", &[]), "200 /caf\u{e9} 1.html");
    }
}

#[test]
fn slashes_too_many_go_where_a_serve_json_says_how_paths_end() {
    for (text, expected) in [
        (r#"{"trailingSlash": true}"#, "301 /no/where/"),
        (r#"{"trailingSlash": false}"#, "301 /no/where/"),
        ("{}", "404 /404.html"),
    ] {
        assert_eq!(project(&[("/serve.json", text)]).answer("/no//where///", &[]), expected, "{text}");
    }
}

#[test]
fn the_name_of_an_index_leads_to_its_folder_whatever_is_there() {
    let project = project(&[("/miaobu.json", r#"{"index_redirects": true}"#)]);
    for (target, expected) in [
        ("/no/index", "308 /no/"),
        ("/no/index/?a=1", "308 /no/?a=1"),
        ("/index/", "308 /"),
        ("/%2F%5cevil.test/index", "308 /evil.test/"),
        ("/%09//evil.test//index/", "308 /evil.test//"),
        ("/noindex", "404 /404.html"),
        ("/%61bout", "200 /about.html"),
    ] {
        assert_eq!(project.answer(target, &[]), expected, "{target}");
    }
    assert_eq!(project.answer("/no/index", &[(":method", "POST")]), "404 /404.html");
}

#[test]
fn files_of_unknown_type_get_the_type_that_the_site_says() {
    for (text, expected) in [
        ("{}", Some("application/octet-stream")),
        (r#"{"default_content_type": "text/plain"}"#, Some("text/plain")),
        (r#"{"default_content_type": ""}"#, None),
    ] {
        let configured = configure(&[ConfigFile { path: "/miaobu.json", text }], Default::default());
        let mut builder = SiteBuilder::new(configured.settings);
        builder.file("/bare", &[1; 32], 10).expect("a name that can be served");
        let site = Site::load(builder.finish().expect("a small site")).expect("a site just built");
        let mut found = None;
        site.for_each_header(0, |name, value| {
            found = if name == "content-type" { Some(value.to_owned()) } else { found.take() }
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_page_of_the_sites_own_stands_in_for_what_is_missing() {
    let project = project(&[("/miaobu.json", r#"{"error_pages": {"404": "/gone"}}"#)]);
    assert_eq!(project.answer("/nowhere", &[]), "404 /gone.html");
    assert_eq!(project.header("/nowhere", &[], "cache-control").as_deref(), Some("no-store"));
}

#[test]
fn a_function_answers_where_no_file_does_or_rules_say_so() {
    let mut project = project(&[(
        "/miaobu.json",
        r#"{"run_first": ["/api/*", "/about", "!/api/docs/*"], "redirects": ["/f/* /api/:splat 200"]}"#,
    )]);
    project.record.kind = Kind::Node;
    project.record.fc_endpoint = "http://function.test/".to_owned();
    for (target, method, expected) in [
        ("/about", "GET", "-> http://function.test/about"),
        ("/api/x?y", "POST", "-> http://function.test/api/x?y"),
        ("/api/docs/x", "GET", "404 /404.html"),
        ("/blog/", "GET", "200 /blog/index.html"),
        ("/blog/", "POST", "405"),
        ("/f/x", "POST", "-> http://function.test/api/x"),
        ("/", "GET", "200 /index.html"),
    ] {
        assert_eq!(project.answer(target, &[(":method", method)]), expected, "{method} {target}");
    }
    let mut plain = self::project(&[]);
    plain.record = project.record.clone();
    assert_eq!(plain.answer("/nowhere", &[]), "-> http://function.test/nowhere");
    assert_eq!(plain.answer("/about", &[]), "200 /about.html");
}

proptest! {
    #[test]
    fn any_request_gets_an_answer_inside_the_site(
        redirects in "((/|/a|/\\*|/:x|about| |https?://|//|\\\\|%2f|:splat|200|301|404|!|\n){0,30})",
        target in "/[a-z/%.\\\\:?#2fe\u{e9}]{0,24}",
    ) {
        let files = [ConfigFile { path: "/_redirects", text: &redirects }];
        let mut builder = SiteBuilder::new(configure(&files, Default::default()).settings);
        for path in FILES {
            builder.file(path, &[1; 32], 10).expect("a name that can be served");
        }
        let site = Site::load(builder.finish().expect("a small site")).expect("a site just built");
        let record = RouteRecord { site: Some("d-7".to_owned()), ..RouteRecord::of_static("x", "projects/x/7", 7) };
        let request = Request::new(Method::Get, "www.shop.test", &target);
        match decide(&Lookup::Found { record: &record, site: Some(&site) }, &request, &Settings::default()) {
            Decision::Serve(serve) => prop_assert!(serve.object.key().starts_with("projects/x/7/")),
            Decision::Redirect(head) => {
                let location = head.location.unwrap_or_default();
                prop_assert!(!location.starts_with("//") && !location.starts_with("/\\"), "{}", location);
                prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{}", location);
            }
            _ => {}
        }
    }
}

#[test]
fn a_rule_with_a_role_never_answers_and_what_it_guards_is_closed() {
    let rules = "/blog/* 200! Role=admin\n/about /de/ 302! Role=admin,editor\n/gone /gone 200! Role=admin\n\
                 /app.js /app.js 200! Role=a\n/app.js /about 401!\n/de/* /index.html 200! Role=a\n";
    let (project, told) = project_and_told(&[("/_redirects", rules)]);
    let lines: Vec<_> = told.iter().map(|told| (told.line, told.reason.contains("404"))).collect();
    assert_eq!(
        lines,
        [(Some(1), true), (Some(2), false), (Some(3), true), (Some(4), true), (Some(6), false)],
        "{told:?}"
    );
    let claims = [("cookie", "nf_jwt=e30.eyJyb2xlcyI6WyJhZG1pbiJdfQ.x; role=admin"), ("x-role", "admin")];
    for fields in [&[][..], &claims] {
        for (target, expected) in [
            ("/blog/", "404 /404.html"),
            ("/blog/index.html", "404 /404.html"),
            ("/blog/nowhere", "404 /404.html"),
            ("/gone", "404 /404.html"),
            ("/app.js", "401 /about.html"),
            ("/about", "200 /about.html"),
            ("/de/", "200 /de/index.html"),
            ("/", "200 /index.html"),
        ] {
            assert_eq!(project.answer(target, fields), expected, "{target}");
        }
    }
}

#[test]
fn a_route_goes_by_the_country_that_the_host_knows_and_by_no_header_that_a_visitor_sent() {
    let rule = |key: &str, value: &str| {
        serde_json::json!({ "source": "/about", "destination": format!("/{value}"), "permanent": false,
            "has": [{ "type": "header", "key": key, "value": value }] })
    };
    let config = |rules: &[serde_json::Value]| serde_json::json!({ "redirects": rules }).to_string();
    let countries = config(&[rule("X-Vercel-IP-Country", "CN")]);
    let project = self::project(&[("/vercel.json", &countries)]);
    assert!(project.site.asks_country());
    assert_eq!(project.answer("/about", &[(":country", "CN")]), "307 /CN");
    for fields in [&[][..], &[(":country", "FR")], &[("x-vercel-ip-country", "CN")]] {
        assert_eq!(project.answer("/about", fields), "404 /404.html", "{fields:?}");
    }
    let cities = config(&[rule("x-vercel-ip-city", "Basel"), rule("x-own", "1")]);
    let (project, told) = project_and_told(&[("/vercel.json", &cities)]);
    assert_eq!(
        told.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["vercel.json, line 1: nobody here sets this header, so no request has it: x-vercel-ip-city"]
    );
    assert!(!project.site.asks_country());
    assert_eq!(project.answer("/about", &[("x-vercel-ip-city", "Basel")]), "404 /404.html");
}

#[test]
fn a_route_that_takes_too_many_steps_lets_nobody_in_or_out() {
    let slow = "(?:a|aa)+";
    for condition in ["has", "missing"] {
        let rule = serde_json::json!({ "redirects": [{
            "source": "/about", "destination": "/x", "permanent": false,
            condition: [{ "type": "header", "key": "x-key", "value": slow }],
        }] });
        let project = self::project(&[("/vercel.json", &rule.to_string())]);
        let long = format!("{}b", "a".repeat(60));
        let (with, without) = if condition == "has" { ("307 /x", "404") } else { ("404", "307 /x") };
        let answer = |value: &str| project.answer("/about", &[("x-key", value)]);
        assert_eq!(answer("aa").get(..3), with.get(..3), "{condition}");
        assert_eq!(answer("b").get(..3), without.get(..3), "{condition}");
        assert_eq!(answer(&long), "500", "{condition}");
        assert_eq!(project.answer("/index.html", &[("x-key", &long)]), "200 /index.html");
    }
}
