//! A page that shows what there is, and addresses under which the emulator is told things:
//!
//! - `POST /fault?service=esa&operation=PutKv&kind=throttle&times=2`: see [`Faults::plan`]; the kinds are `throttle`, `fail`
//!   and `break`.
//! - `POST /prove?hostname=…`, `POST /take-filing?hostname=…`, `POST /take-hostname?hostname=…&with=existing_site`,
//!   `POST /lead?name=…&to=…`: see [`Outside`].
//! - `GET /calls`: a line for each operation that was asked for, with its service and how often.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miaobu_aliyun::Ambient;
use quick_xml::escape::escape;

use crate::alidns::Alidns;
use crate::esa::Esa;
use crate::faults::{Fault, Faults};
use crate::fc::Fc;
use crate::http::{Request, Response, Service};
use crate::openapi::Gateway;
use crate::oss::Oss;
use crate::outside::Outside;

#[derive(Debug)]
pub(crate) struct Console {
    pub oss: Arc<Oss>,
    pub esa: Arc<Gateway<Esa>>,
    pub alidns: Arc<Gateway<Alidns>>,
    pub fc: Arc<Fc>,
    pub ambient: Arc<dyn Ambient>,
    pub faults: Arc<Faults>,
    pub outside: Arc<Outside>,
}

#[async_trait]
impl Service for Console {
    async fn answer(&self, request: Request) -> Option<Response> {
        let text = |status, words: &str| Some(Response::new(status, "text/plain; charset=utf-8", format!("{words}\n")));
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/calls") => {
                let calls = self.faults.calls().into_iter();
                text(
                    200,
                    &calls
                        .map(|([service, name], count)| format!("{service} {name} {count}"))
                        .collect::<Vec<_>>()
                        .join("\n"),
                )
            }
            ("GET", "/") => Some(Response::new(200, "text/html; charset=utf-8", self.page())),
            ("POST", _) => match self.told(&request) {
                Some(()) => text(200, "done"),
                None => text(400, "there is no such thing to be told, or something is missing"),
            },
            _ => text(404, "there are / and /calls"),
        }
    }
}

impl Console {
    fn told(&self, request: &Request) -> Option<()> {
        let given = |name: &str| request.parameter(name);
        match request.path.as_str() {
            "/fault" => {
                let kind = match given("kind")? {
                    "throttle" => Fault::Throttle,
                    "fail" => Fault::Fail,
                    "break" => Fault::Break,
                    "delay" => Fault::Delay(Duration::from_millis(given("milliseconds")?.parse().ok()?)),
                    _ => return None,
                };
                let times = given("times").map_or(Some(1), |times| times.parse().ok())?;
                self.faults.plan(given("service")?, given("operation").unwrap_or_default(), kind, times);
            }
            "/prove" => self.outside.prove(given("hostname")?),
            "/take-filing" => self.outside.take_filing(given("hostname")?),
            "/lead" => self.outside.lead(given("name")?, given("to")?),
            "/take-hostname" => self.outside.take_hostname(given("hostname")?, given("with")?),
            _ => return None,
        }
        Some(())
    }

    fn page(&self) -> String {
        let buckets = self.oss.overview();
        let buckets = buckets.into_iter().map(|(name, objects, bytes)| [name, objects.to_string(), bytes.to_string()]);
        let tables = [
            table("Buckets", ["bucket", "objects", "bytes"], buckets),
            table("Edge KV", ["namespace", "keys"], self.esa.actions.namespaces()),
            table("Custom hostnames", ["hostname", "status"], self.esa.actions.hostnames(self.ambient.now())),
            table("Routines", ["routine", "in production"], self.esa.actions.routines().overview()),
            table("Purges", ["kind", "what"], self.esa.actions.purges()),
            table("Functions", ["function", "address", "processes"], self.fc.functions()),
            table("Names", ["name", "type", "value"], self.alidns.actions.records()),
        ];
        format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>miaobu-emulator</title>\
             <style>body{{font:16px system-ui;margin:2rem}}td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}</style>\
             <h1>miaobu-emulator</h1>{}</html>",
            tables.concat()
        )
    }
}

fn table<const N: usize>(title: &str, names: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let row = |kind: &str, cells: [String; N]| {
        let cells = cells.map(|cell| format!("<{kind}>{}</{kind}>", escape(cell.as_str())));
        format!("<tr>{}</tr>", cells.concat())
    };
    let head = row("th", names.map(str::to_owned));
    let rows: String = rows.into_iter().map(|cells| row("td", cells)).collect();
    format!("<h2>{title}</h2><table>{head}{rows}</table>")
}
