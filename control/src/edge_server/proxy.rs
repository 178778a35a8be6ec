//! Passing a request on to the project's function and its answer back, both as they stream.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, Uri};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use miaobu_edge::{Failure, Proxy};

use super::EdgeConfig;
use super::activity::Activity;
use super::body::Content;
use super::head::append_headers;

/// A function runs on this machine or near it; one that takes longer to accept a connection is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shorter than the 75 s after which common servers close an idle connection, so that we rarely use one being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The client of one thread for all functions.
#[derive(Debug)]
pub(super) struct Functions {
    client: Client<HttpConnector, RequestBody>,
    timeout: Duration,
    body_limit: u64,
}

/// Why a function did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The function's fault.
    Failed(Failure),
    /// The visitor's body is longer than functions are given.
    BodyTooLarge,
}

impl Functions {
    pub(super) fn new(config: &EdgeConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build(connector);
        Self { client, timeout: config.function_timeout, body_limit: config.request_body_limit_bytes }
    }

    /// Sends the visitor's request to the function and returns the head of its answer and the rest as it comes.
    pub(super) async fn pass(
        &self,
        proxy: &Proxy<'_>,
        parts: &Parts,
        body: Incoming,
        activity: &Arc<Activity>,
    ) -> Result<(Response<()>, Content), Unanswered> {
        if body.size_hint().lower() > self.body_limit {
            return Err(Unanswered::BodyTooLarge);
        }
        let progress = Arc::new(Progress::default());
        let body = RequestBody {
            body,
            left: self.body_limit,
            progress: Arc::clone(&progress),
            activity: Arc::clone(activity),
        };
        let unreachable = Unanswered::Failed(Failure::FunctionUnreachable);
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = proxy.url.parse::<Uri>().map_err(|_| unreachable)?;
        *request.headers_mut() = request_headers(proxy, &parts.headers);

        let response = match self.in_time(self.client.request(request), &progress).await {
            None => return Err(Unanswered::Failed(Failure::FunctionTimedOut)),
            Some(Ok(response)) if !response.status().is_informational() => response,
            Some(Ok(_)) => return Err(unreachable),
            Some(Err(_)) if progress.too_large.load(Ordering::Relaxed) => return Err(Unanswered::BodyTooLarge),
            Some(Err(error)) => {
                tracing::warn!(url = proxy.url, error = &error as &dyn Error, "a function cannot be reached");
                return Err(unreachable);
            }
        };
        let (head, body) = response.into_parts();
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = response_headers(proxy, head.headers);
        Ok((response, Content::Function(body)))
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

#[derive(Debug, Default)]
struct Progress {
    moves: AtomicU64,
    too_large: AtomicBool,
}

/// The visitor's body on its way to the function.
#[derive(Debug)]
struct RequestBody {
    body: Incoming,
    left: u64,
    progress: Arc<Progress>,
    activity: Arc<Activity>,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.activity.want_read(polled.is_pending());
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.activity.moved();
            self.progress.moves.fetch_add(1, Ordering::Relaxed);
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match self.left.checked_sub(length) {
                Some(left) => self.left = left,
                None => {
                    self.progress.too_large.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(Err("the body is too large".into())));
                }
            }
        }
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.activity.want_read(false);
    }
}
