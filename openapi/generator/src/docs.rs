//! The documentation: static pages from Markdown, from the API's document and from the command line's own description.
//!
//! Every page exists in each language under the same name; a link that leads nowhere stops the build.

mod api;
mod commands;
mod example;
mod language;
mod links;
mod markdown;
mod page;
mod summaries;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use self::language::{LANGUAGES, Language};
use self::markdown::Text;
use self::page::Page;

const STYLE: &str = include_str!("docs/style.css");
const ICON: &str = include_str!("../../../control/sample/favicon.svg");
const SEARCH: &str = include_str!("docs/search.js");

/// Builds the site from the Markdown files in `source`, the description of the command line and the API's document into
/// the folder `target`; `base` is the address that it will have. Returns how many pages there are.
pub fn build(
    source: &Path,
    commands: &Value,
    document: &Value,
    base: &str,
    target: &Path,
) -> Result<usize, Box<dyn Error>> {
    let files = files(source, commands, document, base.trim_end_matches('/'))?;
    let dead = links::dead(&files);
    if !dead.is_empty() {
        return Err(format!("links that lead nowhere:\n{}", dead.join("\n")).into());
    }
    for (name, content) in &files {
        let file = target.join(name);
        fs::create_dir_all(file.parent().unwrap_or(target))?;
        fs::write(file, content)?;
    }
    Ok(files.keys().filter(|name| name.ends_with(".html")).count())
}

/// Returns the files of the site by their paths.
fn files(
    source: &Path,
    commands: &Value,
    document: &Value,
    base: &str,
) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    let mut names = Vec::new();
    for language in &LANGUAGES {
        let pages = pages(language, source, commands, document)?;
        names.push(pages.iter().map(|page| page.name.clone()).collect::<Vec<_>>());
        let entries: Vec<Value> = pages.iter().flat_map(Page::entries).collect();
        files.insert(format!("{}/search.json", language.code), json!(entries).to_string());
        for page in &pages {
            files.insert(page.file(language), page.html(language, &pages, base));
        }
    }
    if names.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(format!("the languages do not have the same pages: {names:?}").into());
    }
    files.insert("style.css".to_owned(), STYLE.to_owned());
    files.insert("favicon.svg".to_owned(), ICON.to_owned());
    files.insert("search.js".to_owned(), SEARCH.to_owned());
    files.insert("index.html".to_owned(), page::entrance(base));
    files.insert("404.html".to_owned(), page::missing());
    Ok(files)
}

/// Returns the pages of a language in the order of the menu.
fn pages(language: &Language, source: &Path, commands: &Value, document: &Value) -> Result<Vec<Page>, Box<dyn Error>> {
    let folder = source.join(language.code);
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    // `20-deploy.md` is the page `deploy`: the number is its place.
    found.sort();
    let mut pages = Vec::new();
    for path in found {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let name = stem.split_once('-').map_or(stem, |(_, name)| name);
        let text = Text::of(&fs::read_to_string(&path)?).ok_or_else(|| format!("{} has no title", path.display()))?;
        pages.push(Page::of(name, text, page::Part::Guide));
    }
    pages.extend(api::pages(language, document));
    pages.push(commands::page(language, commands));
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        serde_json::from_str(include_str!("../../openapi.json")).expect("the document is JSON")
    }

    fn source() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
    }

    fn commands() -> Value {
        json!({"name": "miaobu", "about": "Turns a folder into a live site", "usage": "miaobu <COMMAND>", "arguments": [], "commands": [
            {"name": "deploy", "about": "Deploy <a> folder", "usage": "miaobu deploy [DIR]", "commands": [],
             "arguments": [{"name": "[DIR]", "help": "Folder", "default": ".", "values": []}]},
        ]})
    }

    #[test]
    fn every_page_stands_in_both_languages_and_names_its_twin() {
        let files = files(source(), &commands(), &document(), "https://docs.example").expect("builds");
        assert_eq!(links::dead(&files), Vec::<String>::new());
        let html: Vec<&String> =
            files.keys().filter(|name| name.starts_with("en/") && name.ends_with(".html")).collect();
        assert!(html.len() > 15, "{html:?}");
        for name in html {
            let (english, twin) = (&files[name], &files[&name.replacen("en/", "zh/", 1)]);
            let address = name.trim_end_matches(".html").trim_end_matches("index");
            let other = address.replacen("en/", "zh/", 1);
            assert!(english.contains("<html lang=\"en\">") && twin.contains("<html lang=\"zh-Hans\">"), "{name}");
            let named = format!("<link rel=\"alternate\" hreflang=\"zh-Hans\" href=\"https://docs.example/{other}\">");
            assert!(english.contains(&named) && twin.contains(&named), "{name}: {named}");
        }
    }

    #[test]
    fn every_operation_has_a_chinese_summary_and_its_page_says_that_the_rest_is_english() {
        let document = document();
        let files = files(source(), &commands(), &document, "https://docs.example").expect("builds");
        let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
        let operations = operations.flat_map(|methods| methods.as_object().into_iter().flat_map(|methods| methods.values()));
        let ids: Vec<&str> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
        let without: Vec<_> = ids.iter().filter(|id| !summaries::CHINESE.iter().any(|(known, _)| known == *id)).collect();
        assert_eq!(without, Vec::<&&str>::new(), "docs/summaries.rs lacks them");
        for (name, html) in files.iter().filter(|(name, _)| name.starts_with("zh/api-") && name.ends_with(".html")) {
            assert!(html.contains("说明文字为英文"), "{name}");
        }
        assert!(files["zh/api-projects.html"].contains("创建项目"));
        assert!(files["en/api-projects.html"].contains("Make a project"));
    }

    #[test]
    fn the_reference_has_every_operation_with_its_scope_and_an_example() {
        let document = document();
        let files = files(source(), &commands(), &document, "https://docs.example").expect("builds");
        let reference: String =
            files.iter().filter(|(name, _)| name.starts_with("zh/api-")).map(|(_, html)| html.as_str()).collect();
        let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
        let ids = operations.flat_map(|methods| methods.as_object().into_iter().flat_map(|methods| methods.values()));
        let ids: Vec<&str> = ids.filter_map(|operation| operation["operationId"].as_str()).collect();
        assert!(ids.len() > 50);
        for id in ids {
            assert!(reference.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(reference.contains("projects:write") && reference.contains("curl"));
    }

    #[test]
    fn what_the_command_line_says_of_itself_is_text() {
        let files = files(source(), &commands(), &document(), "https://docs.example").expect("builds");
        let page = &files["en/cli.html"];
        assert!(page.contains("Deploy &lt;a&gt; folder") && page.contains("id=\"deploy\""), "{page}");
    }
}
