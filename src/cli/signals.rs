//! Ctrl-C and SIGTERM, and a signal that isn't heeded.

use std::process;

/// Resolves at the first Ctrl-C or SIGTERM; the second ends the process at once.
pub async fn interrupted() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        process::exit(130);
    });
}

/// Makes it an error to write where no file may grow, as on a full disk, rather than the process'
/// end: that is what the limit of a shell's `ulimit -f`, or of a service manager, comes to.
#[cfg(unix)]
pub fn outlive_file_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    // Once somebody listens, the signal does nothing by itself any more.
    if let Err(error) = signal(SignalKind::from_raw(SIGXFSZ)) {
        tracing::warn!(%error, "a limit of file sizes will end this process");
    }
}

#[cfg(not(unix))]
pub fn outlive_file_limits() {}

/// The same number on Linux, macOS and the BSDs.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

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
