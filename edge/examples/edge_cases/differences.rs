//! Where we differ from a peer on purpose: the reviewed list of unclaimed cases.
//!
//! By rule and not by id, so that other cases of the same suites fall under the same reasons.

use serde_json::Value;

/// Tells whether a case falls under a difference.
type Applies = fn(&Value) -> bool;

/// Suite, rule, reason in one line.
const DIFFERENCES: &[(&str, Applies, &str)] = &[
    (
        "redirects-match",
        has_prefixed_placeholder,
        "a placeholder is replaced by its exact name; the peers also replace it where it begins a longer name",
    ),
    (
        "headers-match",
        has_prefixed_placeholder,
        "a placeholder is replaced by its exact name; the peers also replace it where it begins a longer name",
    ),
    (
        "redirects-parse",
        |case| case["input"].to_string().contains("rate_limit"),
        "rate limits of single rules are not offered, and the diagnostics say so",
    ),
    (
        "function-routing",
        |case| case["expect"]["error"] == true && case["config"]["has_function"] == false,
        "rules for a function that is not there are refused at deploy; at the edge the assets answer",
    ),
    (
        "headers-parse",
        has_line_without_colon,
        "a line that is neither a path nor a field is refused with its number; the peer drops it silently",
    ),
    (
        "hosts-trailing-slash",
        |case| case["dialect"] == "vercel",
        "answered by vercel.json's route table, which this suite does not run through yet",
    ),
    (
        "hosts-trailing-slash",
        |case| !matches!(case["dialect"].as_str(), Some("cloudflare-pages")) && case["config"]["pretty_urls"] != true,
        "these hosts answer one page at several URLs; here every page has one, and the others redirect to it",
    ),
    (
        "http-static",
        |case| names_option(case, &["acceptRanges", "cacheControl", "etag", "lastModified", "maxAge", "immutable"]),
        "ranges and validators can't be switched off, and Cache-Control is set by header rules",
    ),
    (
        "http-static",
        |case| case["config"]["dotfiles"] == "deny",
        "hidden files are not deployed, and what is not deployed is 404",
    ),
    (
        "http-static",
        |case| case["expect"]["file"].as_str().is_some_and(|file| file.starts_with('/')) && has_other_index(case),
        "the page of a folder is index.html",
    ),
    ("sirv", has_other_index, "the page of a folder is index.html"),
    (
        "http-static",
        |case| case["expect"]["status"] == 400,
        "a path that does not decode is looked up as it is, and is 404 when no file has that name",
    ),
    (
        "http-static",
        |case| case["expect"]["headers"].get("content-security-policy").is_some(),
        "error pages of our own have a style sheet within",
    ),
    (
        "precompressed",
        |case| !case["expect"]["file"].is_null() && !has_plain_file(case),
        "variants are made from a file, so none is there without it",
    ),
    (
        "sirv",
        |case| case["config"]["extensions"].as_array().is_some_and(|list| list.iter().any(|name| name != "html")),
        "only .html is left out of URLs",
    ),
    (
        "sirv",
        |case| !matches!(case["config"]["ignores"], Value::Null | Value::Bool(_)),
        "the shell answers navigations or everything; patterns of one's own are written as rewrites",
    ),
    (
        "sirv",
        |case| case["expect"]["headers"]["content-type"] == "",
        "a file of unknown type is application/octet-stream",
    ),
    (
        "sirv",
        |case| case["expect"]["status"] == 304,
        "a 304 carries the tag (RFC 9110, 15.4.5), and files have a Cache-Control unless a header rule removes it",
    ),
    ("sirv", |case| names_option(case, &["maxAge", "immutable"]), "Cache-Control is set by header rules"),
];

/// Why the case is not claimed, or `None` when it is.
pub fn reason(suite: &str, case: &Value) -> Option<&'static str> {
    let difference = DIFFERENCES.iter().find(|(of, applies, _)| *of == suite && applies(case))?;
    Some(difference.2)
}

/// Whether the name of one placeholder of a rule begins another's. GitLab reads whole names, as we do.
fn has_prefixed_placeholder(case: &Value) -> bool {
    let texts = [&case["rules_text"], &case["rules"], &case["template"]].map(|text| match text {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    });
    case["dialect"] != "gitlab-pages"
        && texts.iter().flat_map(|text| text.split(['\n', '{'])).any(|rule| {
            let names: Vec<&str> = rule
                .split(':')
                .skip(1)
                .map(|rest| {
                    rest.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_').next().unwrap_or(rest)
                })
                .filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
                .collect();
            names.iter().any(|name| names.iter().any(|other| other != name && other.starts_with(name)))
        })
}

fn has_line_without_colon(case: &Value) -> bool {
    let files = case["input"]["files"].as_array().into_iter().flatten();
    let lines: Vec<_> = files.filter_map(|file| file["text"].as_str()).flat_map(str::lines).map(str::trim).collect();
    case["dialect"] == "netlify"
        && lines.iter().any(|line| !line.is_empty() && !line.starts_with(['/', '#']) && !line.contains(':'))
}

fn names_option(case: &Value, options: &[&str]) -> bool {
    options.iter().any(|option| case["config"].get(option).is_some())
}

/// Whether the file that is expected is a folder's page by another name than ours, or none at all.
fn has_other_index(case: &Value) -> bool {
    let file = case["expect"]["file"].as_str().unwrap_or_default();
    let path = case["request"]["path"].as_str().unwrap_or_default();
    file.ends_with("/index.htm") || path.ends_with('/') && !file.is_empty() && !file.ends_with("/index.html")
}

/// Whether the variant that is expected lies beside its file.
fn has_plain_file(case: &Value) -> bool {
    let file = case["expect"]["file"].as_str().unwrap_or_default();
    let suffixes = case["config"]["suffix"].as_object().into_iter().flatten().filter_map(|(_, suffix)| suffix.as_str());
    let plain = suffixes.into_iter().find_map(|suffix| file.strip_suffix(suffix)).unwrap_or(file);
    case["files"].as_array().into_iter().flatten().any(|stored| stored["path"] == plain)
}
