//! WebSockets: once both sides agreed, bytes pass in both directions and nobody here reads them.
//!
//! Only WebSockets get through. A tunnel for HTTP/2 would let a visitor send requests that no site and no rule ever see.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{Method, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::activity::Activity;

/// The protocol's name in `Upgrade`.
pub(super) const WEBSOCKET: &str = "websocket";

/// Bytes of one direction that wait here while the other side does not read.
const BUFFER_BYTES: usize = 16 * 1024;

/// The two ends of a WebSocket.
#[derive(Debug)]
pub(super) struct Tunnel {
    visitor: OnUpgrade,
    function: OnUpgrade,
}

/// Takes the connection out of a request that asks for a WebSocket; `None` for every other request.
pub(super) fn asked_for(parts: &mut Parts) -> Option<OnUpgrade> {
    if parts.method != Method::GET || parts.version != Version::HTTP_11 {
        return None;
    }
    let named = |name, wanted: &str| {
        let values = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
    };
    if !named(UPGRADE, WEBSOCKET) || !named(CONNECTION, "upgrade") {
        return None;
    }
    parts.extensions.remove()
}

impl Tunnel {
    pub(super) fn new(visitor: OnUpgrade, function: OnUpgrade) -> Self {
        Self { visitor, function }
    }

    /// Passes bytes until both sides have ended, one failed, nothing moved for `idle_timeout`, or the connection is to
    /// close. What one side has ended the other may still answer.
    pub(super) async fn run(self, activity: &Arc<Activity>, idle_timeout: Duration) {
        // The sweep is for visitors who owe something; here silence is nobody's fault.
        let answering = activity.begin();
        let Ok((visitor, function)) = futures_util::future::try_join(self.visitor, self.function).await else { return };
        let (from_visitor, to_visitor) = tokio::io::split(TokioIo::new(visitor));
        let (from_function, to_function) = tokio::io::split(TokioIo::new(function));
        let passing = futures_util::future::try_join(
            pass(from_visitor, to_function, activity),
            pass(from_function, to_visitor, activity),
        );
        let closing = poll_fn(|_| if activity.is_closing() { Poll::Ready(()) } else { Poll::Pending });
        tokio::select! {
            _ = passing => {}
            () = closing => {}
            () = idle(activity, idle_timeout) => {}
        }
        drop(answering);
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        activity.moved();
        match buffer.get(..length) {
            None | Some([]) => return to.shutdown().await,
            Some(bytes) => to.write_all(bytes).await?,
        }
        to.flush().await?;
        activity.moved();
    }
}

/// Returns once nothing has moved for `timeout`.
async fn idle(activity: &Activity, timeout: Duration) {
    let mut seen = activity.moves();
    loop {
        tokio::time::sleep(timeout).await;
        let moves = activity.moves();
        if moves == seen {
            return;
        }
        seen = moves;
    }
}
