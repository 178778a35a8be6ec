//! Carrying a decision out.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode, Version};
use miaobu_edge::range::ByteRange;
use miaobu_edge::{Decision, Failure, Lookup, Probe, Proxy, Request, Serve, fail};

use super::activity::{Activity, Answering};
use super::body::{AnswerBody, Content};
use super::counts::Decided;
use super::file::FileParts;
use super::files::StoredFile;
use super::head::head;
use super::host::BadRequest;
use super::proxy::{Sent, Unanswered};
use super::service::{Edge, KnownRoute};
use super::tunnel::Tunnel;

/// What carrying out needs beside the decision.
pub(super) struct Answer<'a> {
    pub(super) edge: &'a Edge,
    pub(super) known: &'a KnownRoute,
    pub(super) lookup: Lookup<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) parts: &'a Parts,
    pub(super) activity: &'a Arc<Activity>,
    pub(super) file_parts: &'a Arc<FileParts>,
    /// Takes what is to begin after the answer.
    pub(super) tunnel: &'a RefCell<Option<Tunnel>>,
    /// What the request is counted as.
    pub(super) decided: Cell<Decided>,
}

impl<'a> Answer<'a> {
    /// Does what `decision` says. `sent` is for a function.
    pub(super) async fn carry_out(
        &self,
        decision: Decision<'a>,
        sent: Sent,
        answering: Answering,
    ) -> Response<AnswerBody> {
        let (response, content) = match decision {
            Decision::Serve(serve) => self.serve(&serve).await,
            Decision::Probe(probe) => self.probe(probe).await,
            Decision::Proxy(proxy) => self.pass(&proxy, sent).await,
            other => plain(other),
        };
        self.edge.counts.decided(self.decided.get());
        response.map(|()| AnswerBody::new(content, answering))
    }

    async fn pass(&self, proxy: &Proxy<'_>, sent: Sent) -> (Response<()>, Content) {
        let functions = &self.edge.functions;
        match functions.pass(proxy, self.parts, sent, self.activity, self.request.id).await {
            Ok(passed) => {
                *self.tunnel.borrow_mut() = passed.tunnel;
                (passed.response, passed.content)
            }
            Err(Unanswered::Failed(failure)) => self.failed(failure).await,
            Err(Unanswered::BodyTooLarge) => {
                let (mut response, content) = self.failed(Failure::BodyTooLarge).await;
                self.decided.set(Decided::Refused);
                // Nobody reads what is left of the body.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                (response, content)
            }
            Err(Unanswered::Loop) => {
                self.decided.set(Decided::BadRequest);
                refuse(BadRequest::Loop)
            }
        }
    }

    async fn serve(&self, serve: &Serve<'a>) -> (Response<()>, Content) {
        let head = || self.known.header_sets.head(&serve.head);
        if !serve.with_body {
            return (head(), Content::Empty);
        }
        match self.edge.open(&serve.object.key()).await {
            Ok(Some(file)) if serve.size.is_none_or(|size| size == file.size()) => {
                let mut response = head();
                if serve.size.is_none() {
                    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(file.size()));
                }
                (response, self.content(file, serve.range))
            }
            // Bytes of another length are not the file that the site lists.
            Ok(_) => {
                tracing::error!(key = serve.object.key(), "a file that the site lists is not in the object store");
                self.failed(Failure::ObjectMissing).await
            }
            Err(failure) => self.failed(failure).await,
        }
    }

    async fn probe(&self, probe: Probe<'a>) -> (Response<()>, Content) {
        for candidate in &probe.candidates {
            let file = match self.edge.open(&candidate.object.key()).await {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(failure) => return self.failed(failure).await,
            };
            let mut response = head(&candidate.head);
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(file.size()));
            let content = if probe.with_body { self.content(file, None) } else { Content::Empty };
            return (response, content);
        }
        match *probe.missing {
            Decision::Serve(serve) => self.serve(&serve).await,
            missing => plain(missing),
        }
    }

    fn content(&self, file: StoredFile, range: Option<ByteRange>) -> Content {
        file.content(range, (self.parts.version < Version::HTTP_2).then(|| Arc::clone(self.file_parts)))
    }

    async fn failed(&self, failure: Failure) -> (Response<()>, Content) {
        self.decided.set(Decided::Error);
        let page = match fail(failure, &self.lookup, self.request, &self.edge.settings) {
            Decision::Serve(page) => page,
            decision => return plain(decision),
        };
        if !page.with_body {
            return (head(&page.head), Content::Empty);
        }
        match self.edge.open(&page.object.key()).await {
            Ok(Some(file)) if page.size.is_none_or(|size| size == file.size()) => {
                (head(&page.head), self.content(file, None))
            }
            _ => plain(fail(failure, &self.lookup.without_site(), self.request, &self.edge.settings)),
        }
    }
}

/// Answers a decision that needs nothing from anywhere.
fn plain(decision: Decision<'_>) -> (Response<()>, Content) {
    match decision {
        Decision::Refuse { head: refusal, body } => (head(&refusal), Content::Whole(whole(body))),
        Decision::NotModified(answer) | Decision::Redirect(answer) => (head(&answer), Content::Empty),
        // Only a failure of a failure could ask for more; the core makes none.
        // Sites are read whole here, so that none has shards.
        Decision::Serve(_)
        | Decision::Probe(_)
        | Decision::Proxy(_)
        | Decision::Shard(_)
        | Decision::ReadForm { .. } => {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            (response, Content::Empty)
        }
    }
}

/// The body of an answer of our own.
pub(super) fn whole(body: Cow<'static, str>) -> Bytes {
    match body {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    }
}

/// Answers what no site may see. The other homes of the routine never get to see it either.
pub(super) fn refuse(problem: BadRequest) -> (Response<()>, Content) {
    let (status, text) = problem.explain();
    let mut response = Response::new(());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    (response, Content::Whole(Bytes::from_static(text.as_bytes())))
}
