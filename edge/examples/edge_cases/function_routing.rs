//! Suite `function-routing`: who answers, the assets or the function?

use miaobu_edge::build::{SiteBuilder, SiteSettings};
use miaobu_edge::rules::functions::{
    FunctionRules, ImageGuard, Route, Routing, any_matches, compile, image_guard, is_blocked_content, keeps_not_found,
    parse, reserved_path, route,
};
use miaobu_edge::rules::redirects::{Limits, RedirectRule, Redirects, RuleRequest, compile as compile_redirects};
use miaobu_edge::rules::{Dialect, canonical_path};
use miaobu_edge::{Decision, HtmlHandling, Lookup, Method, Request, RouteRecord, Settings, Shell, Site, decide};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let expect = &case["expect"];
    match case["op"].as_str() {
        Some("parse_rules") => Outcome::of(&without_words(expect), parsed(&strings(&case["input"]))),
        Some("glob_rules_match") => {
            let (_, path, _) = split(&case["request"]["url"]);
            let rules = strings(&case["rules"]);
            let matches = any_matches(rules.iter().map(String::as_str), &canonical_path(path));
            Outcome::of(expect, json!({ "match": matches }))
        }
        Some("assets_would_answer") => Outcome::of(expect, json!({ "assets": assets_would_answer(case) })),
        _ => Outcome::of(expect, routed(case)),
    }
}

/// The wording of problems is ours.
fn without_words(expect: &Value) -> Value {
    let mut expect = expect.clone();
    if let Some(expect) = expect.as_object_mut() {
        expect.remove("message");
    }
    expect
}

fn parsed(rules: &[String]) -> Value {
    match parse(rules) {
        Ok(rules) => json!({
            "error": false,
            "function_first_rules": rules.function_first,
            "assets_first_rules": rules.assets_first,
        }),
        Err(problems) => json!({ "error": true, "message": problems.join("\n") }),
    }
}

fn routed(case: &Value) -> Value {
    let (config, given, request) = (&case["config"], &case["given"], &case["request"]);
    let (host, path, query) = split(&request["url"]);
    if reserved_path(path) {
        let path = path.replace('\\', "/");
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let location = format!("https://{host}{path}{query}");
        return json!({ "handler": null, "status": 307, "location": location });
    }
    let rules = FunctionRules {
        function_first: strings(&config["function_first_rules"]),
        assets_first: strings(&config["assets_first_rules"]),
    };
    let image = compile(&rules);
    let has_rules = !rules.function_first.is_empty() || !rules.assets_first.is_empty();
    let routing = Routing {
        has_function: config["has_function"] == true,
        function_limited: config["function_quota_exhausted"] == true,
        function_first: config["function_first"] == true,
        rules: if has_rules { &image } else { &[] },
    };
    let to_function = match route(routing, &canonical_path(path)) {
        Route::Assets => false,
        Route::Function => true,
        Route::AssetsThenFunction => given["assets_would_answer"] != true,
    };
    if !to_function {
        return json!({ "handler": "assets" });
    }
    if let Some(status) = routing.refusal() {
        return json!({ "handler": null, "status": status });
    }
    let header = |name: &str| request["headers"][name].as_str();
    let is_get = request["method"] == "GET";
    match image_guard(path, query, host, is_get, header("sec-fetch-dest")) {
        ImageGuard::Block => return json!({ "handler": null, "status": 403 }),
        ImageGuard::Pass | ImageGuard::CheckContent if given["function_response"].is_null() => {
            return json!({ "handler": "function", "status": 200 });
        }
        ImageGuard::CheckContent => {
            let response = &given["function_response"];
            let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
            if is_blocked_content(status, response["content_type"].as_str()) {
                return json!({ "handler": "function", "status": 403 });
            }
        }
        ImageGuard::Pass => {}
    }
    json!({ "handler": "function", "status": given["function_response"]["status"] })
}

/// Asks the core, as for a project without a function, and tells an answer of the assets' own from a miss.
fn assets_would_answer(case: &Value) -> bool {
    let (config, request) = (&case["config"], &case["request"]);
    if has_redirect(config, request["path"].as_str().unwrap_or("/")) {
        return true;
    }
    let header = |name: &str| request["headers"][name].as_str();
    let routing = Routing {
        has_function: true,
        rules: if config["has_static_routing"] == true { &[0] } else { &[] },
        ..Routing::default()
    };
    let keeps = keeps_not_found(routing, config["navigation_prefers_assets"] == true, header("sec-fetch-mode"));
    let handling = config["not_found_handling"].as_str().filter(|_| keeps);
    let mut builder = SiteBuilder::new(SiteSettings {
        html_handling: match config["html_handling"].as_str() {
            Some("force-trailing-slash") => HtmlHandling::Force,
            Some("drop-trailing-slash") => HtmlHandling::Drop,
            Some("none") => HtmlHandling::Off,
            _ => HtmlHandling::Auto,
        },
        shell: if handling == Some("single-page-application") { Shell::All } else { Shell::Off },
        ..SiteSettings::default()
    });
    for (index, file) in (0..).zip(case["files"].as_array().into_iter().flatten()) {
        let path = file["path"].as_str().unwrap_or_default();
        builder.file(path, &[index; 32], 1).expect("the path of a case is a file's");
    }
    let site = Site::load(builder.finish().expect("a case's site is small")).expect("a site just built");
    let record = RouteRecord { site: Some("site".to_owned()), ..RouteRecord::of_static("case", "case", 1) };
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let method = Method::parse(request["method"].as_str().unwrap_or("GET"));
    let mut asked = Request::new(method, "case.localhost", request["path"].as_str().unwrap_or("/"));
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        asked.header(name, value.as_str().unwrap_or_default());
    }
    match decide(&lookup, &asked, &Settings::default()) {
        Decision::Serve(serve) => serve.head.status == 200 || handling == Some("404-page"),
        Decision::Refuse { head, .. } => head.status == 405,
        Decision::Redirect(_) | Decision::NotModified(_) => true,
        _ => false,
    }
}

/// Whether a redirect or rewrite answers: even one that leads nowhere is the assets' own answer.
fn has_redirect(config: &Value, target: &str) -> bool {
    let rules = ["static_redirects", "dynamic_redirects"].into_iter().flat_map(|kind| config[kind].as_array());
    let rules: Vec<_> = rules
        .flatten()
        .map(|rule| RedirectRule {
            from: rule["from"].as_str().unwrap_or_default().to_owned(),
            to: rule["to"].as_str().unwrap_or_default().to_owned(),
            status: rule["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
            ..RedirectRule::default()
        })
        .collect();
    let compiled = compile_redirects(&rules, Dialect::Cloudflare, Limits::INLINE);
    let path = canonical_path(target.split('?').next().unwrap_or(target));
    let request = RuleRequest { host: "case.localhost", path: &path, ..RuleRequest::default() };
    Redirects::load(&compiled.image).is_some_and(|redirects| redirects.find(&request).rule.is_some())
}

/// Host, path and query of a URL, as raw as they are written.
fn split(url: &Value) -> (&str, &str, &str) {
    let url = url.as_str().unwrap_or_default();
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (host, if path.is_empty() { "/" } else { path }, query)
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
