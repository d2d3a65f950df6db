//! Traces: one goes from a sweep's submission through its workers to its verdict. Spans are
//! `tracing`'s; where the environment names an OpenTelemetry collector, they are sent there.
//!
//! A trace's place is handed on as a W3C `traceparent`: from a client's request to the request's
//! span, from there with the sweep to its segments' workers, and with their requests back.

use tracing::Span;

/// The header that hands a trace on (W3C Trace Context).
pub const TRACEPARENT: &str = "traceparent";

/// Makes a span go on with the trace that a `traceparent` names, before anything happened in it.
/// What doesn't read as one is passed over, as the standard wants it.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        otlp::follow(span, traceparent);
    }
}

/// The place of the current span in its trace; none where spans aren't sent anywhere.
pub fn traceparent() -> Option<String> {
    otlp::traceparent()
}

#[cfg(feature = "otlp")]
pub use otlp::Exporter;

#[cfg(feature = "otlp")]
mod otlp {
    use super::TRACEPARENT;
    use opentelemetry::{global, trace::TracerProvider as _};
    use opentelemetry_otlp::{OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT};
    use opentelemetry_sdk::{
        Resource,
        propagation::TraceContextPropagator,
        trace::{SdkTracer, SdkTracerProvider},
    };
    use std::{collections::HashMap, time::Duration};
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    /// How long what is left may take to be sent at the end.
    const FLUSH: Duration = Duration::from_secs(3);

    pub(super) fn follow(span: &Span, traceparent: &str) {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let context = global::get_text_map_propagator(|propagator| propagator.extract(&carrier));
        // It only fails where spans aren't sent anywhere.
        let _ = span.set_parent(context);
    }

    pub(super) fn traceparent() -> Option<String> {
        let context = Span::current().context();
        let mut carrier = HashMap::new();
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut carrier);
        });
        carrier.remove(TRACEPARENT)
    }

    /// Sends spans to a collector until it is dropped, which sends what is left.
    #[derive(Debug)]
    pub struct Exporter(SdkTracerProvider);

    impl Exporter {
        /// Sends spans to the collector that the environment names by the standard's variables,
        /// `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin; none where it names none.
        ///
        /// # Errors
        /// Says what can't be used of the variables.
        pub fn from_env(service: &'static str) -> Result<Option<Self>, String> {
            let is_set = |name| {
                std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty())
            };
            let disabled = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value == "true");
            let named = [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT];
            if disabled || !named.into_iter().any(is_set) {
                return Ok(None);
            }
            // The exporter's HTTP client looks for the process's; a second install is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build();
            let exporter = exporter.map_err(|error| error.to_string())?;
            let mut resource = Resource::builder();
            if !is_set("OTEL_SERVICE_NAME") {
                resource = resource.with_service_name(service);
            }
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.build())
                .with_batch_exporter(exporter)
                .build();
            global::set_text_map_propagator(TraceContextPropagator::new());
            Ok(Some(Self(provider)))
        }

        /// What makes the spans of this process.
        pub fn tracer(&self) -> SdkTracer {
            self.0.tracer("floodgauge")
        }
    }

    impl Drop for Exporter {
        fn drop(&mut self) {
            if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
                tracing::warn!(%error, "some spans couldn't be sent");
            }
        }
    }
}

#[cfg(not(feature = "otlp"))]
mod otlp {
    use tracing::Span;

    pub(super) fn follow(_: &Span, _: &str) {}

    pub(super) fn traceparent() -> Option<String> {
        None
    }
}
