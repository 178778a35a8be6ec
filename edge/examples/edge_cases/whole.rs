//! Whole responses: a folder of files deployed as we would, one request, and what comes back.

use miaobu_edge::build::{SiteBuilder, SiteFile, SiteSettings, http_date};
use miaobu_edge::conditional;
use miaobu_edge::{Coding, Decision, Lookup, Method, Request, RouteRecord, Settings, Site, decide};
use serde_json::{Map, Value, json};

use crate::outcome::{Outcome, difference};

/// A deployed folder.
pub struct Deployed {
    site: Site,
    record: RouteRecord,
    files: Vec<StoredFile>,
}

struct StoredFile {
    path: String,
    content: Vec<u8>,
}

/// How a folder is deployed.
#[derive(Default)]
pub struct Deployment<'a> {
    /// Settings of the site.
    pub settings: SiteSettings,
    /// Whether files and folders whose names begin with a dot are deployed. The command line leaves them out.
    pub hidden: bool,
    /// The codings in which files are stored as well, and the suffix by which the case names such a file.
    pub codings: Vec<(Coding, &'a str)>,
}

/// When cases were deployed.
const MODIFIED: i64 = 1_767_323_045;

/// Deploys the files of a case.
pub fn deploy(case: &Value, deployment: &Deployment<'_>) -> Result<Deployed, String> {
    let files: Vec<StoredFile> = case["files"].as_array().into_iter().flatten().map(stored).collect();
    let size = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.content.len());
    let settings = SiteSettings { modified: Some(MODIFIED), ..deployment.settings.clone() };
    let mut builder = SiteBuilder::new(settings);
    for (index, file) in files.iter().enumerate() {
        let path = file.path.as_str();
        let hidden = path.split('/').any(|segment| segment.starts_with('.') && segment != ".well-known");
        let coded = deployment
            .codings
            .iter()
            .any(|(_, suffix)| path.strip_suffix(suffix).is_some_and(|plain| size(plain).is_some()));
        if coded || hidden && !deployment.hidden {
            continue;
        }
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&(index as u64 + 1).to_be_bytes());
        let coded_size = |coding| {
            let suffix = deployment.codings.iter().find(|(known, _)| *known == coding)?.1;
            u32::try_from(size(&format!("{path}{suffix}"))?).ok()
        };
        let coded_sizes = Coding::ALL.map(|coding| coded_size(coding).unwrap_or(0));
        let size = file.content.len() as u64;
        let file = SiteFile { path, sha256: &sha256, size, coded_sizes, link: None, retained: false };
        builder.add(&file).map_err(|error| error.to_string())?;
    }
    let blob = builder.finish().map_err(|error| error.to_string())?;
    let site = Site::load(blob).map_err(|error| error.to_string())?;
    Ok(Deployed { site, record: RouteRecord::of_static("site", "site/1", 1), files })
}

fn stored(file: &Value) -> StoredFile {
    let path = file["path"].as_str().unwrap_or_default().to_owned();
    let content = match (file["body"].as_str(), file["size"].as_u64()) {
        (Some(body), _) => body.as_bytes().to_vec(),
        (None, Some(size)) => vec![b'x'; usize::try_from(size).unwrap_or_default()],
        (None, None) => path.clone().into_bytes(),
    };
    StoredFile { path, content }
}

/// Runs a case against a deployed folder. Content types are compared without a charset that the case does not name: we
/// name that of every text.
pub fn run(case: &Value, deployed: &Deployed, codings: &[(Coding, &str)]) -> Outcome {
    let request = &case["request"];
    let mut got = deployed.answer(request, codings);
    let mut expect = case["expect"].clone();
    take_presence(&mut expect, &mut got);
    take_charset(&expect, &mut got);
    // A body of a case that gives sizes only is any content.
    if case["files"].as_array().into_iter().flatten().any(|file| file.get("body").is_none())
        && let Some(expect) = expect.as_object_mut()
        && expect.get("body").is_some_and(|body| body != "")
    {
        expect.remove("body");
    }
    if expect["status_class"] == "redirect" {
        expect["status_class"] = Value::Null;
        if !(300..400).contains(&got["status"].as_u64().unwrap_or_default()) {
            return Outcome::Fail { why: "/status: expected a redirect".to_owned(), got };
        }
    }
    if let Some(why) = difference(&expect, &got, String::new()) {
        return Outcome::Fail { got, why };
    }
    match case.get("final") {
        Some(last) => ended(last, request, deployed, codings),
        None => Outcome::Pass,
    }
}

/// Follows redirects on the same site to the end.
fn ended(last: &Value, request: &Value, deployed: &Deployed, codings: &[(Coding, &str)]) -> Outcome {
    let mut request = request.clone();
    let mut got = Value::Null;
    for _ in 0..10 {
        got = deployed.answer(&request, codings);
        got["path"] = request["path"].clone();
        match got["location"].as_str() {
            Some(location) if location.starts_with('/') => request["path"] = json!(location),
            _ => break,
        }
    }
    Outcome::of(last, got)
}

/// Replaces `{"present": …}` on both sides by whether the header is there.
fn take_presence(expect: &mut Value, got: &mut Value) {
    let Some(headers) = expect.get_mut("headers").and_then(Value::as_object_mut) else { return };
    for (name, value) in headers {
        if let Some(present) = value.get("present") {
            *value = present.clone();
            got["headers"][name] = json!(!got["headers"][name].is_null());
        }
    }
}

fn take_charset(expect: &Value, got: &mut Value) {
    let Some(expected) = expect["headers"]["content-type"].as_str() else { return };
    let plain = |text: &str| text.to_ascii_lowercase().replace(' ', "");
    let Some(named) = got["headers"]["content-type"].as_str().map(plain) else { return };
    let bare = named.split(';').next().unwrap_or_default().to_owned();
    if [named, bare].contains(&plain(expected)) {
        got["headers"]["content-type"] = json!(expected);
    }
}

impl Deployed {
    /// Status, location, headers, file and body, as cases name them.
    fn answer(&self, request: &Value, codings: &[(Coding, &str)]) -> Value {
        let fields = self.fields(request);
        let lookup = Lookup::Found { record: &self.record, site: Some(&self.site) };
        let host = request["host"].as_str().unwrap_or("site.localhost");
        let path = request["path"].as_str().unwrap_or_default();
        let mut asked = Request::new(Method::parse(request["method"].as_str().unwrap_or("GET")), host, path);
        fields.iter().for_each(|(name, value)| asked.header(name, value));
        let decision = decide(&lookup, &asked, &Settings::default());
        let (file, body) = match &decision {
            Decision::Serve(serve) => {
                let key = serve.object.key();
                let coding =
                    Coding::ALL.into_iter().find(|coding| key.starts_with(&format!("site/1.{}/", coding.suffix())));
                let stem = key.split_once('/').and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
                let suffix = codings.iter().find(|(known, _)| Some(*known) == coding).map_or("", |(_, suffix)| suffix);
                let path = format!("/{stem}{suffix}");
                let content = self.files.iter().find(|file| file.path == path).map_or(&[][..], |file| &file.content);
                let part = serve.range.map_or(content, |range| &content[range.start as usize..=range.end as usize]);
                let body = if serve.with_body { String::from_utf8_lossy(part).into_owned() } else { String::new() };
                (json!(path), body)
            }
            Decision::Refuse { body, .. } => (Value::Null, body.clone().into_owned()),
            _ => (Value::Null, String::new()),
        };
        let mut headers = Map::new();
        let mut status = 0;
        if let Some(head) = decision.head() {
            status = head.status;
            head.for_each_header(|name, value| {
                headers.insert(name.to_owned(), json!(value));
            });
        }
        let location = headers.get("location").cloned().unwrap_or(Value::Null);
        json!({
            "status": status, "location": location, "file": file, "headers": headers, "body": body,
            "body_trimmed": body.trim(),
        })
    }

    /// The request's header fields, with what stands for values of our own choice put in.
    fn fields(&self, request: &Value) -> Vec<(String, String)> {
        let fields = request["headers"].as_object().into_iter().flatten();
        fields.map(|(name, value)| (name.clone(), self.fill(value.as_str().unwrap_or_default(), request))).collect()
    }

    fn fill(&self, value: &str, request: &Value) -> String {
        let Some((before, rest)) = value.split_once("{{") else { return value.to_owned() };
        let (name, after) = rest.split_once("}}").unwrap_or((rest, ""));
        let (name, path) = name.split_once(':').unwrap_or((name, request["path"].as_str().unwrap_or_default()));
        let plain = self.answer(&json!({ "method": "GET", "path": path }), &[]);
        let header = |name: &str| plain["headers"][name].as_str().unwrap_or_default().to_owned();
        let filled = match name {
            "etag" => header("etag"),
            "etag-prefix" => header("etag").chars().rev().skip(2).collect::<Vec<_>>().into_iter().rev().collect(),
            "last-modified" => header("last-modified"),
            shifted => {
                let seconds = shifted.strip_prefix("last-modified").and_then(|shift| shift.strip_suffix('s'));
                let seconds: i64 = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
                let date = conditional::http_date(&header("last-modified")).unwrap_or_default();
                http_date(date + seconds).unwrap_or_default()
            }
        };
        format!("{before}{filled}{}", self.fill(after, request))
    }
}
