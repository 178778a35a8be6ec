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
        "assets-e2e",
        |case| case["request"]["method"] == "OPTIONS" && case["expect"]["status"] == 405,
        "OPTIONS is answered with the methods that a file has",
    ),
    (
        "pages-e2e",
        |case| case["expect"]["location"].as_str().is_some_and(|path| path.contains(['\\', '\t'])),
        "a Location holds backslashes and white space encoded, for browsers read them as slashes or not at all",
    ),
    (
        "hosts-trailing-slash",
        |case| {
            case["dialect"] == "vercel"
                && case["expect"]["status"] == 404
                && case["config"]["trailingSlash"].is_boolean()
        },
        "the table tells where a redirect of the slash ends, not the redirect itself",
    ),
    (
        "http-static",
        |case| case["expect"]["headers"].get("content-security-policy").is_some(),
        "error pages of our own have a style sheet within",
    ),
    (
        "http-static",
        |case| case["expect"]["status"] == 500,
        "a setting of a wrong type is refused at deploy, not with each request",
    ),
    (
        "http-static",
        |case| case["expect"]["status"] == 403 && has_in_path(case, ".."),
        "dots that lead above the site end at its top, as in a browser, and what is not there is a 404",
    ),
    (
        "precompressed",
        |case| !case["expect"]["file"].is_null() && !has_plain_file(case),
        "variants are made from a file, so none is there without it",
    ),
    (
        "precompressed",
        |case| case["expect"]["headers"]["content-encoding"] == "deflate",
        "no deflate is made: whoever takes it takes gzip",
    ),
    (
        "sirv",
        |case| case["expect"]["status"] == 404 && has_in_path(case, "%2F"),
        "an escaped slash is a slash, so that no file is out of reach",
    ),
    (
        "sirv",
        |case| case["request"]["headers"]["range"].as_str().is_some_and(|range| !range.contains('-')),
        "a range without its dash is none (RFC 9110, 14.1.1)",
    ),
    (
        "sirv",
        |case| case["expect"]["status"] == 304,
        "a 304 carries the tag (RFC 9110, 15.4.5), and files have a Cache-Control unless a header rule removes it",
    ),
    (
        "netlify-e2e",
        |case| case["expect"]["status"] == 405 && case["expect"].get("body").is_some(),
        "error pages are our own",
    ),
    (
        "netlify-e2e",
        |case| {
            case["expect"]["status"] == 405 && list(&case["files"]).all(|file| file["path"] != case["request"]["path"])
        },
        "only what can be read refuses other methods; what is not there is a 404",
    ),
    (
        "vercel-e2e",
        runs_a_function,
        "what a function answers, or which source file becomes one, is not the edge's to say",
    ),
    ("vercel-e2e", lists_a_folder, "folders are not listed"),
    (
        "vercel-e2e",
        asks_the_internet,
        "the case asks a server on the internet; that the request goes there is tested by our own",
    ),
    (
        "serve-handler",
        |case| case["config"]["etag"] == true && case["expect"]["headers"].get("etag").is_some(),
        "the entity tag names the content in our own way",
    ),
    (
        "serve-handler",
        |case| case["expect"]["status"] == 304 && case["expect"]["headers"].get("etag").is_some_and(Value::is_null),
        "a 304 carries the tag (RFC 9110, 15.4.5)",
    ),
    (
        "serve-handler",
        |case| case["expect"]["status"] == 400 && has_in_path(case, ".."),
        "dots that lead above the site end at its top, as in a browser, and what is not there is a 404",
    ),
    (
        "serve-handler",
        |case| case["expect"]["status"] == 200 && case["expect"]["file"].is_null(),
        "folders are not listed",
    ),
    (
        "serve-handler",
        |case| case["config"]["symlinks"] == true && case["expect"]["status"] == 200,
        "a link that leads out of the site is not deployed",
    ),
    (
        "firebase",
        |case| {
            case["config"]["i18n"].is_object() && !case["expect"]["file"].is_null() && case["expect"]["status"] != 404
        },
        "content by language is done by redirects with Language",
    ),
    (
        "firebase",
        |case| case["config"]["cleanUrls"].is_array(),
        "clean URLs are for all pages or none, as the schema of a firebase.json has it",
    ),
    (
        "firebase",
        |case| !case["config"]["protect"].is_null(),
        "protection is a setting of the project, not of a file in it",
    ),
    (
        "firebase",
        |case| !case["expect"]["headers"]["cache-control"].is_null() && case["expect"]["status"] == 404,
        "a page for a missing file is never kept",
    ),
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

fn has_in_path(case: &Value, part: &str) -> bool {
    case["request"]["path"].as_str().is_some_and(|path| path.contains(part))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn has_line_without_colon(case: &Value) -> bool {
    let files = case["input"]["files"].as_array().into_iter().flatten();
    let lines: Vec<_> = files.filter_map(|file| file["text"].as_str()).flat_map(str::lines).map(str::trim).collect();
    case["dialect"] == "netlify"
        && lines.iter().any(|line| !line.is_empty() && !line.starts_with(['/', '#']) && !line.contains(':'))
}

fn runs_a_function(case: &Value) -> bool {
    let runs = case["expect"]["handler"].as_str().is_some_and(|handler| handler.starts_with("function"));
    let api = case["request"]["path"].as_str().is_some_and(|path| path.trim_start_matches('/').starts_with("api/"));
    let text = ["body", "body_trimmed"].into_iter().find_map(|name| case["expect"][name].as_str());
    let is_files = |text: &str| {
        list(&case["files"]).any(|file| file["body"].as_str().is_some_and(|body| body.trim() == text.trim()))
    };
    runs || list(&case["functions"]).next().is_some() && (api || text.is_some_and(|text| !is_files(text)))
}

/// Whether the case is about what a folder without an index holds.
fn lists_a_folder(case: &Value) -> bool {
    let folder = case["request"]["path"].as_str().unwrap_or_default().split('?').next().unwrap_or_default();
    let index = format!("{folder}index.html");
    case["expect"]["status"] == 200
        && case["expect"].get("body_matches").is_some()
        && folder.ends_with('/')
        && case["config"].as_object().is_none_or(serde_json::Map::is_empty)
        && list(&case["files"]).all(|file| file["path"] != index.as_str())
}

fn asks_the_internet(case: &Value) -> bool {
    let leads_out = |rule: &Value| rule["destination"].as_str().is_some_and(|destination| destination.contains("://"));
    let rewrites = case["config"]["rewrites"].as_array();
    rewrites.is_some_and(|rules| rules.iter().any(leads_out)) && case["expect"].get("body_matches").is_some()
}

/// Whether the variant that is expected lies beside its file.
fn has_plain_file(case: &Value) -> bool {
    let file = case["expect"]["file"].as_str().unwrap_or_default();
    let suffixes = case["config"]["suffix"].as_object().into_iter().flatten().filter_map(|(_, suffix)| suffix.as_str());
    let plain = suffixes.into_iter().find_map(|suffix| file.strip_suffix(suffix)).unwrap_or(file);
    case["files"].as_array().into_iter().flatten().any(|stored| stored["path"] == plain)
}
