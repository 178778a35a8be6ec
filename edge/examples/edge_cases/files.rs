//! Suites of whole responses in which only files matter: `html-handling`, `hosts-trailing-slash`, `http-static`, `sirv` and
//! `precompressed`, and what `pages-e2e` has on early hints.

use miaobu_edge::build::{SiteSettings, links};
use miaobu_edge::{Coding, HtmlHandling, Shell};
use serde_json::{Value, json};

use crate::outcome::Outcome;
use crate::whole::{Deployment, deploy, run};

/// Runs a case of `html-handling`.
pub fn html_handling(case: &Value) -> Outcome {
    let html_handling = match case["config"]["html_handling"].as_str() {
        Some("force-trailing-slash") => HtmlHandling::Force,
        Some("drop-trailing-slash") => HtmlHandling::Drop,
        Some("none") => HtmlHandling::Off,
        _ => HtmlHandling::Auto,
    };
    let single = case["config"]["not_found_handling"] == "single-page-application";
    let shell = if single { Shell::All } else { Shell::Off };
    served(case, SiteSettings { html_handling, shell, temporary_redirects: true, ..SiteSettings::default() })
}

/// Runs a case of `hosts-trailing-slash`.
pub fn hosts(case: &Value) -> Outcome {
    served(case, SiteSettings::default())
}

/// Runs a case of `http-static`.
pub fn http_static(case: &Value) -> Outcome {
    let hidden = case["config"]["dotfiles"] == "allow";
    deployed(case, &Deployment { hidden, ..Deployment::default() })
}

/// Runs a case of `sirv`, which serves pages without a slash.
pub fn sirv(case: &Value) -> Outcome {
    let config = &case["config"];
    let shell = match (&config["single"], &config["ignores"]) {
        (Value::Null | Value::Bool(false), _) => Shell::Off,
        (_, Value::Bool(false)) => Shell::All,
        _ => Shell::Navigations,
    };
    let settings = SiteSettings { html_handling: HtmlHandling::Drop, shell, ..SiteSettings::default() };
    deployed(case, &Deployment { settings, hidden: config["dotfiles"] == true, ..Deployment::default() })
}

/// Runs a case of `precompressed`.
pub fn precompressed(case: &Value) -> Outcome {
    let config = &case["config"];
    let on: Vec<_> = config["precompressed"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let codings = Coding::ALL
        .into_iter()
        .filter(|coding| on.contains(&coding.name()))
        .filter_map(|coding| Some((coding, config["suffix"][coding.name()].as_str()?)))
        .collect();
    // The peers serve a page under its file's name as well.
    let by_name = case["request"]["path"].as_str().is_some_and(|path| path.ends_with(".html"));
    let html_handling = if by_name { HtmlHandling::Off } else { HtmlHandling::Drop };
    let settings = SiteSettings { html_handling, ..SiteSettings::default() };
    deployed(case, &Deployment { settings, codings, ..Deployment::default() })
}

/// Runs a case of `pages-e2e`, as far as files and their markup matter.
pub fn pages(case: &Value) -> Outcome {
    match case["op"].as_str() {
        Some("early_hints") => early_hints(case),
        _ => Outcome::Unclaimed { why: "rules and whole responses of this peer are not run yet" },
    }
}

/// Targets are compared as a client reads them: resolved against the
/// page's URL.
fn early_hints(case: &Value) -> Outcome {
    let input = &case["input"];
    let html = input["content_type"].as_str().is_some_and(|content_type| content_type.starts_with("text/html"));
    let link = if html { links::extract(input["html"].as_str().unwrap_or_default().as_bytes()) } else { None };
    let link = resolved(link.as_deref().unwrap_or_default(), input["request_url"].as_str().unwrap_or_default());
    let parts = |name: &str| case["expect"][name].as_array().cloned().unwrap_or_default();
    let holds = |part: &Value| link.contains(part.as_str().unwrap_or_default());
    let missing = parts("link_contains").iter().any(|part| !holds(part));
    let extra = parts("link_not_contains").iter().any(holds);
    let whole = case["expect"].get("link").is_some_and(|expected| expected.as_str().unwrap_or_default() != link);
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

fn served(case: &Value, settings: SiteSettings) -> Outcome {
    deployed(case, &Deployment { settings, ..Deployment::default() })
}

fn deployed(case: &Value, deployment: &Deployment<'_>) -> Outcome {
    match deploy(case, deployment) {
        Ok(deployed) => run(case, &deployed, &deployment.codings),
        Err(why) => Outcome::Fail { got: Value::Null, why },
    }
}
