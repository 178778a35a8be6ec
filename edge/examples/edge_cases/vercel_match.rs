//! Suite `vercel-match`: does a source match a path, and where the request goes.

use miaobu_edge::rules::regex::Budget;
use miaobu_edge::rules::route_table::{Gathered, Phase, RouteRequest, RouteTable, TableOptions, Target, build};
use miaobu_edge::rules::vercel::{
    lower_clean_urls, lower_headers, lower_redirects, lower_rewrites, lower_trailing_slash,
};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let rules = std::slice::from_ref(&case["rule"]);
    let flag = |index: usize| case["args"][index].as_bool().unwrap_or(false);
    let routes = match case["section"].as_str() {
        Some("redirects") => lower_redirects(rules),
        Some("rewrites") => lower_rewrites(rules, &["nextInternalLocale"]),
        Some("headers") => lower_headers(rules),
        Some("cleanUrls") => Ok(lower_clean_urls(flag(1))),
        Some("trailingSlash") => Ok(lower_trailing_slash(flag(0))),
        _ => {
            return Outcome::Fail { got: Value::Null, why: "the section is not known".to_owned() };
        }
    };
    let index = case["route_index"].as_u64().unwrap_or(0) as usize;
    let Some(mut route) = routes.ok().and_then(|routes| routes.into_iter().nth(index)) else {
        return Outcome::Fail { got: Value::Null, why: "the rule is refused".to_owned() };
    };
    if let Some(src) = case["route_src"].as_str()
        && route["src"] != src
    {
        return Outcome::Fail { got: route, why: format!("the route's expression is not {src}") };
    }
    // These cases are about the source and the substitution: conditions are not part of the request, and a destination
    // is wanted as it comes out, before it is looked up.
    for name in ["has", "missing", "check"] {
        route.as_object_mut().and_then(|route| route.remove(name));
    }
    if route.get("dest").is_some() {
        route["continue"] = json!(true);
    }
    let image = match build(&[route], TableOptions { case_sensitive: true, rooted: true, decoded: false }) {
        Ok((image, _)) => image,
        Err(refused) => {
            return Outcome::Fail { got: json!(format!("{refused:?}")), why: "refused".to_owned() };
        }
    };
    Outcome::of(&case["expect"], matched(&image, case["path"].as_str().unwrap_or_default()))
}

fn matched(image: &[u8], path: &str) -> Value {
    let Some(table) = RouteTable::load(image) else {
        return json!({ "error": "the image does not load" });
    };
    let request = RouteRequest { method: "GET", host: "localhost", field: &|_| None };
    let target = Target { path: path.to_owned(), query: String::new() };
    let mut gathered = Gathered::default();
    let passed = table.pass(Phase::Start, &target, &mut gathered, &request, None, &mut Budget::default());
    let location = gathered.headers.iter().find(|header| header.name == "location").map(|header| header.value.clone());
    json!({
        "match": passed.found || passed.changed,
        "destination": passed.target.path,
        "location": location,
        "status": passed.status,
    })
}
