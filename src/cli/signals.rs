//! Ctrl-C and SIGTERM.

use std::process;

/// Resolves at the first Ctrl-C or SIGTERM; the second ends the process at once.
pub async fn interrupted() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        process::exit(130);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => ctrl_c().await,
    }
}

#[cfg(not(unix))]
async fn signal() {
    ctrl_c().await;
}

async fn ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        // Without signals the process can only be ended from outside.
        tracing::warn!(%error, "Ctrl-C can't be caught");
        std::future::pending::<()>().await;
    }
}
