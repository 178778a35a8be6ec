//! The `Link` header of a page: what its markup asks to have loaded early, so that a browser or a CDN can begin before
//! it has read the markup.
//!
//! The rules are those of Cloudflare Pages: `preload`, `modulepreload` and `preconnect`, from elements that say nothing
//! which the header would leave out.

use super::markup::{Tag, tags};

/// Links past this many, or past this many bytes of header, are left to the markup.
const MOST_LINKS: usize = 32;
const MOST_BYTES: usize = 2048;

/// What is read of a page. Links that begin later gain nothing.
const MOST_MARKUP: usize = 64 * 1024;

/// Returns the value of the `Link` header for a page; `None` when it asks for nothing.
///
/// Targets are relative to the page's URL, as in the markup, unless the page names another base.
#[must_use]
pub fn extract(html: &[u8]) -> Option<String> {
    let html = html.get(..MOST_MARKUP).unwrap_or(html);
    let mut base = None;
    let mut header = String::new();
    let mut count = 0;
    for tag in tags(html) {
        match tag.name.as_str() {
            "base" if base.is_none() => base = tag.attribute("href").map(str::to_owned),
            "link" => {
                let Some(link) = link(&tag, base.as_deref()) else { continue };
                if count == MOST_LINKS || header.len() + 2 + link.len() > MOST_BYTES {
                    break;
                }
                if count > 0 {
                    header.push_str(", ");
                }
                header.push_str(&link);
                count += 1;
            }
            _ => {}
        }
    }
    (count > 0).then_some(header)
}

fn link(tag: &Tag, base: Option<&str>) -> Option<String> {
    // An attribute like `crossorigin` or `media` decides what is loaded, or whether.
    if !tag.attributes.iter().all(|(name, _)| matches!(name.as_str(), "rel" | "href" | "as")) {
        return None;
    }
    let rel = tag.attribute("rel")?;
    let early =
        |word: &str| ["preload", "modulepreload", "preconnect"].iter().any(|known| word.eq_ignore_ascii_case(known));
    if !rel.split_ascii_whitespace().any(early) || !rel.bytes().all(is_relation) {
        return None;
    }
    let href = tag.attribute("href")?.trim();
    let data = href.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if data || href.is_empty() || href.starts_with(['#', '?']) {
        return None;
    }
    let mut link = format!("<{}>; rel=\"{}\"", encode(&resolve(base, href))?, rel.trim());
    match tag.attribute("as").map(str::trim) {
        None | Some("") => {}
        Some(kind) if kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) => link.extend(["; as=", kind]),
        Some(_) => return None,
    }
    Some(link)
}

fn is_relation(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_')
}

/// Joins a reference to a base, as far as the page's URL need not be known for it.
fn resolve(base: Option<&str>, href: &str) -> String {
    let Some(base) = base.map(str::trim).filter(|base| !base.is_empty()) else { return href.to_owned() };
    if href.starts_with("//") || has_scheme(href) {
        return href.to_owned();
    }
    let (origin, path) = split_origin(base);
    if href.starts_with('/') {
        return [origin, href].concat();
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let folder = path.rfind('/').map_or("", |slash| path.get(..=slash).unwrap_or(path));
    let slash = if folder.is_empty() && !origin.is_empty() { "/" } else { "" };
    let joined = [slash, folder, href].concat();
    [origin, &without_dots(&joined)].concat()
}

/// Resolves the dot segments of a path that begins with a slash, query and fragment aside.
fn without_dots(joined: &str) -> String {
    let end = joined.find(['?', '#']).unwrap_or(joined.len());
    let (path, rest) = joined.split_at_checked(end).unwrap_or((joined, ""));
    let Some(path) = path.strip_prefix('/') else { return joined.to_owned() };
    let mut segments: Vec<&str> = Vec::new();
    let mut last = "";
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
        last = segment;
    }
    if matches!(last, "." | "..") {
        segments.push("");
    }
    ["/", &segments.join("/"), rest].concat()
}

fn has_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

/// Splits `https://host` or `//host` off.
fn split_origin(url: &str) -> (&str, &str) {
    let Some(host) = url.find("//").filter(|at| *at == 0 || url.get(..*at).is_some_and(|scheme| scheme.ends_with(':')))
    else {
        return ("", url);
    };
    let end = url.get(host + 2..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| host + 2 + at);
    url.split_at_checked(end).unwrap_or((url, ""))
}

/// Makes a target safe between `<` and `>`; `None` when it has control characters.
fn encode(target: &str) -> Option<String> {
    let mut encoded = String::with_capacity(target.len());
    for character in target.chars() {
        match character {
            _ if character.is_control() => return None,
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '\u{80}'.. => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
            _ => encoded.push(character),
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::extract;
    use proptest::prelude::*;

    #[test]
    fn preload_modulepreload_and_preconnect_links_are_taken_from_the_markup() {
        for (html, expected) in [
            ("", None),
            ("<link rel=stylesheet href=/a.css>", None),
            ("<link rel=preload href=/a.css as=style>", Some("</a.css>; rel=\"preload\"; as=style")),
            (
                "<!doctype html><HTML><head><LINK REL='modulepreload' HREF='/a b.js'/><link href=\"https://cdn.test\" rel=preconnect>",
                Some("</a%20b.js>; rel=\"modulepreload\", <https://cdn.test>; rel=\"preconnect\""),
            ),
            ("<link rel=\"preload extra\" href=a.js>", Some("<a.js>; rel=\"preload extra\"")),
            ("<link rel=prefetch href=/a.js>", None),
            ("<link rel=preload href=/a.woff2 as=font crossorigin>", None),
            ("<link rel=preload href=/a.css as=style media=print>", None),
            ("<link rel=preload href=data:text/css,a>", None),
            ("<link rel=preload href=''>", None),
            ("<link rel=preload href='/a?b&amp;c=1' as=fetch>", Some("</a?b&c=1>; rel=\"preload\"; as=fetch")),
            ("<link rel=preload href='/a>; rel=x, <b'>", Some("</a%3E;%20rel=x,%20%3Cb>; rel=\"preload\"")),
            ("<link rel='preload\"; x=\"' href=/a>", None),
            ("<link rel=preload href=/a as='style; x'>", None),
            ("<link rel=preload href='/a\r\nset-cookie: b'>", None),
            ("<!-- <link rel=preload href=/a> --><link rel=preload href=/b>", Some("</b>; rel=\"preload\"")),
            ("<script>'<link rel=preload href=/a>'</script><title><link rel=preload href=/c></title>", None),
            ("<noscript><link rel=preload href=/a></noscript>", None),
            ("<body><p><link rel=preload href=/a></body>", Some("</a>; rel=\"preload\"")),
            ("<link rel=preload href=/a", None),
        ] {
            assert_eq!(extract(html.as_bytes()).as_deref(), expected, "{html}");
        }
    }

    #[test]
    fn targets_are_joined_to_a_base_that_the_page_names() {
        for (base, href, expected) in [
            ("/", "a.js", "/a.js"),
            ("/docs/index.html", "a.js", "/docs/a.js"),
            ("/docs/", "../a.js", "/a.js"),
            ("/docs/x/", ".././a.js?b=../c", "/docs/a.js?b=../c"),
            ("/docs/x/", "..", "/docs/"),
            ("https://cdn.test/x/", "../../a.js", "https://cdn.test/a.js"),
            ("docs/", "../a.js", "docs/../a.js"),
            ("https://cdn.test", "a.js", "https://cdn.test/a.js"),
            ("https://cdn.test/x/y?z/w", "a.js", "https://cdn.test/x/a.js"),
            ("https://cdn.test/x/", "/a.js", "https://cdn.test/a.js"),
            ("//cdn.test/x/", "a.js", "//cdn.test/x/a.js"),
            ("https://cdn.test/x/", "//other.test/a.js", "//other.test/a.js"),
            ("/docs/", "http://other.test/", "http://other.test/"),
            ("docs/", "a.js", "docs/a.js"),
        ] {
            let html = format!("<base href=\"{base}\"><link rel=preload href=\"{href}\">");
            assert_eq!(extract(html.as_bytes()), Some(format!("<{expected}>; rel=\"preload\"")), "{base} {href}");
        }
    }

    #[test]
    fn a_header_holds_a_bounded_number_of_links_and_bytes() {
        let many = "<link rel=preload href=/a>".repeat(100);
        assert_eq!(extract(many.as_bytes()).map(|header| header.matches('<').count()), Some(32));
        let long = format!("<link rel=preload href=/{}>", "a".repeat(900)).repeat(4);
        assert_eq!(extract(long.as_bytes()).map(|header| header.matches('<').count()), Some(2));
    }

    proptest! {
        #[test]
        fn any_markup_gives_a_header_that_is_one_line_of_ascii(
            html in "(<|>|/|link|base|rel=|href=|preload|\"|'| |=|<!--|-->|<script>|\\PC|\u{0}|\n){0,60}",
        ) {
            let header = extract(html.as_bytes()).unwrap_or_default();
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{:?}", header);
        }
    }
}
