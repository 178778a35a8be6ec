//! One thread of the edge: its accept loop, its connections, and how they end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::EdgeConfig;
use super::activity::Activity;
use super::counts::ThreadCounts;
use super::crowd::Crowd;
use super::file::FileParts;
use super::files::Files;
use super::host::MAX_FIELD_BYTES;
use super::plain::{self, Rest};
use super::routes::Routes;
use super::service::{Connection, Edge};
use super::stream::EdgeStream;

/// What is read of a request before its head has to be there. More than the fields may have, so that a target that is
/// too long is told from fields that are.
const MAX_HEAD_BYTES: usize = 160 * 1024;

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 128;

/// Streams of one HTTP/2 connection that the visitor may have reset before we got to look at them. Each cost it a few
/// bytes (CVE-2023-44487); browsers reset what they saw begin.
const MAX_UNSEEN_RESETS: usize = 20;

/// Streams of one HTTP/2 connection that we may have reset for the visitor's errors, among them those that it opened
/// beyond [`MAX_STREAMS`] before it heard of that bound (CVE-2025-8671).
const MAX_ERROR_RESETS: usize = 1024;

/// What one HTTP/2 stream may hold of its answer, in bytes, while the visitor's windows are open and it does not read.
const STREAM_SEND_BYTES: usize = 64 * 1024;

/// How long the accept loop rests when the system has no descriptors or memory left: trying again at once would only
/// keep the processor from the requests that will give some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long idle connections stay open while draining. A visitor in the middle of a row of requests learns from the
/// next answer that the connection ends, where closing it under a request just sent would lose that one.
const IDLE_GRACE: Duration = Duration::from_millis(500);

/// What the server is asked to do. When the sender is gone: end at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Take connections and answer.
    Serving,
    /// Take no more connections, answer what was asked, then end.
    Draining,
}

/// Serves connections of `listener` on the calling thread until told to end by `phases`.
pub(super) fn run(
    listener: std::net::TcpListener,
    config: Arc<EdgeConfig>,
    routes: Arc<Routes>,
    files: Arc<Files>,
    counts: Arc<ThreadCounts>,
    crowd: Arc<Crowd>,
    phases: watch::Receiver<Phase>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default())?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let worker = Rc::new(Worker {
            http: http(),
            crowd,
            edge: Rc::new(Edge::new(Arc::clone(&config), routes, files, counts)),
            websocket_idle_timeout: config.websocket_idle_timeout,
            connections: RefCell::default(),
        });
        worker.serve(listener, &config, phases).await;
        Ok(())
    })
}

fn http() -> auto::Builder<LocalExecutor> {
    let mut http = auto::Builder::new(LocalExecutor);
    // The sweep ends slow and idle connections; hyper's own timer would cost an allocation and a timer a request.
    http.http1().header_read_timeout(None).max_buf_size(MAX_HEAD_BYTES).half_close(true);
    // Nor are visitors asked whether they are there (`keep_alive_interval`): the sweep and the kernel's probes find who is not.
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_UNSEEN_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS)
        .max_send_buf_size(STREAM_SEND_BYTES)
        .max_header_list_size(MAX_FIELD_BYTES as u32);
    http
}

struct Worker {
    http: auto::Builder<LocalExecutor>,
    edge: Rc<Edge>,
    crowd: Arc<Crowd>,
    websocket_idle_timeout: Duration,
    connections: RefCell<Connections>,
}

#[derive(Default)]
struct Connections {
    last_number: u64,
    open: HashMap<u64, Open>,
}

struct Open {
    activity: Arc<Activity>,
    /// What the last sweep saw.
    seen: u64,
    task: AbortHandle,
}

impl Worker {
    async fn serve(self: &Rc<Self>, listener: TcpListener, config: &EdgeConfig, mut phases: watch::Receiver<Phase>) {
        let sweeping = Rc::clone(self);
        let period = config.idle_timeout;
        let sweep = tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(period).await;
                sweeping.sweep();
            }
        });
        let goes_on = loop {
            tokio::select! {
                biased;
                changed = phases.changed() => break changed.is_ok(),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.open(stream),
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "connections cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        };
        if goes_on {
            self.edge.drain();
            self.accept_waiting(listener);
            tokio::select! {
                () = self.drain(config.drain_timeout) => {}
                _ = phases.changed() => {}
            }
        }
        sweep.abort();
    }

    /// Takes the connections that the kernel already made: closing the socket would reset them.
    fn accept_waiting(self: &Rc<Self>, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.open(stream);
            }
        }
    }

    async fn drain(&self, timeout: Duration) {
        let deadline = tokio::time::Instant::now() + timeout;
        let idle_deadline = deadline.min(tokio::time::Instant::now() + IDLE_GRACE);
        let _ = tokio::time::timeout_at(idle_deadline, self.all_closed()).await;
        for open in self.connections.borrow().open.values() {
            open.activity.close();
        }
        let _ = tokio::time::timeout_at(deadline, self.all_closed()).await;
    }

    async fn all_closed(&self) {
        while !self.connections.borrow().open.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn open(self: &Rc<Self>, mut stream: TcpStream) {
        // Without it the last part of an answer waits for the visitor's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let Ok(peer) = stream.peer_addr() else { return };
        let Some(place) = self.crowd.admit(peer.ip()) else { return };
        let number = {
            let mut connections = self.connections.borrow_mut();
            connections.last_number += 1;
            connections.last_number
        };
        let activity = Arc::new(Activity::default());
        let worker = Rc::clone(self);
        let file_parts = Arc::new(FileParts::default());
        let parts = Arc::clone(&file_parts);
        let connection = Rc::new(Connection::new(Rc::clone(&self.edge), peer, Arc::clone(&activity), parts));
        let watched = Arc::clone(&activity);
        let task = tokio::task::spawn_local(async move {
            let closed = Closed { worker: Rc::clone(&worker), number };
            // A task keeps its waker.
            let register = |cx: &mut Context<'_>| {
                watched.register(cx.waker());
                Poll::Ready(())
            };
            poll_fn(register).await;
            if let Rest::Unusual(unread) = plain::serve(&connection, &watched, &mut stream).await {
                let io = EdgeStream::new(stream, unread, Arc::clone(&watched), file_parts);
                worker.serve_by_hyper(io, &connection, &watched).await;
            }
            if let Some(tunnel) = connection.take_tunnel() {
                tunnel.run(&watched, worker.websocket_idle_timeout).await;
            }
            drop((closed, place));
        });
        // No count is this one, so the first sweep, which may come at once, spares the connection.
        let open = Open { activity, seen: u64::MAX, task: task.abort_handle() };
        self.connections.borrow_mut().open.insert(number, open);
    }

    async fn serve_by_hyper(&self, io: EdgeStream, connection: &Rc<Connection>, activity: &Activity) {
        let service = hyper::service::service_fn(|request| Rc::clone(connection).answer(request));
        let mut http = pin!(self.http.serve_connection_with_upgrades(TokioIo::new(io), service));
        let mut told = false;
        poll_fn(|cx| {
            if activity.is_closing() && !told {
                told = true;
                http.as_mut().graceful_shutdown();
            }
            // How a connection ended is the visitor's affair: it left, stalled, or spoke no HTTP.
            http.as_mut().poll(cx).map(drop)
        })
        .await;
    }

    fn sweep(&self) {
        for open in self.connections.borrow_mut().open.values_mut() {
            match open.activity.sweep(open.seen) {
                Some(seen) => open.seen = seen,
                None if open.activity.time_out() => {}
                None => open.task.abort(),
            }
        }
    }
}

struct Closed {
    worker: Rc<Worker>,
    number: u64,
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.worker.connections.borrow_mut().open.remove(&self.number);
    }
}

/// Errors of `accept` that say something about the connection taken, not about the listening socket.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Runs HTTP/2 streams on the thread of their connection.
#[derive(Debug, Clone, Copy)]
struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(stream);
    }
}
