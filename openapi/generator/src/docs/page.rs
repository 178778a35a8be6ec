//! Pages: what stands around a text.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::language::{LANGUAGES, Language};
use super::markdown::Text;

/// The part of the menu that a page stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Guide,
    Reference,
    CommandLine,
}

/// A page in one language.
pub struct Page {
    /// Its name in the address; `index` is the first one.
    pub name: String,
    pub part: Part,
    pub text: Text,
}

impl Page {
    pub fn of(name: &str, text: Text, part: Part) -> Self {
        Self { name: name.to_owned(), part, text }
    }

    /// Returns the file that it is written to.
    pub fn file(&self, language: &Language) -> String {
        format!("{}/{}.html", language.code, self.name)
    }

    /// Returns what a search finds: the page, and each of its headings.
    pub fn entries(&self) -> Vec<Value> {
        let whole = json!({"title": self.text.title, "text": self.text.summary, "to": self.address()});
        let headings = self.text.headings.iter().map(
            |(id, words)| json!({"title": words, "text": self.text.title, "to": format!("{}#{id}", self.address())}),
        );
        [whole].into_iter().chain(headings).collect()
    }

    fn address(&self) -> &str {
        if self.name == "index" { "./" } else { &self.name }
    }

    fn path(&self, language: &Language) -> String {
        format!("/{}/{}", language.code, if self.name == "index" { "" } else { &self.name })
    }

    /// Returns the whole page; `pages` are those of the menu.
    pub fn html(&self, language: &Language, pages: &[Self], base: &str) -> String {
        let Language { tag, site, skip, search, nothing_found, .. } = language;
        let mut alternates = String::new();
        let mut switch = String::new();
        for other in &LANGUAGES {
            let path = self.path(other);
            _ = writeln!(alternates, "<link rel=\"alternate\" hreflang=\"{}\" href=\"{base}{path}\">", other.tag);
            if other.code == language.code {
                _ = write!(switch, "<span aria-current=\"true\">{}</span> ", other.name);
            } else {
                _ = write!(switch, "<a href=\"{path}\" lang=\"{0}\" hreflang=\"{0}\">{1}</a> ", other.tag, other.name);
            }
        }
        _ = write!(
            alternates,
            "<link rel=\"alternate\" hreflang=\"x-default\" href=\"{base}{}\">",
            self.path(&LANGUAGES[0])
        );
        let title = escaped(&self.text.title);
        // The first page bears the site's name already.
        let tab = if title == language.site { title.clone() } else { format!("{title} · {}", language.site) };
        let menu = self.menu(language, pages);
        format!(
            "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{tab}</title>\n\
             <meta name=\"description\" content=\"{summary}\">\n<link rel=\"canonical\" href=\"{base}{path}\">\n{alternates}\n\
             <link rel=\"icon\" href=\"/favicon.svg\">\n<link rel=\"stylesheet\" href=\"/style.css\">\n<script src=\"/search.js\" defer></script>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#text\">{skip}</a>\n<header>\n<a class=\"site\" href=\"/{code}/\">{site}</a>\n\
             <form id=\"search\" role=\"search\" hidden data-nothing=\"{nothing_found}\"><input type=\"search\" aria-label=\"{search}\" placeholder=\"{search}\" autocomplete=\"off\"><ol hidden></ol></form>\n\
             <div class=\"languages\">{switch}</div>\n</header>\n<div class=\"columns\">\n{menu}\n\
             <main id=\"text\">\n<h1>{title}</h1>\n{body}</main>\n</div>\n</body>\n</html>\n",
            summary = escaped(&self.text.summary),
            path = self.path(language),
            code = language.code,
            body = self.text.html,
        )
    }

    fn menu(&self, language: &Language, pages: &[Self]) -> String {
        let parts = [
            (Part::Guide, language.guides),
            (Part::Reference, language.reference),
            (Part::CommandLine, language.command_line),
        ];
        let mut lists = String::new();
        for (part, title) in parts {
            _ = writeln!(lists, "<h2>{title}</h2>\n<ul>");
            for page in pages.iter().filter(|page| page.part == part) {
                let current = if page.name == self.name { " aria-current=\"page\"" } else { "" };
                _ = writeln!(
                    lists,
                    "<li><a href=\"{}\"{current}>{}</a></li>",
                    page.path(language),
                    escaped(&page.text.title)
                );
            }
            lists.push_str("</ul>\n");
        }
        // Open beside the text, closed above it on a narrow screen: both without a program.
        format!(
            "<nav class=\"wide-menu\" aria-label=\"{0}\">\n{lists}</nav>\n<details class=\"narrow-menu\"><summary>{0}</summary>\n<nav aria-label=\"{0}\">\n{lists}</nav></details>",
            language.menu
        )
    }
}

/// The page that lets people choose their language.
pub fn entrance(base: &str) -> String {
    let mut links = String::new();
    let mut alternates = String::new();
    for language in &LANGUAGES {
        _ = writeln!(
            links,
            "<p><a href=\"/{0}/\" lang=\"{1}\" hreflang=\"{1}\">{2}</a></p>",
            language.code, language.tag, language.name
        );
        _ = writeln!(
            alternates,
            "<link rel=\"alternate\" hreflang=\"{}\" href=\"{base}/{}/\">",
            language.tag, language.code
        );
    }
    bare("Miaobu 秒部", &alternates, &links)
}

/// The page for addresses that are none.
pub fn missing() -> String {
    bare(
        "404",
        "<meta name=\"robots\" content=\"noindex\">\n",
        "<p>There is no such page · 没有这个页面</p>\n<p><a href=\"/en/\">English</a> · <a href=\"/zh/\" lang=\"zh-Hans\">中文</a></p>\n",
    )
}

fn bare(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n{head}<link rel=\"icon\" href=\"/favicon.svg\">\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<main class=\"alone\">\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Returns `text` as HTML shows it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
