//! Pages for people: the documentation, and what each problem means.

use std::sync::LazyLock;

use bytes::Bytes;
use poem::http::header;
use poem::web::Path;
use poem::{Response, Result, Route, get, handler};

use super::problem::ApiError;
use super::problem_catalogue::meaning;
use super::{openapi_document, service};
use crate::domain::Sha256;

/// Adds the documentation pages, the document itself, and what each problem means.
pub fn add(routes: Route) -> Route {
    routes
        .at("/openapi.json", get(openapi_json))
        .at("/docs", get(swagger))
        .at("/redoc", get(redoc))
        .at("/problems/:code", get(problem))
}

#[handler]
fn openapi_json() -> Response {
    Response::builder().content_type("application/json").body(DOCUMENT.clone())
}

#[handler]
fn swagger() -> Response {
    static PAGE: LazyLock<Page> = LazyLock::new(|| Page::new(&service().swagger_ui_html()));
    PAGE.render()
}

#[handler]
fn redoc() -> Response {
    static PAGE: LazyLock<Page> = LazyLock::new(|| Page::new(&service().redoc_html()));
    PAGE.render()
}

#[handler]
fn problem(Path(code): Path<String>) -> Result<Response> {
    let meaning = meaning(&code).ok_or_else(ApiError::not_found)?;
    Ok(Response::builder().content_type("text/plain; charset=utf-8").body(format!("{code}: {meaning}\n")))
}

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi_document()));

/// A page that is one file, with the scripts that it may run.
struct Page {
    html: Bytes,
    policy: String,
}

impl Page {
    /// Takes a page of poem-openapi, which has the uncorrected document and a font of a third party built in.
    fn new(html: &str) -> Self {
        let document = openapi_document();
        let html = html.replace(&service().spec(), &document).replace(THIRD_PARTY_FONTS, "");
        let hashes = scripts(&html).into_iter().map(|script| format!(" 'sha256-{}'", base64_digest(script)));
        let hashes: String = hashes.collect();
        let policy = format!(
            "default-src 'none'; script-src{hashes}; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; \
             connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self { html: Bytes::from(html), policy }
    }

    fn render(&self) -> Response {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, &self.policy)
            .body(self.html.clone())
    }
}

const THIRD_PARTY_FONTS: &str = r#"<link href="https://fonts.googleapis.com/css?family=Montserrat:300,400,700|Roboto:300,400,700" rel="stylesheet">"#;

/// The scripts that stand in `html`, each as the browser hashes it: all that is between the tags. A script may well
/// have `<script` in its text.
fn scripts(html: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once("<script") {
        let Some((script, next)) = after.split_once('>').and_then(|(_, body)| body.split_once("</script>")) else {
            break;
        };
        found.push(script);
        rest = next;
    }
    found
}

fn base64_digest(text: &str) -> String {
    data_encoding::BASE64.encode(&Sha256::of(text.as_bytes()).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_found_whole() {
        let html = "<p><script a=\"b\">let x = '<script>';</script><i></i><script>2</script><script>never closed";
        assert_eq!(scripts(html), ["let x = '<script>';", "2"]);
    }
}
