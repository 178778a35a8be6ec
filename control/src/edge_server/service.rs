//! A request on its way: host, route, decision, answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::header::{CONNECTION, COOKIE, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use miaobu_edge::{Decision, Failure, Lookup, Method, Settings, decide};

use super::EdgeConfig;
use super::activity::{Activity, Answering};
use super::answer::{Answer, refuse};
use super::body::AnswerBody;
use super::conditional::{self, KnownVariants};
use super::counts::{Decided, ThreadCounts};
use super::file::FileParts;
use super::files::{Files, StoredFile};
use super::head::HeaderSets;
use super::host;
use super::plain_head::{DateLine, HeaderLines};
use super::proxy::{Functions, Sent};
use super::request_id::RequestIds;
use super::routes::{Route, Routes};
use super::tunnel::{self, Tunnel};

/// Hosts whose routes a thread keeps at hand.
const HOSTS_AT_HAND: usize = 1024;

/// What a thread serves from.
pub(super) struct Edge {
    pub(super) settings: Settings,
    pub(super) files: Arc<Files>,
    pub(super) functions: Functions,
    pub(super) counts: Arc<ThreadCounts>,
    pub(super) request_ids: RequestIds,
    pub(super) date: DateLine,
    pub(super) routes: Arc<Routes>,
    pub(super) config: Arc<EdgeConfig>,
    at_hand: RefCell<AtHand>,
    draining: Cell<bool>,
}

/// Routes by host as visitors write it: found without a lock, and without bringing the host into its canonical form.
#[derive(Default)]
struct AtHand {
    epoch: u64,
    routes: HashMap<Box<str>, Rc<KnownRoute>>,
}

/// A route, and what this thread has rendered for it.
#[derive(Debug)]
pub(super) struct KnownRoute {
    pub(super) route: Arc<Route>,
    pub(super) header_sets: HeaderSets,
    pub(super) header_lines: HeaderLines,
    pub(super) variants: KnownVariants,
}

impl KnownRoute {
    pub(super) fn new(route: Arc<Route>) -> Self {
        let (header_sets, header_lines) = (HeaderSets::default(), HeaderLines::default());
        Self { route, header_sets, header_lines, variants: KnownVariants::default() }
    }
}

impl Edge {
    pub(super) fn new(
        config: Arc<EdgeConfig>,
        routes: Arc<Routes>,
        files: Arc<Files>,
        counts: Arc<ThreadCounts>,
    ) -> Self {
        Self {
            settings: Settings { deployment_header: config.deployment_header },
            files,
            functions: Functions::new(&config),
            counts,
            request_ids: RequestIds::new(&*config.random),
            date: DateLine::default(),
            routes,
            config,
            at_hand: RefCell::default(),
            draining: Cell::new(false),
        }
    }

    /// From now on every answer says that its connection ends.
    pub(super) fn drain(&self) {
        self.draining.set(true);
    }

    /// Whether [`drain`](Self::drain) was called.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Returns the visitor's country, as the proxy before the edge says it: two letters. Proxies have marks of their own for
    /// what they can't place, such as `T1`; no rule names these.
    pub(super) fn country<'a>(&self, field: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
        let name = self.config.country_header.as_ref()?;
        field(name.as_str())
            .filter(|country| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// Returns the file under `key`, `None` when there is none.
    pub(super) async fn open(&self, key: &str) -> Result<Option<StoredFile>, Failure> {
        let known = self.files.at_hand(key);
        self.counts.looked_up(known.is_some());
        if known.is_some() {
            return Ok(known);
        }
        self.files.read(key).await.map_err(|error| {
            tracing::warn!(key, error = &error as &dyn std::error::Error, "the object store cannot be read");
            Failure::StorageUnavailable
        })
    }

    /// Returns where `host` leads.
    pub(super) async fn route(&self, host: &str) -> Rc<KnownRoute> {
        let epoch = self.routes.epoch();
        {
            let mut at_hand = self.at_hand.borrow_mut();
            if at_hand.epoch != epoch {
                at_hand.epoch = epoch;
                at_hand.routes.clear();
            } else if let Some(known) = at_hand.routes.get(host) {
                return Rc::clone(known);
            }
        }
        let route = self.routes.find(host).await;
        let is_kept = matches!(*route, Route::Found(..));
        let known = Rc::new(KnownRoute::new(route));
        let mut at_hand = self.at_hand.borrow_mut();
        if is_kept && at_hand.epoch == epoch {
            if at_hand.routes.len() >= HOSTS_AT_HAND {
                at_hand.routes.clear();
            }
            at_hand.routes.insert(host.into(), Rc::clone(&known));
        }
        known
    }
}

/// One visitor's connection.
pub(super) struct Connection {
    pub(super) edge: Rc<Edge>,
    /// The visitor's address without the port.
    pub(super) visitor: String,
    activity: Arc<Activity>,
    file_parts: Arc<FileParts>,
    tunnel: RefCell<Option<Tunnel>>,
}

impl Connection {
    pub(super) fn new(edge: Rc<Edge>, peer: SocketAddr, activity: Arc<Activity>, file_parts: Arc<FileParts>) -> Self {
        Self { edge, visitor: peer.ip().to_canonical().to_string(), activity, file_parts, tunnel: RefCell::default() }
    }

    /// Returns the WebSocket that the last answer opened.
    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        self.tunnel.take()
    }

    /// Answers one request; there is an answer to each.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Result<Response<AnswerBody>, Infallible> {
        let answering = self.activity.begin();
        let (mut parts, body) = request.into_parts();
        let sent = Sent { body, upgrade: tunnel::asked_for(&mut parts) };
        let mut response = match host::host(&parts) {
            Ok(host) => self.of_host(host, &parts, sent, answering).await,
            Err(problem) => {
                self.edge.counts.decided(Decided::BadRequest);
                let (response, content) = refuse(problem);
                response.map(|()| AnswerBody::new(content, answering))
            }
        };
        if parts.version >= Version::HTTP_2 {
            response.headers_mut().remove(CONNECTION);
        } else if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Of this connection HTTP has nothing more to say.
        } else if self.edge.draining.get() || parts.headers.contains_key(TRANSFER_ENCODING) {
            // A chunked request may have named a length too, which hyper does not show: somebody before us may take
            // the rest of the connection for something else than we do (RFC 9112, section 6.1).
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    async fn of_host(&self, host: &str, parts: &Parts, mut sent: Sent, answering: Answering) -> Response<AnswerBody> {
        let known = self.edge.route(host).await;
        let form;
        let rewritten = rewritten(parts);
        let target = match parts.uri.path_and_query() {
            Some(target) if target.as_str() != "*" => target.as_str(),
            _ => "/",
        };
        let mut request = miaobu_edge::Request::new(Method::parse(parts.method.as_str()), host, target);
        request.client_address = Some(&self.visitor);
        request.method_name = Some(parts.method.as_str());
        let id = self.edge.request_ids.next();
        request.id = Some(id.as_str());
        for (name, value) in &parts.headers {
            if let Ok(value) = str::from_utf8(value.as_bytes()) {
                request.header(name.as_str(), value);
            }
        }
        for (name, value) in &rewritten {
            request.header(name.as_str(), value);
        }
        let field = |name: &str| {
            let again = rewritten.iter().find(|(other, _)| other.as_str() == name).map(|(_, value)| value.as_str());
            again.or_else(|| parts.headers.get(name).and_then(|value| str::from_utf8(value.as_bytes()).ok()))
        };
        request.country = self.edge.country(field);
        let known = self.edge.chosen(known, &mut request).await;
        let lookup = known.route.lookup();
        add_named_fields(&lookup, &mut request, field);
        let mut decision = decide(&lookup, &request, &self.edge.settings);
        if let Decision::ReadForm { limit } = decision {
            form = conditional::read_form(&mut sent.body, limit, &self.activity).await;
            request.form = Some(&form);
            decision = decide(&lookup, &request, &self.edge.settings);
        }
        let answer = Answer {
            edge: &self.edge,
            known: &known,
            lookup,
            request: &request,
            parts,
            activity: &self.activity,
            file_parts: &self.file_parts,
            tunnel: &self.tunnel,
            decided: Cell::new(Decided::of(&decision)),
        };
        answer.carry_out(decision, sent, answering).await
    }
}

/// Tells the request of the fields that the rules of its site name.
pub(super) fn add_named_fields<'a>(
    lookup: &Lookup<'a>,
    request: &mut miaobu_edge::Request<'a>,
    field: impl Fn(&str) -> Option<&'a str>,
) {
    if let Lookup::Found { site: Some(site), .. } = lookup {
        for name in site.field_names() {
            field(name).into_iter().for_each(|value| request.named_field(name, value));
        }
    }
}

/// The fields that were sent more than once, each joined as the core wants them, and those that are no UTF-8, read as
/// workerd reads them: one broken byte must not hide the rest of a cookie. Cookies have a separator of their own (RFC 9113,
/// 8.2.3).
fn rewritten(parts: &Parts) -> Vec<(&HeaderName, String)> {
    let headers = &parts.headers;
    let is_text = |value: &HeaderValue| str::from_utf8(value.as_bytes()).is_ok();
    if headers.keys_len() == headers.len() && headers.values().all(is_text) {
        return Vec::new();
    }
    let differs = |name: &&HeaderName| {
        let mut values = headers.get_all(*name).iter();
        values.next().is_some_and(|first| !is_text(first)) || values.next().is_some()
    };
    let joined = |name: &HeaderName| {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        values.join(if *name == COOKIE { "; " } else { ", " })
    };
    headers.keys().filter(differs).map(|name| (name, joined(name))).collect()
}
