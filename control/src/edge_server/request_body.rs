//! The visitor's body on its way to a function.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::activity::Activity;

/// How far a body has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Parts that went on; only a change of it means anything.
    pub(super) moves: AtomicU64,
    too_large: AtomicBool,
}

impl Progress {
    /// Whether the body proved longer than functions are given.
    pub(super) fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }
}

/// A body that is counted, and fails where it gets too long.
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Incoming,
    left: u64,
    progress: Arc<Progress>,
    activity: Arc<Activity>,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, limit: u64, progress: Arc<Progress>, activity: Arc<Activity>) -> Self {
        Self { body, left: limit, progress, activity }
    }
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
