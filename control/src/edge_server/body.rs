//! The bodies of answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::activity::Answering;
use super::file::FileReader;

/// An answer's body, and with it the word that its request is being answered.
#[derive(Debug)]
pub(super) struct AnswerBody {
    content: Content,
    answering: Answering,
}

/// Where a body's bytes come from.
#[derive(Debug)]
pub(super) enum Content {
    /// No bytes.
    Empty,
    /// Bytes in memory.
    Whole(Bytes),
    /// A file, sent as the visitor takes it.
    File(FileReader),
    /// What a function sends, as it sends it.
    Function(Incoming),
}

impl AnswerBody {
    pub(super) fn new(content: Content, mut answering: Answering) -> Self {
        answering.owe(matches!(content, Content::Function(_)));
        Self { content, answering }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { content, answering } = &mut *self;
        match content {
            Content::Empty => Poll::Ready(None),
            Content::Whole(_) => match std::mem::replace(content, Content::Empty) {
                Content::Whole(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                _ => Poll::Ready(None),
            },
            Content::File(reader) => Poll::Ready(reader.next().map(|read| Ok(Frame::data(read?)))),
            Content::Function(body) => {
                let polled = Pin::new(body).poll_frame(cx);
                answering.owe(polled.is_pending());
                polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Whole(bytes) => bytes.is_empty(),
            Content::File(reader) => reader.remaining() == 0,
            Content::Function(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::File(reader) => SizeHint::with_exact(reader.remaining()),
            Content::Function(body) => body.size_hint(),
        }
    }
}
