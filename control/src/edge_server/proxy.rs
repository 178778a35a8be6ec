//! Passing a request on to the project's function, or to an address that a site's rules name, and the answer back, both
//! as they stream.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
    UPGRADE,
};
use http::request::Parts;
use http::{Request, Response, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::Client;
use miaobu_edge::{Failure, Proxy};

use super::EdgeConfig;
use super::activity::Activity;
use super::body::Content;
use super::head::append_headers;
use super::request_body::{Progress, RequestBody};
use super::tunnel::{Tunnel, WEBSOCKET};
use crate::egress::{self, Connector, Reach};

/// Names every server that passed a request on (RFC 8586).
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// How often a request may come back to us by rules of sites before it counts as going round for ever.
const MAX_ROUNDS: usize = 3;

/// The clients of one thread.
#[derive(Debug)]
pub(super) struct Functions {
    /// For what the platform set.
    functions: Client<Connector, RequestBody>,
    /// For what a site's author chose. No connection of the other one is ever used for these.
    outside: Client<Connector, RequestBody>,
    timeout: Duration,
    body_limit: u64,
}

/// What a visitor sends beside the head.
pub(super) struct Sent {
    pub(super) body: Incoming,
    /// The connection, when the visitor asks for a WebSocket.
    pub(super) upgrade: Option<OnUpgrade>,
}

/// What came of passing a request on.
pub(super) struct Passed {
    pub(super) response: Response<()>,
    pub(super) content: Content,
    /// What begins once the response is sent.
    pub(super) tunnel: Option<Tunnel>,
}

/// Why a function did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The function's fault.
    Failed(Failure),
    /// The visitor's body is longer than functions are given.
    BodyTooLarge,
    /// Rules of sites send the request round and round.
    Loop,
}

const UNREACHABLE: Unanswered = Unanswered::Failed(Failure::FunctionUnreachable);

impl Functions {
    pub(super) fn new(config: &EdgeConfig) -> Self {
        Self {
            functions: egress::client(&config.egress, Reach::Anywhere),
            outside: egress::client(&config.egress, Reach::Public),
            timeout: config.function_timeout,
            body_limit: config.request_body_limit_bytes,
        }
    }

    /// Sends the visitor's request on and returns the head of the answer and the rest as it comes.
    pub(super) async fn pass(
        &self,
        proxy: &Proxy<'_>,
        parts: &Parts,
        sent: Sent,
        activity: &Arc<Activity>,
        request_id: Option<&str>,
    ) -> Result<Passed, Unanswered> {
        let Sent { body, upgrade } = sent;
        if body.size_hint().lower() > self.body_limit {
            return Err(Unanswered::BodyTooLarge);
        }
        let mut headers = request_headers(proxy, &parts.headers);
        if upgrade.is_some() {
            ask_for_upgrade(&mut headers);
        }
        if proxy.external {
            name_ourselves(&mut headers)?;
        }
        frame_body(&body, &mut headers);
        let progress = Arc::new(Progress::default());
        let body = RequestBody::new(body, self.body_limit, Arc::clone(&progress), Arc::clone(activity));
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = proxy.url.parse::<Uri>().map_err(|_| UNREACHABLE)?;
        *request.headers_mut() = headers;

        let client = if proxy.external { &self.outside } else { &self.functions };
        let response = match self.in_time(client.request(request), &progress).await {
            None => return Err(Unanswered::Failed(Failure::FunctionTimedOut)),
            Some(Ok(response)) => response,
            Some(Err(_)) if progress.is_too_large() => return Err(Unanswered::BodyTooLarge),
            Some(Err(error)) => {
                let error = &error as &dyn Error;
                tracing::warn!(url = proxy.url, request_id, error, "a function cannot be reached");
                return Err(UNREACHABLE);
            }
        };
        let (mut head, body) = response.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            let function = head.extensions.remove::<OnUpgrade>();
            let (Some(visitor), Some(function), true) = (upgrade, function, names_websocket(&head.headers)) else {
                return Err(UNREACHABLE);
            };
            let mut response = passed_on(proxy, head);
            ask_for_upgrade(response.headers_mut());
            return Ok(Passed { response, content: Content::Empty, tunnel: Some(Tunnel::new(visitor, function)) });
        }
        if head.status.is_informational() {
            return Err(UNREACHABLE);
        }
        if !proxy.lets_through(head.status.as_u16(), content_type(&head.headers).as_deref()) {
            return Err(Unanswered::Failed(Failure::NotAnImage));
        }
        Ok(Passed { response: passed_on(proxy, head), content: Content::Function(body), tunnel: None })
    }

    /// Waits for `answer` until nothing of the request's body has moved for the function's time limit.
    async fn in_time<T>(&self, answer: impl Future<Output = T>, progress: &Progress) -> Option<T> {
        let mut answer = std::pin::pin!(answer);
        let mut seen = 0;
        loop {
            if let Ok(answer) = tokio::time::timeout(self.timeout, answer.as_mut()).await {
                return Some(answer);
            }
            let moves = progress.moves.load(Ordering::Relaxed);
            if moves == seen {
                return None;
            }
            seen = moves;
        }
    }
}

fn request_headers(proxy: &Proxy<'_>, visitor: &HeaderMap) -> HeaderMap {
    let mut headers = visitor.clone();
    for name in &proxy.remove_request_headers {
        headers.remove(*name);
    }
    // Many frameworks can't tell the two characters apart.
    for name in visitor.keys().filter(|name| name.as_str().contains('_')) {
        if proxy.remove_request_headers.contains(&name.as_str().replace('_', "-").as_str()) {
            headers.remove(name);
        }
    }
    // The edge itself has told the visitor to go on.
    headers.remove(EXPECT);
    join_cookies(&mut headers);
    for (name, value) in &proxy.set_request_headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// HTTP/2 visitors may send one field a cookie; HTTP/1.1 knows one field only (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    let Some(first) = cookies.next() else { return };
    let mut all = first.as_bytes().to_vec();
    for cookie in cookies {
        all.extend_from_slice(b"; ");
        all.extend_from_slice(cookie.as_bytes());
    }
    if all.len() > first.len()
        && let Ok(value) = HeaderValue::from_bytes(&all)
    {
        headers.insert(COOKIE, value);
    }
}

/// Says that a body of unknown length follows. hyper's client sends none with a GET, HEAD or CONNECT unless it is told to.
fn frame_body(body: &Incoming, headers: &mut HeaderMap) {
    if body.size_hint().exact().is_none() {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

fn ask_for_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
}

fn names_websocket(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(WEBSOCKET.as_bytes()))
}

/// Two sites whose rules lead to each other would otherwise keep this machine busy for ever.
fn name_ourselves(headers: &mut HeaderMap) -> Result<(), Unanswered> {
    let names = headers.get_all(&CDN_LOOP).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let rounds = names.filter(|name| name.trim_ascii() == b"miaobu").count();
    if rounds >= MAX_ROUNDS {
        return Err(Unanswered::Loop);
    }
    headers.append(CDN_LOOP, HeaderValue::from_static("miaobu"));
    Ok(())
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let values: Vec<_> = headers.get_all(CONTENT_TYPE).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn passed_on(proxy: &Proxy<'_>, head: http::response::Parts) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = response_headers(proxy, head.headers);
    response
}

fn response_headers(proxy: &Proxy<'_>, mut headers: HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != CONTENT_LENGTH)
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in proxy.remove_response_headers {
        headers.remove(*name);
    }
    // The function's own cookies stay beside ours.
    proxy.head.for_each_header(|name, _| drop((name != "set-cookie").then(|| headers.remove(name))));
    append_headers(&mut headers, &proxy.head);
    headers
}
