//! Where we differ from a peer on purpose: the reviewed list of unclaimed cases.
//!
//! By rule and not by id, so that other cases of the same suites fall under the same reasons. Each rule is as narrow as its
//! reason. The cases under it are run as well: one that passes shows that the rule is wrong, and where the list says what we
//! answer instead, anything else is a failure. `edge/tests/differences` has a case of each.

use serde_json::{Value, json};

/// A reviewed difference.
pub struct Difference {
    /// The suite.
    pub suite: &'static str,
    /// Tells whether a case falls under it.
    applies: fn(&Value) -> bool,
    /// Turns what a peer expects into what we answer; nothing where the case does not say enough for that.
    pub ours: Option<fn(&mut Value)>,
    /// The reason in one line.
    pub why: &'static str,
}

const fn difference(
    suite: &'static str,
    applies: fn(&Value) -> bool,
    ours: Option<fn(&mut Value)>,
    why: &'static str,
) -> Difference {
    Difference { suite, applies, ours, why }
}

const EXACT_NAMES: &str =
    "a placeholder is replaced by its exact name; the peers also replace it where it begins a longer name";
const TOP: &str = "dots that lead above the site end at its top, as in a browser, and what is not there is a 404";

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    difference("redirects-match", has_prefixed_placeholder, None, EXACT_NAMES),
    difference("headers-match", has_prefixed_placeholder, None, EXACT_NAMES),
    difference(
        "redirects-parse",
        |case| case["input"].to_string().contains("rate_limit"),
        None,
        "rate limits of single rules are not offered, and the diagnostics say so",
    ),
    difference(
        "function-routing",
        |case| case["expect"]["error"] == true && case["config"]["has_function"] == false,
        None,
        "rules for a function that is not there are refused at deploy; at the edge the assets answer",
    ),
    difference(
        "headers-parse",
        has_line_without_colon,
        None,
        "a line that is neither a path nor a field is refused with its number; the peer drops it silently",
    ),
    difference(
        "assets-e2e",
        |case| case["request"]["method"] == "OPTIONS" && case["expect"]["status"] == 405,
        Some(|expect| *expect = json!({ "status": 204, "headers": { "allow": "GET, HEAD" } })),
        "OPTIONS is answered with the methods that a file has",
    ),
    difference(
        "pages-e2e",
        |case| case["expect"]["location"].as_str().is_some_and(|path| path.contains(['\\', '\t'])),
        Some(|expect| {
            let location = expect["location"].as_str().unwrap_or_default();
            expect["location"] = location.replace('\\', "%5C").replace('\t', "%09").into();
        }),
        "a Location holds backslashes and white space encoded, for browsers read them as slashes or not at all",
    ),
    difference(
        "hosts-trailing-slash",
        |case| {
            case["dialect"] == "vercel"
                && case["expect"]["status"] == 404
                && case["config"]["trailingSlash"].is_boolean()
        },
        Some(|expect| *expect = json!({ "status": 308 })),
        "the table tells where a redirect of the slash ends, not the redirect itself",
    ),
    difference(
        "http-static",
        |case| case["expect"]["headers"].get("content-security-policy").is_some() && is_error(case),
        Some(|expect| without(expect, "content-security-policy")),
        "error pages of our own have a style sheet within",
    ),
    difference(
        "http-static",
        |case| case["expect"]["status"] == 500 && has_setting_of_wrong_type(case),
        None,
        "a setting of a wrong type is refused at deploy, not with each request",
    ),
    difference("http-static", |case| case["expect"]["status"] == 403 && leads_above(case), Some(missing), TOP),
    difference(
        "precompressed",
        |case| case["expect"]["status"] == 200 && !case["expect"]["file"].is_null() && !has_plain_file(case),
        Some(missing),
        "variants are made from a file, so none is there without it",
    ),
    difference(
        "precompressed",
        |case| case["expect"]["headers"]["content-encoding"] == "deflate",
        Some(|expect| *expect = json!({ "status": 200 })),
        "no deflate is made: whoever takes it takes gzip",
    ),
    difference(
        "sirv",
        |case| case["expect"]["status"] == 404 && has_in_path(case, "%2F"),
        Some(|expect| *expect = json!({ "status": 200 })),
        "an escaped slash is a slash, so that no file is out of reach",
    ),
    difference(
        "sirv",
        |case| case["request"]["headers"]["range"].as_str().is_some_and(|range| !range.contains('-')),
        Some(|expect| *expect = json!({ "status": 200, "headers": { "content-range": null } })),
        "a range without its dash is none (RFC 9110, 14.1.1)",
    ),
    difference(
        "sirv",
        |case| case["expect"]["status"] == 304 && lacks(case, &["etag", "cache-control"]),
        Some(|expect| ["etag", "cache-control"].into_iter().for_each(|name| without(expect, name))),
        "a 304 carries the tag (RFC 9110, 15.4.5), and files have a Cache-Control unless a header rule removes it",
    ),
    difference(
        "netlify-e2e",
        |case| case["expect"]["status"] == 405 && case["expect"].get("body").is_some() && has_file(case),
        Some(|expect| *expect = json!({ "status": 405 })),
        "error pages are our own",
    ),
    difference(
        "netlify-e2e",
        |case| case["expect"]["status"] == 405 && !has_file(case),
        Some(missing),
        "only what can be read refuses other methods; what is not there is a 404",
    ),
    difference(
        "vercel-e2e",
        runs_a_function,
        None,
        "what a function answers, or which source file becomes one, is not the edge's to say",
    ),
    difference("vercel-e2e", lists_a_folder, Some(missing), "folders are not listed"),
    difference(
        "vercel-e2e",
        asks_the_internet,
        None,
        "the case asks a server on the internet; that the request goes there is tested by our own",
    ),
    difference(
        "serve-handler",
        |case| case["config"]["etag"] == true && case["expect"]["headers"]["etag"].is_string(),
        Some(|expect| without(expect, "etag")),
        "the entity tag names the content in our own way",
    ),
    difference(
        "serve-handler",
        |case| case["expect"]["status"] == 304 && lacks(case, &["etag"]),
        Some(|expect| without(expect, "etag")),
        "a 304 carries the tag (RFC 9110, 15.4.5)",
    ),
    difference("serve-handler", |case| case["expect"]["status"] == 400 && leads_above(case), Some(missing), TOP),
    difference(
        "serve-handler",
        |case| {
            case["expect"]["status"] == 200 && case["expect"]["file"].is_null() && case["config"]["symlinks"] != true
        },
        Some(missing),
        "folders are not listed",
    ),
    difference(
        "serve-handler",
        |case| case["config"]["symlinks"] == true && case["expect"]["status"] == 200,
        Some(missing),
        "a link that leads out of the site is not deployed",
    ),
    difference("firebase", expects_a_language, None, "content by language is done by redirects with Language"),
    difference(
        "firebase",
        |case| case["config"]["cleanUrls"].is_array(),
        None,
        "clean URLs are for all pages or none, as the schema of a firebase.json has it",
    ),
    difference(
        "firebase",
        |case| !case["config"]["protect"].is_null() && case["expect"]["status"] == 401,
        Some(|expect| *expect = json!({ "status": 200 })),
        "protection is a setting of the project, not of a file in it",
    ),
    difference(
        "firebase",
        |case| case["stack"] == json!(["not-found"]) && case["expect"]["status"] == 404,
        Some(|expect| *expect = json!({ "status": 404, "headers": { "cache-control": "no-store" } })),
        "the page of the server itself for what is missing is our own, and never kept",
    ),
    difference(
        "firebase",
        |case| case["expect"]["headers"]["cache-control"].is_string() && case["expect"]["status"] == 404,
        Some(|expect| expect["headers"]["cache-control"] = "no-store".into()),
        "a page for a missing file is never kept",
    ),
];

/// The difference that a case falls under, or `None` when it is claimed.
pub fn find(suite: &str, case: &Value) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.suite == suite && (difference.applies)(case))
}

fn missing(expect: &mut Value) {
    *expect = json!({ "status": 404 });
}

/// Expects nothing of a header field.
fn without(expect: &mut Value, name: &str) {
    if let Some(headers) = expect["headers"].as_object_mut() {
        headers.remove(name);
    }
}

fn is_error(case: &Value) -> bool {
    case["expect"]["status"].as_u64().is_some_and(|status| status >= 400)
}

/// Whether the answer is to be without one of these fields.
fn lacks(case: &Value, names: &[&str]) -> bool {
    let headers = &case["expect"]["headers"];
    names.iter().any(|name| headers.get(name).is_some_and(|field| field.is_null() || field["present"] == false))
}

/// Whether a part of the path is two dots, escaped or not.
fn leads_above(case: &Value) -> bool {
    let path = case["request"]["path"].as_str().unwrap_or_default().to_ascii_lowercase();
    path.replace("%2e", ".").replace("%2f", "/").replace(['\\'], "/").split('/').any(|part| part == "..")
}

/// Whether there is a file at the path, or the page of a folder.
fn has_file(case: &Value) -> bool {
    let path = case["request"]["path"].as_str().unwrap_or_default().split('?').next().unwrap_or_default();
    let index = format!("{}/index.html", path.trim_end_matches('/'));
    list(&case["files"]).any(|file| file["path"] == path || file["path"] == index.as_str())
}

/// Whether names of pages or extensions are no text and no list of texts.
fn has_setting_of_wrong_type(case: &Value) -> bool {
    let is_wrong = |setting: &Value| match setting {
        Value::Null | Value::String(_) | Value::Bool(false) => false,
        Value::Array(names) => names.iter().any(|name| !name.is_string()),
        _ => true,
    };
    ["index", "extensions"].into_iter().any(|name| is_wrong(&case["config"][name]))
}

/// Whether the expected file lies in the folder of the languages.
fn expects_a_language(case: &Value) -> bool {
    let root = case["config"]["i18n"]["root"].as_str().unwrap_or_default().trim_matches('/');
    let folder = format!("/{root}/");
    !root.is_empty() && case["expect"]["file"].as_str().is_some_and(|file| file.starts_with(&folder))
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

/// Whether the answer is a function's: it is said to be, or has a body that no file has.
fn runs_a_function(case: &Value) -> bool {
    let expect = &case["expect"];
    let is_files = |text: &str| {
        list(&case["files"]).any(|file| file["body"].as_str().is_some_and(|body| body.trim() == text.trim()))
    };
    let text = ["body", "body_trimmed", "body_matches"].into_iter().find_map(|name| expect[name].as_str());
    let of_function = expect["status"] == 200 && expect["file"].is_null() && text.is_some_and(|text| !is_files(text));
    expect["handler"].as_str().is_some_and(|handler| handler.starts_with("function"))
        || list(&case["functions"]).next().is_some() && of_function
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

/// Whether a rewrite for the path leads out, to what the case knows the content of.
fn asks_the_internet(case: &Value) -> bool {
    let path = case["request"]["path"].as_str().unwrap_or_default();
    let leads_out = |rule: &Value| {
        let source = rule["source"].as_str().unwrap_or_default();
        let plain = source.split([':', '(', '*']).next().unwrap_or_default();
        path.starts_with(plain) && rule["destination"].as_str().is_some_and(|destination| destination.contains("://"))
    };
    list(&case["config"]["rewrites"]).any(leads_out) && case["expect"].get("body_matches").is_some()
}

/// Whether the variant that is expected lies beside its file.
fn has_plain_file(case: &Value) -> bool {
    let file = case["expect"]["file"].as_str().unwrap_or_default();
    let suffixes = case["config"]["suffix"].as_object().into_iter().flatten().filter_map(|(_, suffix)| suffix.as_str());
    let plain = suffixes.into_iter().find_map(|suffix| file.strip_suffix(suffix)).unwrap_or(file);
    case["files"].as_array().into_iter().flatten().any(|stored| stored["path"] == plain)
}
