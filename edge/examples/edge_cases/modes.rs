//! The mode in which each suite of whole responses is run: its peer's settings, as a site's own files say them.

use miaobu_edge::build::config::{ConfigFile, configure};
use miaobu_edge::build::{SiteRules, SiteSettings};
use miaobu_edge::rules::headers::{self, HeaderRule};
use miaobu_edge::rules::redirects::{self, Limits, RedirectRule};
use miaobu_edge::rules::route_table::{TableOptions, build};
use miaobu_edge::rules::{Dialect, functions};
use miaobu_edge::{HtmlHandling, Shell};
use serde_json::{Value, json};

use super::parts::redirects_parse::toml_of;
use super::send;
use super::world::{StoredFile, World};

/// When the sites of cases were deployed, in seconds since 1970.
pub const MODIFIED: i64 = 1_767_323_045;

/// The site of a case.
pub fn world(suite: &str, case: &Value) -> Result<World, String> {
    let config = &case["config"];
    let mut has_function = case["has_function"] == true;
    let project = SiteSettings { modified: Some(MODIFIED), ..SiteSettings::default() };
    let settings = match suite {
        "html-handling" => workers(case, project),
        "assets-e2e" => with_rules(config, Dialect::Cloudflare, workers(case, project))?,
        "pages-e2e" => {
            let has = |name: &str| list(&case["files"]).any(|file| file["path"] == name);
            let shell = if has("/404.html") { Shell::Off } else { Shell::All };
            let project = SiteSettings { redirects_first: true, index_redirects: true, shell, ..project };
            with_rules(config, Dialect::Cloudflare, project)?
        }
        "netlify-e2e" => {
            has_function = false;
            let project = SiteSettings { html_handling: HtmlHandling::OpenPages, ..project };
            with_header(with_rules(config, Dialect::Netlify, project)?, "Age", "0")
        }
        "vercel-e2e" => {
            has_function = false;
            peer("/vercel.json", config, project)
        }
        "serve-handler" => peer("/serve.json", config, project),
        "firebase" => peer("/firebase.json", &json!({ "hosting": config }), project),
        "hosts-trailing-slash" => host(case, project),
        "http-static" => {
            let redirects = redirects::compile(&send::redirects(case), Dialect::Cloudflare, Limits::INLINE).image;
            let rules = SiteRules { routes: send::routes(case)?, redirects, ..SiteRules::default() };
            let html_handling = HtmlHandling::Folders;
            let project = SiteSettings {
                html_handling,
                refuse_undecodable: true,
                redirects_first: true,
                moved_redirects: true,
                rules,
                ..project
            };
            with_cache_rule(config, ", ", project)
        }
        "sirv" => {
            let shell = match (&config["single"], &config["ignores"]) {
                // Another file than the index is the target of routes.
                (Value::Null | Value::Bool(false) | Value::String(_), _) => Shell::Off,
                (_, Value::Bool(false)) => Shell::All,
                _ => Shell::Navigations,
            };
            let redirects = redirects::compile(&sirv_redirects(case), Dialect::Netlify, Limits::INLINE).image;
            let rules = SiteRules { routes: sirv_routes(config)?, redirects, ..SiteRules::default() };
            let html_handling = if extends(config, "html") { HtmlHandling::OpenPages } else { HtmlHandling::Off };
            let default_content_type = Some(String::new());
            with_cache_rule(config, ",", SiteSettings { html_handling, shell, rules, default_content_type, ..project })
        }
        "precompressed" => SiteSettings { html_handling: HtmlHandling::OpenPages, ..project },
        _ => return Err("no mode for this suite".to_owned()),
    };
    Ok(World { settings, files: files(suite, case), has_function })
}

/// No file's name ends with a slash here: it is the index of that folder.
pub fn stored_path(path: &str) -> String {
    if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() }
}

fn files(suite: &str, case: &Value) -> Vec<StoredFile> {
    let config = &case["config"];
    // The command line deploys no hidden files; these peers have a switch for them.
    let hides = match suite {
        "http-static" => config["dotfiles"] != "allow",
        "sirv" => config["dotfiles"] != true && config["dev"] != true,
        _ => false,
    };
    let hidden = |path: &str| path.split('/').any(|segment| segment.starts_with('.') && segment != ".well-known");
    let mut files: Vec<StoredFile> = Vec::new();
    for file in list(&case["files"]) {
        let path = stored_path(file["path"].as_str().unwrap_or_default());
        // A link is deployed as the file that it leads to; these lead out of the site, or nowhere.
        if hides && hidden(&path) || file["symlink_to"].is_string() {
            continue;
        }
        let body = match (file["body"].as_str(), file["size"].as_u64()) {
            (Some(body), _) => body.as_bytes().to_vec(),
            (None, Some(size)) => path.bytes().cycle().take(usize::try_from(size).unwrap_or(0)).collect(),
            (None, None) => format!("content of {path}").into_bytes(),
        };
        files.push(StoredFile { path, body, coded: [None, None, None] });
    }
    if suite == "precompressed" {
        let on: Vec<_> = list(&case["config"]["precompressed"]).filter_map(Value::as_str).collect();
        for (index, name) in ["br", "zstd", "gzip"].into_iter().enumerate().filter(|(_, name)| on.contains(name)) {
            let suffix = case["config"]["suffix"][name].as_str().unwrap_or_default();
            for place in 0..files.len() {
                let coded = files.iter().find(|file| file.path == format!("{}{suffix}", files[place].path));
                files[place].coded[index] = coded.map(|file| file.body.clone());
            }
        }
    }
    files
}

/// Cloudflare Workers' settings of static assets.
fn workers(case: &Value, project: SiteSettings) -> SiteSettings {
    let config = &case["config"];
    // A file that is named as a folder stands for its index.
    let folders = list(&case["files"]).any(|file| file["path"].as_str().is_some_and(|path| path.ends_with('/')));
    let not_found = config["not_found_handling"].as_str().unwrap_or("none");
    let navigations_to_assets = config["navigation_prefers_assets"] == true;
    SiteSettings {
        html_handling: match config["html_handling"].as_str() {
            Some("force-trailing-slash") => HtmlHandling::Force,
            Some("drop-trailing-slash") => HtmlHandling::Drop,
            Some("none") if folders => HtmlHandling::Folders,
            Some("none") => HtmlHandling::Off,
            _ => HtmlHandling::Auto,
        },
        shell: if not_found == "single-page-application" { Shell::All } else { Shell::Off },
        without_not_found_page: not_found != "404-page",
        temporary_redirects: true,
        redirects_first: true,
        default_content_type: Some(String::new()),
        rules: SiteRules { navigations_to_assets, ..SiteRules::default() },
        ..project
    }
}

/// Redirects and headers of a case, given as lists or as the texts of files.
fn with_rules(config: &Value, dialect: Dialect, mut settings: SiteSettings) -> Result<SiteSettings, String> {
    let name = if dialect == Dialect::Cloudflare { "cloudflare" } else { "netlify" };
    let own = json!({ "dialect": name }).to_string();
    let mut files = vec![ConfigFile { path: "/miaobu.json", text: &own }];
    for path in ["/_redirects", "/_headers"] {
        files.extend(config[&path[1..]].as_str().map(|text| ConfigFile { path, text }));
    }
    settings = configure(&files, settings).settings;
    let rules = redirect_rules(config, dialect);
    if !rules.is_empty() {
        settings.rules.redirects = redirects::compile(&rules, dialect, Limits::INLINE).image;
    }
    let rules: Vec<_> = list(&config["header_rules"]).map(header_rule).collect();
    if !rules.is_empty() {
        settings.rules.headers = headers::compile(&rules, dialect).image;
    }
    match &config["run_worker_first"] {
        Value::Bool(always) => settings.rules.function_first = *always,
        Value::Array(globs) => {
            let globs: Vec<_> = globs.iter().filter_map(|glob| glob.as_str().map(str::to_owned)).collect();
            let rules = functions::parse(&globs).map_err(|problems| problems.join("; "))?;
            settings.rules.function_rules = functions::compile(&rules);
        }
        _ => {}
    }
    Ok(settings)
}

/// The paths that sirv's shell does not answer, and that shell where it is another file than the index, as routes.
fn sirv_routes(config: &Value) -> Result<Vec<u8>, String> {
    let mut routes = vec![json!({ "handle": "filesystem" })];
    let ignores = &config["ignores"];
    for expression in one_or_more(ignores) {
        let source = expression["regex"].as_str().or(expression.as_str());
        routes.extend(source.map(|source| json!({ "src": source, "status": 404 })));
    }
    if let Some(single) = config["single"].as_str() {
        if ignores.is_null() {
            routes.push(json!({ "src": "\\.[\\w~$.-]+$", "status": 404 }));
        }
        routes.push(json!({ "src": "^/.*$", "dest": format!("/{single}") }));
    }
    table(&routes, 1)
}

/// What sirv answers to paths that leave out one of its extensions, or the index with it, as rewrites.
fn sirv_redirects(case: &Value) -> Vec<RedirectRule> {
    let mut rules = Vec::new();
    let shown =
        |path: &&str| case["config"]["dotfiles"] == true || case["config"]["dev"] == true || !path.contains("/.");
    let files = || list(&case["files"]).filter_map(|file| file["path"].as_str()).filter(shown);
    // A slash at the end makes no difference, to the rules of this dialect either.
    rules.extend(files().map(|file| rewrite(file, file, 200)));
    for extension in extensions(&case["config"]) {
        for file in files() {
            let Some(stem) = file.strip_suffix(extension).and_then(|stem| stem.strip_suffix('.')) else { continue };
            rules.extend([stem, stem.strip_suffix("/index").unwrap_or(stem)].map(|from| rewrite(from, file, 200)));
        }
    }
    rules
}

/// The extensions that sirv tries; two unless its options say otherwise.
fn extensions(config: &Value) -> impl Iterator<Item = &str> {
    let own = config["extensions"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    own.unwrap_or_else(|| vec!["html", "htm"]).into_iter()
}

fn extends(config: &Value, name: &str) -> bool {
    extensions(config).any(|extension| extension == name)
}

pub fn rewrite(from: &str, to: &str, status: u16) -> RedirectRule {
    RedirectRule { from: from.to_owned(), to: to.to_owned(), status: Some(status), ..RedirectRule::default() }
}

/// The image of a route table; empty when it has no more routes than `least`.
pub fn table(routes: &[Value], least: usize) -> Result<Vec<u8>, String> {
    if routes.len() == least {
        return Ok(Vec::new());
    }
    let (image, refused) = build(routes, TableOptions::default()).map_err(|refused| format!("{refused:?}"))?;
    if refused.is_empty() { Ok(image) } else { Err(format!("{refused:?}")) }
}

const YEAR: u64 = 365 * 24 * 3600;

/// The seconds in a time such as `2y` or `30d`.
fn seconds(text: &str) -> Option<u64> {
    const UNITS: [(char, u64); 6] =
        [('y', YEAR), ('w', 7 * 24 * 3600), ('d', 24 * 3600), ('h', 3600), ('m', 60), ('s', 1)];
    let (unit, length) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    text.strip_suffix(unit)?.parse::<u64>().ok().map(|count| count * length)
}

/// The cache options of these peers, as the header rule that says the same.
fn with_cache_rule(config: &Value, separator: &str, mut settings: SiteSettings) -> SiteSettings {
    let age = match (&config["maxAge"], separator) {
        (Value::Number(seconds), ",") => seconds.as_u64(),
        (Value::Number(milliseconds), _) => milliseconds.as_u64().map(|milliseconds| milliseconds / 1000),
        (Value::String(text), _) => seconds(text),
        _ => None,
    };
    let mut rule = HeaderRule { path: "/*".to_owned(), ..HeaderRule::default() };
    for (option, name) in [("etag", "ETag"), ("lastModified", "Last-Modified"), ("acceptRanges", "Accept-Ranges")] {
        if config[option] == false {
            rule.unset.push(name.to_owned());
        }
    }
    if config["cacheControl"] == false {
        rule.unset.push("Cache-Control".to_owned());
    } else if let Some(age) = age {
        let more = match separator {
            _ if config["immutable"] == true => format!("{separator}immutable"),
            "," if age == 0 => format!("{separator}must-revalidate"),
            _ => String::new(),
        };
        rule.set.push(("Cache-Control".to_owned(), format!("public{separator}max-age={}{more}", age.min(YEAR))));
    }
    if rule.set.is_empty() && rule.unset.is_empty() {
        return settings;
    }
    settings.rules.headers = headers::compile(&[rule], Dialect::Cloudflare).image;
    settings
}

/// One more header on every answer, unless the site has header rules of its own.
fn with_header(mut settings: SiteSettings, name: &str, value: &str) -> SiteSettings {
    let set = vec![(name.to_owned(), value.to_owned())];
    let rule = HeaderRule { path: "/*".to_owned(), set, ..HeaderRule::default() };
    if settings.rules.headers.is_empty() {
        settings.rules.headers = headers::compile(&[rule], Dialect::Netlify).image;
    }
    settings
}

fn redirect_rules(config: &Value, dialect: Dialect) -> Vec<RedirectRule> {
    if dialect == Dialect::Netlify {
        return toml_of(&config["redirects"]).map(redirects::from_value).unwrap_or_default().rules;
    }
    let rule = |rule: &Value| RedirectRule {
        line: rule["line"].as_u64().and_then(|line| u32::try_from(line).ok()).unwrap_or(0),
        from: rule["from"].as_str().unwrap_or_default().to_owned(),
        to: rule["to"].as_str().unwrap_or_default().to_owned(),
        status: rule["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
        ..RedirectRule::default()
    };
    // Static rules count in the order of their lines, and all before the dynamic ones.
    let mut rules: Vec<_> = list(&config["static_redirects"]).map(rule).collect();
    rules.sort_by_key(|rule| rule.line);
    rules.extend(list(&config["dynamic_redirects"]).map(rule));
    rules
}

fn header_rule(rule: &Value) -> HeaderRule {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let set = rule["set"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value)));
    HeaderRule {
        line: 0,
        path: text(&rule["path"]),
        set: set.collect(),
        unset: list(&rule["unset"]).map(text).collect(),
    }
}

fn peer(path: &str, config: &Value, project: SiteSettings) -> SiteSettings {
    let text = config.to_string();
    configure(&[ConfigFile { path, text: &text }], project).settings
}

fn host(case: &Value, project: SiteSettings) -> SiteSettings {
    let config = &case["config"];
    match case["dialect"].as_str() {
        Some("vercel") => peer("/vercel.json", config, project),
        Some("cloudflare-pages") => project,
        _ => {
            let redirects = redirects::compile(&host_redirects(case), Dialect::Cloudflare, Limits::INLINE).image;
            let rules = SiteRules { redirects, ..SiteRules::default() };
            SiteSettings { html_handling: HtmlHandling::OpenPages, redirects_first: true, rules, ..project }
        }
    }
}

/// What some hosts make of a slash that is missing or too many, file by file, as rules.
fn host_redirects(case: &Value) -> Vec<RedirectRule> {
    let paths: Vec<_> = list(&case["files"]).filter_map(|file| file["path"].as_str()).collect();
    let has = |path: String| paths.contains(&path.as_str());
    let host = case["dialect"].as_str().unwrap_or_default();
    let pretty = host == "netlify" && case["config"]["pretty_urls"] == true;
    let mut rules = Vec::new();
    for path in &paths {
        if let Some(folder) = path.strip_suffix("/index.html").filter(|folder| !folder.is_empty()) {
            if (pretty || host == "github-pages") && !has(format!("{folder}.html")) {
                rules.push(rewrite(folder, &format!("{folder}/"), 301));
            }
        } else if let Some(page) = path.strip_suffix(".html") {
            let (slashed, alone) = (format!("{page}/"), !has(format!("{page}/index.html")));
            match host {
                "github-pages" if alone => rules.push(rewrite(&slashed, "/", 404)),
                "azure-static-web-apps" if alone => rules.push(rewrite(&slashed, page, 301)),
                _ if pretty => rules.push(rewrite(&slashed, page, 301)),
                _ => {}
            }
        }
    }
    rules
}

/// The members of a list, or the one thing that stands for a list of it.
pub fn one_or_more(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
