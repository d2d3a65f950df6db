//! The program's log: to standard error, so that standard output stays the answer's. Its spans
//! go to an OpenTelemetry collector too, where the environment names one.

use super::Failure;
use crate::config::{Log, LogFormat};
use std::io;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Keeps what was started by [`start`] going; dropped, it sends what is left.
#[must_use = "spans are sent as long as it is there"]
#[derive(Debug)]
pub struct Logging {
    #[cfg(feature = "otlp")]
    _exporter: Option<crate::trace::Exporter>,
}

/// Starts logging, under the name `service` where spans are sent.
///
/// # Errors
/// A filter that doesn't read as one; a collector's address that can't be used.
pub fn start(
    config: &Log,
    default_filter: &str,
    service: &'static str,
) -> Result<Logging, Failure> {
    let filter = config.filter.as_deref().unwrap_or(default_filter);
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::BadInput(format!("--log {filter}: {error}")))?;
    let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let log = match config.format {
        LogFormat::Json => log.json().flatten_event(true).boxed(),
        LogFormat::Text => log.with_ansi(console::colors_enabled_stderr()).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(log.with_filter(filter));
    #[cfg(feature = "otlp")]
    let (subscriber, logging) = {
        use tracing_subscriber::filter::{LevelFilter, Targets};
        let exporter = crate::trace::Exporter::from_env(service)
            .map_err(|error| Failure::BadInput(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}")))?;
        // The libraries' own spans would be many; that of the exporter, without end.
        let ours = Targets::new().with_target("floodgauge", LevelFilter::INFO);
        let spans = exporter.as_ref().map(|exporter| {
            tracing_opentelemetry::layer().with_tracer(exporter.tracer()).with_filter(ours)
        });
        (subscriber.with(spans), Logging { _exporter: exporter })
    };
    #[cfg(not(feature = "otlp"))]
    let logging = {
        let _ = service;
        Logging {}
    };
    let started = subscriber.try_init();
    started
        .map_err(|error| Failure::Other(anyhow::anyhow!("logging can't be started: {error}")))?;
    Ok(logging)
}
