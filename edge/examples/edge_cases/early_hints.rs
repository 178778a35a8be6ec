//! What `pages-e2e` has beside whole responses: early hints, the `Link` header that a page's markup comes to, and the start
//! of a `Location`.

use miaobu_edge::build::links;
use miaobu_edge::without_leading_slashes;
use serde_json::{Value, json};

use super::outcome::Outcome;

/// Runs one case. Targets are compared as a client reads them: resolved against the page's URL.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    if case["op"] == "strip_leading_slashes" {
        let text = input.as_str().unwrap_or_default();
        let rest = without_leading_slashes(text);
        let output = if rest == text { rest.to_owned() } else { format!("/{rest}") };
        return Outcome::of(&case["expect"], json!({ "output": output }));
    }
    let html = input["content_type"].as_str().is_some_and(|content_type| content_type.starts_with("text/html"));
    let link = if html { links::extract(input["html"].as_str().unwrap_or_default().as_bytes()) } else { None };
    let url = input["request_url"].as_str().unwrap_or_default();
    let link = resolved(link.as_deref().unwrap_or_default(), url);
    let parts = |name: &str| case["expect"][name].as_array().cloned().unwrap_or_default();
    let holds = |part: &Value| link.contains(part.as_str().unwrap_or_default());
    let missing = parts("link_contains").iter().any(|part| !holds(part));
    let extra = parts("link_not_contains").iter().any(holds);
    let whole =
        case["expect"].get("link").is_some_and(|expected| resolved(expected.as_str().unwrap_or_default(), url) != link);
    if missing || extra || whole {
        return Outcome::Fail { why: format!("/link: got {link}"), got: json!({ "link": link }) };
    }
    Outcome::Pass
}

fn resolved(link: &str, url: &str) -> String {
    let path_at = url.find("://").map_or(0, |at| at + 3);
    let origin_end = url[path_at..].find('/').map_or(url.len(), |at| path_at + at);
    let (origin, folder) = (&url[..origin_end], &url[..=url.rfind('/').unwrap_or(0)]);
    let target = |target: &str| match target {
        _ if target.contains("://") => target.to_owned(),
        _ if target.starts_with("//") => format!("{}{target}", &origin[..path_at.saturating_sub(2)]),
        _ if target.starts_with('/') => format!("{origin}{target}"),
        _ => format!("{folder}{target}"),
    };
    let mut parts = link.split('<');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('>').unwrap_or((part, ""));
        out.push_str(&format!("<{}>{rest}", target(name)));
    }
    out
}
