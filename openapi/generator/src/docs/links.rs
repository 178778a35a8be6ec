//! Links that lead nowhere.

use std::collections::BTreeMap;

/// Returns the links inside the site for which there is no page, or no such place on it.
pub fn dead(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut dead = Vec::new();
    for (name, html) in files.iter().filter(|(name, _)| name.ends_with(".html")) {
        for target in attributes(html, "href").chain(attributes(html, "src")) {
            if !leads_somewhere(files, name, target) {
                dead.push(format!("{name}: {target}"));
            }
        }
    }
    dead
}

fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let opening = format!(" {name}=\"");
    html.split(&opening).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>().into_iter()
}

fn leads_somewhere(files: &BTreeMap<String, String>, from: &str, target: &str) -> bool {
    if target.contains("://") {
        return true;
    }
    let (path, place) = target.split_once('#').unwrap_or((target, ""));
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = match path.strip_prefix('/') {
        Some(rooted) => rooted.to_owned(),
        None if path.is_empty() => from.to_owned(),
        None => format!("{folder}/{path}"),
    };
    let names = [path.clone(), format!("{path}.html"), format!("{path}index.html")];
    let Some(html) = names.iter().find_map(|name| files.get(name)) else { return false };
    place.is_empty() || html.contains(&format!(" id=\"{place}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_a_page_and_the_place_on_it() {
        let page = |links: &[&str]| links.iter().map(|link| format!("<a href=\"{link}\">x</a>")).collect::<String>();
        let files = BTreeMap::from([
            (
                "en/index.html".to_owned(),
                page(&["other", "other#there", "https://elsewhere.example/", "/style.css", "/en/"]),
            ),
            (
                "en/other.html".to_owned(),
                format!("<h2 id=\"there\"></h2>{}", page(&["#there", "other#gone", "missing", "/nowhere"])),
            ),
            ("style.css".to_owned(), String::new()),
        ]);
        assert_eq!(dead(&files), ["en/other.html: other#gone", "en/other.html: missing", "en/other.html: /nowhere"]);
    }
}
