use serde_json::{Value, json};

use super::{
    Build, Schema, append_to_phase, clean_urls, lower, lower_headers, lower_redirects, lower_rewrites, merge,
    normalize, validate,
};

fn destination(source: &str, destination: &str) -> Value {
    let rule = json!({ "source": source, "destination": destination });
    lower_rewrites(&[rule], &["locale"]).unwrap()[0]["dest"].clone()
}

fn location(source: &str, destination: &str) -> Value {
    let rule = json!({ "source": source, "destination": destination });
    lower_redirects(&[rule]).unwrap()[0]["headers"]["Location"].clone()
}

#[test]
fn parameters_become_references() {
    for (source, target, lowered) in [
        ("/shop/:item", "/store/:item", "/store/$1"),
        ("/shop/:path*", "/store/:path*/", "/store/$1/"),
        ("/shop/:item(\\d+)", "https://:item.shop.example:81/x", "https://$1.shop.example:81/x"),
        ("/shop/(.*)", "/store/$1", "/store/$1"),
        ("/:a/:b", "/x#:b", "/x#$2"),
        // What is no pattern is still filled in where a parameter is known.
        ("/shop/:item", "/store/:item/(", "/store/$1/("),
        // Names of hosts lose their case, and then their parameter: the peer does so too.
        ("/:subDomain", "https://:subDomain.example/", "https://[:subdomain.example]/"),
    ] {
        assert_eq!(location(source, target), lowered, "{source} {target}");
    }
}

#[test]
fn rewrites_add_unused_parameters_to_the_query() {
    for (source, target, lowered) in [
        ("/u/:id", "/user", "/user?id=$1"),
        ("/u/:id", "/user/:id", "/user/$1"),
        ("/u/:id/:tab", "/user/:id", "/user/$1"),
        ("/u/:id/:tab", "/user?tab=all", "/user?tab=all&id=$1"),
        ("/u/(.*)", "/user", "/user"),
        ("/:locale/:page", "/:locale/x", "/$1/x?locale=$1&page=$2"),
        ("/u/:id", "/user?who=:id&2=b&1=a", "/user?1=a&2=b&who=$1&id=$1"),
    ] {
        assert_eq!(destination(source, target), lowered, "{source} {target}");
    }
}

#[test]
fn captures_of_conditions_win_over_those_of_the_source() {
    let rule = json!({ "source": "/:id", "destination": "/:id/:who/:host", "has": [
        { "type": "header", "key": "X-Who", "value": "(?<who>.*)-(?<id>.*)" },
        { "type": "host", "value": { "re": "a" } },
    ] });
    let route = &lower_rewrites(&[rule], &[]).unwrap()[0];
    assert_eq!(route["dest"], "/$id/$who/$host");
    assert_eq!(route["has"][0]["key"], "x-who");
}

#[test]
fn header_values_are_filled_only_where_a_parameter_is_known() {
    let rule = json!({ "source": "/f/:name", "headers": [
        { "key": "x-:name", "value": "a :name* b: (c) :other?" },
        { "key": "link", "value": "https://cdn.example/:name.css" },
    ] });
    let route = &lower_headers(&[rule]).unwrap()[0];
    assert_eq!(route["headers"], json!({ "x-$1": "a $1 b: (c) :other?", "link": "https://cdn.example/$1.css" }));
    let plain = json!({ "source": "/(.*)", "headers": [{ "key": "x", "value": "a:b" }] });
    assert_eq!(lower_headers(&[plain]).unwrap()[0]["headers"]["x"], "a:b");
}

#[test]
fn statuses_of_redirects_follow_permanent_then_the_code() {
    for (extra, status) in [
        (json!({}), 308),
        (json!({ "permanent": true }), 308),
        (json!({ "permanent": false }), 307),
        (json!({ "statusCode": 301 }), 301),
    ] {
        let mut rule = json!({ "source": "/a", "destination": "/b" });
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(lower_redirects(&[rule]).unwrap()[0]["status"], status);
    }
}

#[test]
fn sections_are_lowered_in_the_order_of_the_phases() {
    let config = json!({
        "rewrites": [{ "source": "/r", "destination": "/x" }],
        "headers": [{ "source": "/h", "headers": [] }],
        "redirects": [{ "source": "/d", "destination": "/x" }],
        "routes": [{ "src": "/o" }],
        "trailingSlash": false,
        "cleanUrls": true,
    });
    let routes = lower(&config).unwrap().unwrap();
    let sources: Vec<&str> = routes.iter().map(|route| route["src"].as_str().unwrap_or("|")).collect();
    assert_eq!(sources[2..], ["^/(.*)/$", "^/o$", "^/d$", "^/h$", "|", "^/r$"]);
    assert_eq!(lower(&json!({ "name": "x" })), Ok(None));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (config, code, start) in [
        (
            json!({ "redirects": [{ "source": "/(", "destination": "/" }] }),
            "invalid_redirect",
            "Redirect at index 0 has invalid `source` regular",
        ),
        (
            json!({ "rewrites": [{ "source": "/:", "destination": "/" }] }),
            "invalid_rewrite",
            "Rewrite at index 0 has invalid `source` pattern",
        ),
        (
            json!({ "rewrites": [{ "source": "/a", "destination": "/:b" }] }),
            "invalid_rewrite",
            "Rewrite at index 0 has segment \":b\"",
        ),
        (
            json!({ "headers": [{ "source": "/a", "headers": [] }, { "source": "/:", "headers": [] }] }),
            "invalid_header",
            "Header at index 1",
        ),
        (
            json!({ "redirects": [{ "source": "/a", "destination": "/", "permanent": true, "statusCode": 301 }] }),
            "invalid_redirect",
            "Redirect at index 0 cannot define both",
        ),
        (json!({ "routes": [{ "src": "/(" }] }), "invalid_route", "Route at index 0 has invalid `src`"),
        (
            json!({ "rewrites": [{ "source": "/a", "destination": "/b", "transforms": [{ "type": "request.path", "op": "set", "args": "/:c" }] }] }),
            "invalid_rewrite",
            "Rewrite at index 0 has an invalid `request.path`",
        ),
    ] {
        let error = lower(&config).unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message().starts_with(start), "{}", error.message());
    }
}

#[test]
fn routes_come_into_one_form_or_are_refused() {
    let (routes, messages) = normalize(&[
        json!({ "source": "/a\\/b", "destination": "/c", "statusCode": 200 }),
        json!({ "handle": "miss" }),
        json!({ "src": "^x$", "dest": "/y", "check": true }),
    ]);
    assert_eq!(messages, [] as [&str; 0]);
    assert_eq!(routes[0], json!({ "src": "^/a/b$", "dest": "/c", "status": 200 }));
    for (routes, message) in [
        (json!([{ "handle": "filesystem", "src": "/" }]), "Route at index 0 has unknown property `src`."),
        (json!([{ "handle": "never" }]), "Route at index 0 has unknown handle value `handle: never`."),
        (
            json!([{ "handle": "hit" }, { "handle": "hit" }]),
            "Route at index 1 is a duplicate. Please use one `handle: hit` at most.",
        ),
        (
            json!([{ "handle": "hit" }, { "src": "/" }]),
            "Route at index 1 must define `continue: true` after `handle: hit`.",
        ),
        (
            json!([{ "handle": "miss" }, { "src": "/", "dest": "/" }]),
            "Route at index 1 must define `check: true` after `handle: miss`.",
        ),
        (json!([{ "dest": "/" }]), "Route at index 0 must define either `src` or `source` property."),
        (
            json!([{ "src": "/", "source": "/" }]),
            "Route at index 0 cannot define both `src` and `source`. Please use only one.",
        ),
    ] {
        assert_eq!(normalize(routes.as_array().unwrap()).1, [message]);
    }
}

#[test]
fn schemas_name_the_first_wrong_value() {
    for (schema, data, at) in [
        (Schema::Redirects, json!([{ "source": "/a", "destination": "/b" }]), vec![]),
        (Schema::Redirects, json!([{ "source": "/a" }]), vec!["[0]"]),
        (Schema::Redirects, json!([{ "source": 1, "destination": 2 }]), vec!["[0].source"]),
        (Schema::Rewrites, json!([{ "source": "/", "destination": 1 }]), vec!["[0].destination"; 3]),
        (
            Schema::Headers,
            json!([{ "source": "/", "headers": [{ "key": "a", "value": "b", "c": 1 }] }]),
            vec!["[0].headers[0]"],
        ),
        (Schema::CleanUrls, json!("yes"), vec![""]),
        (Schema::Routes, json!([{ "src": "/", "headers": { "x-y": 1 } }]), vec!["[0].headers['x-y']", "[0]", "[0]"]),
        (Schema::Has, json!([{ "type": "host", "value": "x" }]), vec![]),
        (Schema::Transforms, json!([{ "type": "request.headers", "op": "delete", "target": { "key": "a" } }]), vec![]),
        (
            Schema::Transforms,
            json!([{ "type": "response.headers", "op": "set", "target": { "key": "a b" }, "args": "c" }]),
            vec!["[0].target.key", "[0]"],
        ),
    ] {
        let found: Vec<String> =
            validate(schema, &data).err().unwrap_or_default().into_iter().map(|problem| problem.at).collect();
        assert_eq!(found, at, "{data}");
    }
}

#[test]
fn tables_are_put_together_by_phase() {
    let handle = |name: &str| json!({ "handle": name });
    let route = |source: &str| json!({ "src": source });
    let table = [route("/a"), handle("filesystem"), route("/b"), handle("miss"), route("/c")];
    for (phase, place) in [(None, 1), (Some("filesystem"), 3), (Some("miss"), 5)] {
        assert_eq!(append_to_phase(&table, &[route("/new")], phase)[place], route("/new"));
    }
    let opened = append_to_phase(&table, &[route("/new")], Some("error"));
    assert_eq!(opened[5..], [handle("error"), route("/new")]);

    let built = [json!({ "src": "/x", "continue": true }), json!({ "src": "/y", "check": true }), route("/z")];
    let builds = [Build { entrypoint: "a", builder: "b", routes: &built }];
    let merged = merge(&[route("/user")], &builds);
    let sources: Vec<&str> = merged.iter().filter_map(|route| route["src"].as_str()).collect();
    assert_eq!(sources, ["/x", "/user", "/y", "/z"]);
}

#[test]
fn pages_lose_their_extension() {
    assert_eq!(
        clean_urls(&["a.html", "/b/c.html", "d.txt"]),
        [("/a.html".to_owned(), "/a".to_owned()), ("/b/c.html".to_owned(), "/b/c".to_owned()),]
    );
}
