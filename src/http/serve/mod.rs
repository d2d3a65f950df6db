//! Serving the app until it is told to stop.
//!
//! - `connections`: which connections there may be, and which of them have had their time.
//! - `watched`: what is seen of a connection as its bytes go by. `patience`: how long is waited for them.

mod connections;
mod patience;
mod watched;

pub(super) use connections::InReserve;
pub(super) use watched::Silence;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Version, header},
    serve::Listener,
};
use connections::{Admitted, Connections};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use patience::Patience;
use std::{convert::Infallible, io, net::IpAddr, pin::pin, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use watched::{Answer, Awaited, Watched};

/// How long requests in flight may take to end once the server closes.
const GRACE: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes: more than all the cookies that a browser keeps for a
/// site by other programs' leave, and hyper's own default for HTTP/1.
const MAX_HEAD_BYTES: usize = 408 * 1024;

/// The most headers of a request. hyper's own default.
const MAX_HEADERS: usize = 100;

/// What of an answer over HTTP/2 may be on its way, for each of a connection's requests, in bytes. Over
/// HTTP/1 it is `AHEAD_BYTES` of `connections`.
const MAX_SEND_BYTES: usize = 64 * 1024;

/// Where a request came from, as far as the connection tells: a proxy's address, where there is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Peer(pub IpAddr);

/// How many connections there may be, and how long each may take for what.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionBounds {
    /// Connections at once. Beyond them whoever has waited longest without asking anything makes
    /// room; where all ask, a few more are taken to answer health probes, and to refuse the rest.
    pub connections: usize,
    /// How long the head of a request may take, from the connection or its own first byte on.
    pub head: Duration,
    /// How long a connection is kept that asks nothing after an answer.
    pub idle: Duration,
    /// How long nothing may come of a body that is awaited.
    pub body: Duration,
    /// How long a client may take nothing of an answer that is sent to it.
    pub write: Duration,
    /// How many bytes a second a client sends of a body and takes of an answer at least: beyond what
    /// they take at this rate it is waited for as long as in silence, `body` and `write`. 0 for none.
    pub least_rate: u64,
}

impl ConnectionBounds {
    fn for_bodies(&self) -> Patience {
        Patience { silence: self.body, rate: self.least_rate }
    }

    fn for_answers(&self) -> Patience {
        Patience { silence: self.write, rate: self.least_rate }
    }
}

impl Default for ConnectionBounds {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connections: 8192,
            head: seconds(10),
            idle: seconds(120),
            body: seconds(60),
            write: seconds(30),
            least_rate: 16 * 1024,
        }
    }
}

/// Serves `app` on `listener` until `shutdown` resolves, within the default bounds; see
/// [`serve_within`].
///
/// ```no_run
/// # use floodgauge::{driver::Driver, http::{AppState, app, serve}};
/// # async fn example(driver: Driver, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// let closing = tokio_util::sync::CancellationToken::new();
/// let app = app(AppState::new(driver, closing.clone()));
/// serve(listener, app, closing.cancelled_owned()).await
/// # }
/// ```
///
/// # Errors
/// As of [`serve_within`].
pub async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_within(ConnectionBounds::default(), listener, app, shutdown).await
}

/// Serves `app` on `listener` until `shutdown` resolves, then lets requests in flight end,
/// for at most ten seconds. Event streams and waiting claims end by
/// [`AppState::closing`](super::AppState::closing), which `shutdown` should be derived from.
///
/// # Errors
/// The listener's own; those of single connections are not errors of the server.
pub async fn serve_within(
    bounds: ConnectionBounds,
    mut listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let connections = Arc::new(Connections::new(bounds));
    let closing = CancellationToken::new();
    let serving = TaskTracker::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Passes over what a single connection fails by, and waits where no file can be opened.
        let (stream, from) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut shutdown => break,
        };
        let Some(admitted) = connections.admit() else {
            tracing::debug!(%from, "a connection too many was closed");
            continue;
        };
        // Else each piece of a streamed answer waits until the one before is acknowledged: 40 ms and more.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%from, %error, "pieces of answers may wait for each other");
        }
        let (patience, peer) = (bounds.for_bodies(), Peer(from.ip()));
        serving.spawn(connection(stream, peer, app.clone(), admitted, patience, closing.clone()));
    }
    drop(listener);
    closing.cancel();
    serving.close();
    if tokio::time::timeout(GRACE, serving.wait()).await.is_err() {
        tracing::warn!("requests still in flight were cut off");
        connections.cut_all();
    }
    Ok(())
}

/// Serves a connection until it ends, has had its time, or the server closes; bodies are waited for with
/// `patience`.
async fn connection(
    stream: TcpStream,
    peer: Peer,
    app: Router,
    admitted: Admitted,
    patience: Patience,
    closing: CancellationToken,
) {
    let seen = admitted.seen();
    let in_reserve = admitted.in_reserve();
    let service = service_fn({
        let seen = seen.clone();
        move |request: Request<Incoming>| {
            let asking = seen.begin();
            let is_alone = request.version() < Version::HTTP_2;
            if !is_alone {
                seen.comes_in_frames();
            }
            let app = app.clone();
            async move {
                let mut request = request.map(|body| Body::new(Awaited::new(body, patience)));
                request.extensions_mut().insert(peer);
                if in_reserve {
                    request.extensions_mut().insert(InReserve);
                }
                let Ok(mut response) = app.oneshot(request).await;
                if in_reserve {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response.map(|body| Answer::new(body, asking, is_alone)))
            }
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
    // Its own time-out would take a connection that is idle for one that is slow.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None::<Duration>);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(MAX_HEAD_BYTES as u32);
    builder.http2().max_send_buf_size(MAX_SEND_BYTES);
    let io = TokioIo::new(Watched::new(stream, seen.clone()));
    let mut serving = pin!(builder.serve_connection(io, service));
    let mut over = pin!(admitted.over());
    let mut told = false;
    loop {
        tokio::select! {
            ended = serving.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection failed");
                }
                return;
            }
            why = &mut over => {
                tracing::debug!(why, "a connection was closed");
                return;
            }
            () = closing.cancelled(), if !told => {
                if seen.is_halfway() {
                    return;
                }
                told = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}
