use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Answer, Files, Gathered, Header, KeyRule, Phase, RouteRequest, RouteTable, TableOptions, Target, build};
use crate::rules::regex::Budget;
use crate::rules::vercel::lower;

struct Listed(&'static [&'static str]);

impl Files for Listed {
    fn contains(&self, path: &str) -> bool {
        self.0.contains(&path)
    }
}

fn image(routes: &Value) -> Vec<u8> {
    let (image, refused) = build(routes.as_array().unwrap(), TableOptions::default()).unwrap();
    assert_eq!(refused, []);
    image
}

fn lowered(config: &Value) -> Value {
    Value::Array(lower(config).unwrap().unwrap_or_default())
}

fn walk<'a>(
    image: &'a [u8],
    target: &str,
    fields: &[(&str, &'static str)],
    files: &'static [&'static str],
) -> (Answer, Gathered<'a>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let field = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let request = RouteRequest { method: "GET", host: "shop.example:81", field: &field };
    let target = Target { path: path.to_owned(), query: query.to_owned() };
    RouteTable::load(image).unwrap().walk(&target, &request, &Listed(files), &mut Budget::default())
}

fn answer(config: &Value, target: &str, fields: &[(&str, &'static str)]) -> Answer {
    walk(&image(&lowered(config)), target, fields, &["/", "/index.html", "/about", "/api/item"]).0
}

fn redirect(location: &str) -> Answer {
    Answer::Redirect { status: 308, location: location.to_owned() }
}

fn here(path: &str, query: &str) -> Answer {
    Answer::Here { target: Target { path: path.to_owned(), query: query.to_owned() }, status: None }
}

fn missing(path: &str) -> Answer {
    Answer::Missing { target: Target { path: path.to_owned(), query: String::new() }, status: None }
}

#[test]
fn redirects_come_before_files_and_rewrites_behind_them() {
    let config = json!({
        "redirects": [{ "source": "/about", "destination": "/moved" }],
        "rewrites": [
            { "source": "/", "destination": "/about" },
            { "source": "/shop/:id", "destination": "/api/item" },
            { "source": "/gone", "destination": "/nowhere" },
            { "source": "/far/:path*", "destination": "https://far.example/:path*?key=1" },
        ],
    });
    for (target, expected) in [
        ("/about", redirect("/moved")),
        ("/", here("/", "")),
        ("/shop/7?id=8&x", here("/api/item", "id=8&x")),
        ("/shop/7", here("/api/item", "id=7")),
        ("/gone", missing("/nowhere")),
        ("/far/a/b?x=1", Answer::Elsewhere { url: "https://far.example/a/b?key=1&x=1".to_owned() }),
        ("/shopping/7", missing("/shopping/7")),
    ] {
        assert_eq!(answer(&config, target, &[]), expected, "{target}");
    }
}

#[test]
fn locations_keep_the_query_and_never_leave_the_host_by_accident() {
    let config = json!({ "cleanUrls": true, "redirects": [
        { "source": "/go/:path*", "destination": "/:path*" },
        { "source": "/hash", "destination": "/x?a=1#top" },
        { "source": "/out/:name", "destination": "https://:name.example/" },
        { "source": "/accent", "destination": "/ć" },
    ] });
    for (target, location) in [
        ("/index/", "/"),
        ("/a.html?b=1", "/a?b=1"),
        ("/go/a/b?c", "/a/b?c"),
        ("/hash?a=2&b", "/x?a=2&b#top"),
        ("/out/other?a", "https://other.example/?a"),
        ("/accent", "/%C4%87"),
    ] {
        assert_eq!(answer(&config, target, &[]), redirect(location), "{target}");
    }
    let routes = json!([{ "src": "^/(.*)$", "status": 302, "headers": { "Location": "/$1#top" } }]);
    let image = image(&routes);
    for (target, location) in
        [("//evil.example", "/evil.example#top"), ("/\\evil.example?q=1", "/%5Cevil.example?q=1#top")]
    {
        let expected = Answer::Redirect { status: 302, location: location.to_owned() };
        assert_eq!(walk(&image, target, &[], &[]).0, expected, "{target}");
    }
}

#[test]
fn conditions_choose_and_capture() {
    let config = json!({ "redirects": [
        { "source": "/a", "has": [{ "type": "header", "key": "X-Who", "value": "(?<who>\\w+)!" }], "destination": "/h/:who" },
        { "source": "/a", "has": [{ "type": "cookie", "key": "who" }], "destination": "/c/:who" },
        { "source": "/a", "has": [{ "type": "query", "key": "who" }], "destination": "/q/:who" },
        { "source": "/a", "has": [{ "type": "query", "key": "n", "value": { "gte": 10, "lt": 20.5 } }], "destination": "/n" },
        { "source": "/a", "missing": [{ "type": "header", "key": "authorization" }], "destination": "/login" },
        { "source": "/:rest*", "has": [{ "type": "host", "value": "(?<sub>[^.]+)\\.example" }], "destination": "/:sub" },
    ] });
    for (target, fields, location) in [
        ("/a", vec![("x-who", "ada!")], "/h/ada"),
        ("/a", vec![("x-who", "ada!?"), ("cookie", "a=b; who=bob")], "/c/bob"),
        ("/a?who=c%0d%0ad", vec![], "/q/c%0D%0Ad?who=c%0d%0ad"),
        ("/a?n=20.49", vec![], "/n?n=20.49"),
        ("/a?n=9.9", vec![], "/login?n=9.9"),
        ("/a", vec![("authorization", "x")], "/shop"),
        ("/b", vec![], "/shop"),
    ] {
        assert_eq!(answer(&config, target, &fields), redirect(location), "{target} {fields:?}");
    }
    let image = image(&lowered(&config));
    let names: Vec<&str> = RouteTable::load(&image).unwrap().field_names().collect();
    assert_eq!(names, ["authorization", "cookie", "x-who"]);
}

#[test]
fn headers_of_routes_that_go_on_reach_the_answer() {
    let config = json!({ "headers": [
        { "source": "/(.*)", "headers": [{ "key": "X-A", "value": "1" }, { "key": "X-B", "value": "2" }] },
        { "source": "/api/:name", "headers": [{ "key": "x-b", "value": "is :name" }] },
    ], "rewrites": [{ "source": "/never", "destination": "/x" }] });
    let image = image(&lowered(&config));
    let (_, gathered) = walk(&image, "/api/item", &[], &["/api/item"]);
    let set = |name: &str, value: &str| Header { name: name.to_owned(), value: Some(value.to_owned()) };
    assert_eq!(gathered.headers, [set("x-a", "1"), set("x-b", "is item")]);
    assert_eq!(walk(&image, "/nope", &[], &[]).1.headers.len(), 2);
}

#[test]
fn a_header_of_null_is_removed() {
    let routes = json!([{ "src": "^/", "continue": true, "headers": { "ETag": null } }]);
    let removed = Header { name: "etag".to_owned(), value: None };
    assert_eq!(walk(&image(&routes), "/a", &[], &["/a"]).1.headers, [removed]);
}

#[test]
fn statuses_and_the_error_phase_answer_what_nothing_else_does() {
    let routes = json!([
        { "src": "^/private$", "status": 403 },
        { "src": "^/teapot$", "status": 418, "dest": "/nowhere" },
        { "handle": "error" },
        { "src": "^/docs/.*$", "dest": "/docs/404.html", "status": 404 },
        { "src": "^/gone$", "status": 410 },
    ]);
    let image = image(&routes);
    let at = |target| walk(&image, target, &[], &["/docs/404.html"]).0;
    assert_eq!(at("/private"), Answer::Status(403));
    let nowhere = Target { path: "/nowhere".to_owned(), query: String::new() };
    assert_eq!(at("/teapot"), Answer::Missing { target: nowhere, status: Some(418) });
    let page = Target { path: "/docs/404.html".to_owned(), query: String::new() };
    assert_eq!(at("/docs/x"), Answer::Here { target: page, status: Some(404) });
    assert_eq!(at("/gone"), Answer::Status(410));
    assert_eq!(at("/x"), missing("/x"));
}

#[test]
fn case_counts_where_a_route_says_so() {
    let routes = json!([
        { "src": "^/Exact$", "dest": "/yes", "caseSensitive": true },
        { "src": "^/any/(.*)$", "dest": "/yes" },
    ]);
    let image = image(&routes);
    for (target, found) in [("/Exact", true), ("/exact", false), ("/ANY/X", true)] {
        assert_eq!(matches!(walk(&image, target, &[], &["/yes"]).0, Answer::Here { .. }), found, "{target}");
    }
}

#[test]
fn transforms_are_filled_and_keep_what_they_do_not_know() {
    let routes = json!([{ "src": "^/(?<name>[a-z]+)/(.*)$", "continue": true, "transforms": [
        { "type": "response.headers", "op": "set", "target": { "key": "x-$name" }, "args": "$2 $HOME $9" },
        { "type": "request.query", "op": "append", "target": { "key": { "pre": "utm_" } }, "args": ["a", "$name"] },
    ] }]);
    let image = image(&routes);
    let (_, gathered) = walk(&image, "/docs/a/b", &[], &["/docs/a/b"]);
    let [set, append] = gathered.transforms.as_slice() else { panic!("{gathered:?}") };
    assert!(matches!(&set.key, KeyRule::Name(name) if name == "x-docs"));
    assert_eq!(set.arguments.as_deref(), Some(&["a/b $HOME $9".to_owned()][..]));
    assert_eq!(append.arguments.as_deref(), Some(&["a".to_owned(), "docs".to_owned()][..]));
    assert!(matches!(append.key, KeyRule::Conditions(names) if names.allow("utm_x") && !names.allow("x")));
    assert_eq!(gathered.response_transforms().len(), 2);
}

#[test]
fn what_the_edge_cannot_do_is_told() {
    let routes = json!([
        { "src": "^(?<=a)b$", "dest": "/x" },
        { "src": "^/a$", "locale": { "redirect": { "en": "/en" } } },
        { "src": "^/b$", "destination": { "type": "service", "service": "web" } },
        { "src": "^/c$", "dest": "/$HOME", "env": ["HOME"] },
        { "src": "^/d$", "headers": { "bad name": "x" } },
        { "src": "^/e$", "headers": { "x": "a\nb" } },
        { "src": "^/f$", "has": [{ "type": "host", "value": "(" }] },
        { "src": "^/g$", "status": 604 },
        { "src": "^/h$", "status": 70_000 },
        { "src": "^/i$", "status": 304, "dest": "/" },
    ]);
    let (image, refused) = build(routes.as_array().unwrap(), TableOptions::default()).unwrap();
    assert_eq!(refused.len(), 10);
    assert!(refused.iter().all(|refusal| !refusal.text.is_empty() && !refusal.reason.is_empty()));
    assert!(matches!(walk(&image, "/c", &[], &["/"]).0, Answer::Here { .. }), "only `env` is left out");
}

#[test]
fn many_routes_cost_a_request_what_one_does() {
    let rule = |index: usize| json!({ "source": format!("/old/{index}/:path*"), "destination": format!("/new/{index}/:path*") });
    let cost = |count: usize| {
        let image = image(&lowered(&json!({ "redirects": (0..count).map(rule).collect::<Vec<_>>() })));
        let mut budget = Budget::default();
        let before = budget.left();
        let target = Target { path: format!("/old/{}/x", count - 1), query: String::new() };
        let request = RouteRequest { method: "GET", host: "", field: &|_| None };
        let (answer, _) = RouteTable::load(&image).unwrap().walk(&target, &request, &Listed(&[]), &mut budget);
        assert_eq!(answer, redirect(&format!("/new/{}/x", count - 1)));
        before - budget.left()
    };
    assert_eq!(cost(1), cost(2000));
}

proptest! {
    #[test]
    fn the_index_never_hides_a_route(
        sources in prop::collection::vec(prop::sample::select(vec![
            "^/a$", "^/a/b$", "^/A/(.*)$", "^/a/b/([^/]+?)$", "^(?:/(.*))$", "^/a-(.*)$", "^/a(?:/b)?$", "^/a/$", "^a/b$",
            "^//b$", "^/$", "^/é/(.*)$", "^/(?:a|b)/c$", "^/a/b.*$", "^/a", "^/a/", "/b",
        ]), 1..12),
        path in prop::sample::select(vec![
            "/", "/a", "/a/", "/a/b", "/a/b/c", "/A/B", "/a-x", "//b", "/é/x", "/b/c", "/a/bc", "/a/b/c/d",
        ]),
    ) {
        let routes: Vec<Value> = sources.iter().enumerate()
            .map(|(index, source)| json!({ "src": source, "status": 305 + index })).collect();
        let image = image(&Value::Array(routes.clone()));
        let first = sources.iter().position(|source| {
            let one = self::image(&json!([{ "src": source, "status": 300 }]));
            pass(&one, path).is_some()
        });
        prop_assert_eq!(pass(&image, path).map(usize::from), first);
    }

    #[test]
    fn damaged_images_are_safe(at in 0_usize..2000, value: u8, cut in 0_usize..2000, path in "(/[a-z]{0,4}){0,4}") {
        let mut image = image(&lowered(&json!({ "cleanUrls": true, "redirects": [
            { "source": "/a/:b*", "destination": "/c/:b*", "has": [{ "type": "cookie", "key": "x", "value": { "inc": ["y"] } }] },
            { "source": "/(a+)+", "destination": "/d", "missing": [{ "type": "query", "key": "x", "value": "(?<y>.*)" }] },
        ], "headers": [{ "source": "/(.*)", "headers": [{ "key": "x", "value": "y" }] }] })));
        let length = image.len();
        image[at % length] = value;
        image.truncate(length - cut % length / 4);
        if let Some(table) = RouteTable::load(&image) {
            let request = RouteRequest { method: "GET", host: "", field: &|_| Some("x=y") };
            let target = Target { path, query: "x=1".to_owned() };
            let mut budget = Budget::default();
            let _ = table.walk(&target, &request, &Listed(&["/a"]), &mut budget);
            let _ = table.field_names().count();
        }
    }
}

/// The route that ends the first phase for `path`.
fn pass(image: &[u8], path: &str) -> Option<u16> {
    let request = RouteRequest { method: "GET", host: "", field: &|_| None };
    let target = Target { path: path.to_owned(), query: String::new() };
    RouteTable::load(image)
        .unwrap()
        .pass(Phase::Start, &target, &mut Gathered::default(), &request, None, &mut Budget::default())
        .route
}
