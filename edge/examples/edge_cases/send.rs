//! The options of send, as the rules of a site.

use std::collections::BTreeSet;

use miaobu_edge::rules::redirects::RedirectRule;
use serde_json::{Value, json};

use super::modes::{list, one_or_more, rewrite, table};

/// What send's options say about hidden files, and about folders where no file is their index, as routes.
pub fn routes(case: &Value) -> Result<Vec<u8>, String> {
    let config = &case["config"];
    let mut routes = Vec::new();
    if config["dotfiles"] == "deny" {
        routes.push(json!({ "src": "^(?:/.*)?/\\.[^/].*$", "status": 403 }));
    }
    if config["index"] == false {
        let is_plain = |byte: char| byte.is_ascii_alphanumeric() || byte == '/';
        let escaped = |byte: char| if is_plain(byte) { byte.to_string() } else { format!("\\{byte}") };
        let folders = folders(case).into_iter().map(|folder| folder.chars().map(escaped).collect::<String>());
        routes.extend(folders.map(|folder| json!({ "src": format!("^{folder}$"), "status": 403 })));
    }
    table(&routes, 0)
}

/// What send makes of a folder: its slash, and what its options say about the index. Names without an extension get one.
pub fn redirects(case: &Value) -> Vec<RedirectRule> {
    let own = &case["config"]["index"];
    let paths: Vec<_> = list(&case["files"]).filter_map(|file| file["path"].as_str()).collect();
    let folders = folders(case);
    let mut rules = Vec::new();
    for extension in one_or_more(&case["config"]["extensions"]).filter_map(Value::as_str) {
        for file in &paths {
            let stem = file.strip_suffix(extension).and_then(|stem| stem.strip_suffix('.'));
            let stem = stem.filter(|stem| !paths.contains(stem) && !folders.contains(format!("{stem}/").as_str()));
            // Of two files with the same stem, the first rule decides: extensions count in their order.
            rules.extend(stem.filter(|stem| !has_extension(stem)).map(|stem| rewrite(stem, file, 200)));
        }
    }
    for folder in folders {
        let files = one_or_more(own).filter_map(|name| Some(format!("{folder}{}", name.as_str()?)));
        let index = files.into_iter().find(|file| paths.contains(&file.as_str()));
        match index {
            _ if own.is_null() || own.is_boolean() => {}
            Some(file) => rules.push(rewrite(folder, &file, 200)),
            None => rules.push(rewrite(folder, "/", 404)),
        }
        let hidden = folder.contains("/.") && case["config"]["dotfiles"] != "allow";
        if folder != "/" && !hidden {
            rules.push(rewrite(folder.trim_end_matches('/'), folder, 301));
        }
    }
    rules
}

/// Every folder of a case, its slash at the end.
fn folders(case: &Value) -> BTreeSet<&str> {
    let paths = list(&case["files"]).filter_map(|file| file["path"].as_str());
    paths.flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..=at])).collect()
}

fn has_extension(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.trim_start_matches('.').contains('.'))
}
