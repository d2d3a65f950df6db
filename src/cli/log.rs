//! The program's log: to standard error, so that standard output stays the answer's.

use super::Failure;
use crate::config::{Log, LogFormat};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// Starts logging.
///
/// # Errors
/// A filter that doesn't read as one.
pub fn start(config: &Log, default_filter: &str) -> Result<(), Failure> {
    let filter = config.filter.as_deref().unwrap_or(default_filter);
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::BadInput(format!("--log {filter}: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match config.format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            log.with_ansi(io::stderr().is_terminal() && !plain).try_init()
        }
    };
    started.map_err(|error| Failure::Other(anyhow::anyhow!("logging can't be started: {error}")))
}
