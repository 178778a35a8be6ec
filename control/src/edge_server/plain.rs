//! Plain requests, answered before hyper sees them.
//!
//! Nearly all that visitors ask for is a GET without a body, whose head comes in one piece, for a file that is at hand.
//! On a connection that so far sent nothing else such requests are read, decided and answered here, with one call of the
//! system each way. The first request that is anything else goes to hyper, unread, and the connection with it for good.
//!
//! Invariant: a request answered here gets what hyper and [`Connection::answer`] would have given it, to the byte but for
//! the order of its header lines.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use bytes::Bytes;
use miaobu_edge::{Decision, Method, Request, decide};
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::io::{AsyncRead as _, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::activity::Activity;
use super::answer::whole;
use super::body::Content;
use super::counts::Decided;
use super::plain_request::{Fields, PlainRequest};
use super::service::{Connection, KnownRoute, add_named_fields};

/// What is read at once, and so the longest head that is plain.
const BUFFER_BYTES: usize = 8 * 1024;

/// How a connection went on after its plain requests.
#[derive(Debug)]
pub(super) enum Rest {
    /// It ended.
    Ended,
    /// These bytes, which came already, and what follows are for hyper.
    Unusual(Bytes),
}

/// A connection that sent nothing unusual yet.
struct Plain<'a> {
    connection: &'a Connection,
    activity: &'a Arc<Activity>,
    stream: &'a mut TcpStream,
    /// The head of the answer under way.
    head: Vec<u8>,
}

/// Answers the plain requests with which a connection begins. Whoever calls is woken by the connection's activity.
pub(super) async fn serve(connection: &Connection, activity: &Arc<Activity>, stream: &mut TcpStream) -> Rest {
    let mut plain = Plain { connection, activity, stream, head: Vec::new() };
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut unread = 0..0;
    loop {
        if unread.is_empty() {
            match plain.read(&mut buffer).await {
                Ok(Some(0)) | Err(_) => return Rest::Ended,
                Ok(Some(length)) => unread = 0..length,
                Ok(None) => return Rest::Unusual(Bytes::new()),
            }
        }
        let bytes = buffer.get(unread.clone()).unwrap_or_default();
        match plain.answer(bytes).await {
            Ok(Some(length)) => unread.start += length,
            Ok(None) => return Rest::Unusual(Bytes::copy_from_slice(bytes)),
            Err(_) => return Rest::Ended,
        }
    }
}

impl Plain<'_> {
    /// Waits for bytes of the visitor's; `None` when the connection is to end instead.
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        poll_fn(|cx| {
            if self.activity.is_closing() {
                return Poll::Ready(Ok(None));
            }
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut buffer))?;
            Poll::Ready(Ok(Some(buffer.filled().len())))
        })
        .await
    }

    /// Answers the request with which `bytes` begin and returns how many of them it is; `None` when it is for hyper.
    async fn answer(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let edge = &*self.connection.edge;
        let mut room = Fields::default();
        let Some(plain) = PlainRequest::read(bytes, &mut room) else { return Ok(None) };
        if edge.is_draining() {
            return Ok(None);
        }
        let answering = self.activity.begin();
        let known = edge.route(plain.host).await;
        let id = edge.request_ids.next();
        let mut request = Request::new(plain.method, plain.host, plain.target);
        request.client_address = Some(&self.connection.visitor);
        request.id = Some(id.as_str());
        plain.describe(&mut request);
        request.country = edge.country(|name| plain.field(name));
        let known = edge.chosen(known, &mut request).await;
        let lookup = known.route.lookup();
        add_named_fields(&lookup, &mut request, |name| plain.field(name));
        let decision = decide(&lookup, &request, &edge.settings);
        let decided = Decided::of(&decision);
        let Some(content) = self.head_and_content(decision, &known, plain.method).await else { return Ok(None) };
        edge.counts.decided(decided);
        // From here on it is the visitor who is waited for.
        drop(answering);
        self.send(content).await?;
        Ok(Some(plain.length))
    }

    /// Writes the head of the answer and returns its body; `None` when it takes more than what is at hand.
    async fn head_and_content(
        &mut self,
        decision: Decision<'_>,
        known: &KnownRoute,
        method: Method,
    ) -> Option<Content> {
        let (head, length, content) = match decision {
            Decision::Serve(serve) if !serve.with_body => {
                let length = serve.head.content_length;
                (serve.head, length, Content::Empty)
            }
            Decision::Serve(serve) => {
                let file = self.connection.edge.open(&serve.object.key()).await.ok()??;
                if serve.size.is_some_and(|size| size != file.size()) {
                    return None;
                }
                let length = if serve.size.is_some() { serve.head.content_length } else { Some(file.size()) };
                (serve.head, length, file.content(serve.range, None))
            }
            Decision::NotModified(head) | Decision::Redirect(head) => {
                // An answer without a body has to say so, where there could be one (RFC 9110, 8.6).
                let none = (method != Method::Head && !matches!(head.status, 204 | 304)).then_some(0);
                let length = head.content_length.or(none);
                (head, length, Content::Empty)
            }
            Decision::Refuse { head, body } => {
                let length = head.content_length;
                (head, length, Content::Whole(whole(body)))
            }
            Decision::Probe(_) | Decision::Proxy(_) | Decision::Shard(_) | Decision::ReadForm { .. } => return None,
        };
        self.head.clear();
        known.header_lines.write(&head, length, &self.connection.edge.date, &mut self.head);
        Some(content)
    }

    async fn send(&mut self, content: Content) -> io::Result<()> {
        match content {
            Content::Whole(body) => self.write(&body, SendFlags::empty()).await,
            Content::File(mut file) => {
                // The head waits for the file, so that both leave in one segment.
                self.write(&[], SendFlags::MORE).await?;
                while file.remaining() > 0 {
                    self.written(|stream| file.send(stream)).await?;
                }
                Ok(())
            }
            Content::Empty | Content::Function(_) => self.write(&[], SendFlags::empty()).await,
        }
    }

    /// Writes the head and `body`.
    async fn write(&self, mut body: &[u8], flags: SendFlags) -> io::Result<()> {
        let mut head = self.head.as_slice();
        while !(head.is_empty() && body.is_empty()) {
            let slices = [IoSlice::new(head), IoSlice::new(body)];
            let length = self
                .written(|stream| {
                    Ok(rustix::net::sendmsg(stream, &slices, &mut SendAncillaryBuffer::default(), flags)?)
                })
                .await?;
            let of_head = length.min(head.len());
            head = head.get(of_head..).unwrap_or_default();
            body = body.get(length - of_head..).unwrap_or_default();
        }
        Ok(())
    }

    /// Calls until the socket takes something, and returns how much.
    async fn written(&self, mut call: impl FnMut(&TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match self.stream.try_io(Interest::WRITABLE, || call(self.stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.activity.block_write(true);
                    self.stream.writable().await?;
                    self.activity.block_write(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => {
                    self.activity.moved();
                    return written;
                }
            }
        }
    }
}
