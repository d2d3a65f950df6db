//! Serving the app until it is told to stop.

use axum::Router;
use std::{io, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long requests in flight may take to end once the server closes.
const GRACE: Duration = Duration::from_secs(10);

/// Serves `app` on `listener` until `shutdown` resolves, then lets requests in flight end,
/// for at most ten seconds. Event streams and waiting claims end by
/// [`AppState::closing`](super::AppState::closing), which `shutdown` should be derived from:
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
/// The listener's own; those of single connections are not errors of the server.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let closing = CancellationToken::new();
    let closed = closing.clone();
    let until = async move {
        shutdown.await;
        closed.cancel();
    };
    let serving = axum::serve(listener, app).with_graceful_shutdown(until);
    let overdue = async {
        closing.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = serving => result,
        () = overdue => {
            tracing::warn!("requests still in flight were cut off");
            Ok(())
        }
    }
}
