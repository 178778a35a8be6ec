//! Suite `vercel-config`: vercel.json lowered to the route table, and what is refused.

use miaobu_edge::rules::vercel::{
    Build, ConfigError, Schema, append_to_phase, clean_urls, lower, lower_headers, lower_redirects, lower_rewrites,
    merge, normalize, validate,
};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    match case["op"].as_str() {
        Some("lower_config") => Outcome::of(&case["expect"], lowered(lower(&case["config"]))),
        Some("lower_rule") => lower_rule(case),
        Some("normalize_routes") => {
            let Some(routes) = case["routes"].as_array() else {
                return Outcome::of(&case["expect"], json!({ "routes": null, "error": null }));
            };
            let (routes, messages) = normalize(routes);
            let error = json!({ "code": "invalid_route", "message": messages.first(), "messages": messages });
            Outcome::of(
                &case["expect"],
                json!({ "routes": routes, "error": if messages.is_empty() { Value::Null } else { error } }),
            )
        }
        Some("validate_schema") => validate_schema(case),
        Some("append_to_phase") => {
            let input = &case["input"];
            let routes = append_to_phase(list(&input["routes"]), list(&input["newRoutes"]), input["phase"].as_str());
            Outcome::of(&case["expect"], json!({ "routes": routes }))
        }
        Some("merge_routes") => {
            let input = &case["input"];
            let builds: Vec<Build<'_>> = list(&input["builds"]).iter().map(build).collect();
            Outcome::of(&case["expect"], json!({ "routes": merge(list(&input["userRoutes"]), &builds) }))
        }
        Some("clean_urls") => {
            let files: Vec<&str> = list(&case["files"]).iter().filter_map(Value::as_str).collect();
            let pairs: Vec<Value> =
                clean_urls(&files).into_iter().map(|(html, clean)| json!({ "html": html, "clean": clean })).collect();
            Outcome::of(&case["expect"], json!({ "clean_urls": pairs }))
        }
        _ => Outcome::Unclaimed { why: "unknown operation" },
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn lowered(result: Result<Option<Vec<Value>>, ConfigError>) -> Value {
    match result {
        Ok(routes) => json!({ "routes": routes, "error": null }),
        Err(error) => json!({
            "routes": null,
            "error": { "code": error.code, "message": error.message(), "messages": error.messages },
        }),
    }
}

fn lower_rule(case: &Value) -> Outcome {
    let rules = std::slice::from_ref(&case["rule"]);
    let internal: Vec<&str> = list(&case["internal_params"]).iter().filter_map(Value::as_str).collect();
    let routes = match case["section"].as_str() {
        Some("redirects") => lower_redirects(rules),
        Some("rewrites") => lower_rewrites(rules, &internal),
        Some("headers") => lower_headers(rules),
        _ => {
            return Outcome::Unclaimed { why: "unknown section" };
        }
    };
    match routes {
        Ok(routes) => Outcome::of(&case["expect"], json!({ "route": routes.first() })),
        Err(error) => Outcome::of(&case["expect"], json!({ "error": error.message() })),
    }
}

fn validate_schema(case: &Value) -> Outcome {
    let schema = match case["schema"].as_str() {
        Some("routesSchema") => Schema::Routes,
        Some("redirectsSchema") => Schema::Redirects,
        Some("rewritesSchema") => Schema::Rewrites,
        Some("headersSchema") => Schema::Headers,
        Some("cleanUrlsSchema") => Schema::CleanUrls,
        Some("trailingSlashSchema") => Schema::TrailingSlash,
        Some("hasSchema") => Schema::Has,
        Some("transformsSchema") => Schema::Transforms,
        _ => {
            return Outcome::Unclaimed { why: "unknown schema" };
        }
    };
    let got = match validate(schema, &case["data"]) {
        Ok(()) => json!({ "valid": true }),
        Err(problems) => {
            let mut at: Vec<String> = problems.into_iter().map(|problem| problem.at).collect();
            at.sort();
            at.dedup();
            json!({ "valid": false, "at": at })
        }
    };
    Outcome::of(&case["expect"], got)
}

fn build(build: &Value) -> Build<'_> {
    Build {
        entrypoint: build["entrypoint"].as_str().unwrap_or_default(),
        builder: build["use"].as_str().unwrap_or_default(),
        routes: list(&build["routes"]),
    }
}
