//! A page that shows what there is.

use std::sync::Arc;

use async_trait::async_trait;
use quick_xml::escape::escape;

use crate::esa::Esa;
use crate::http::{Request, Response, Service};
use crate::oss::Oss;

#[derive(Debug)]
pub(crate) struct Console {
    pub oss: Arc<Oss>,
    pub esa: Arc<Esa>,
}

#[async_trait]
impl Service for Console {
    async fn answer(&self, request: Request) -> Option<Response> {
        if request.path != "/" {
            return Some(Response::new(404, "text/plain; charset=utf-8", "there is only one page: /\n"));
        }
        let buckets = self
            .oss
            .overview()
            .into_iter()
            .map(|(name, objects, bytes)| [name, objects.to_string(), bytes.to_string()]);
        let namespaces = self.esa.overview().into_iter().map(|(name, keys)| [name, keys.to_string()]);
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>miaobu-emulator</title>\
             <style>body{{font:16px system-ui;margin:2rem}}td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}</style>\
             <h1>miaobu-emulator</h1><h2>Buckets</h2>{}<h2>Edge KV</h2>{}</html>",
            table(&["bucket", "objects", "bytes"], buckets),
            table(&["namespace", "keys"], namespaces)
        );
        Some(Response::new(200, "text/html; charset=utf-8", page))
    }
}

fn table<const N: usize>(names: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let cells = |cells: Vec<String>| format!("<tr>{}</tr>", cells.concat());
    let head = cells(names.iter().map(|name| format!("<th>{name}</th>")).collect());
    let rows: String =
        rows.map(|row| cells(row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect())).collect();
    format!("<table>{head}{rows}</table>")
}
