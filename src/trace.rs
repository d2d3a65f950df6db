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
    use floodgauge_net::{Authorities, Peer, innermost};
    use opentelemetry::{global, trace::TracerProvider as _};
    use opentelemetry_otlp::WithHttpConfig as _;
    use opentelemetry_sdk::{
        Resource,
        propagation::TraceContextPropagator,
        trace::{SdkTracer, SdkTracerProvider},
    };
    use std::{collections::HashMap, path::Path, time::Duration};
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    /// How long what is left may take to be sent at the end.
    const FLUSH: Duration = Duration::from_secs(3);

    /// How long the collector may take to answer unless the environment says otherwise, as the standard has it.
    const ANSWER: Duration = Duration::from_secs(10);

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
            let disabled = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value == "true");
            let Some(endpoint) = of_exporter("ENDPOINT").filter(|_| !disabled) else {
                return Ok(None);
            };
            let exporter = opentelemetry_otlp::SpanExporter::builder().with_http();
            let exporter = exporter.with_http_client(client(&endpoint)?).build();
            let exporter = exporter.map_err(|error| error.to_string())?;
            let mut resource = Resource::builder();
            if set("OTEL_SERVICE_NAME").is_none() {
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

    /// A variable that holds something.
    fn set(name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// A setting of the exporter's: of traces, or else of everything that is sent.
    fn of_exporter(name: &str) -> Option<String> {
        let of = |what: &str| set(&format!("OTEL_EXPORTER_OTLP_{what}{name}"));
        of("TRACES_").or_else(|| of(""))
    }

    /// What asks a collector: as our other clients ask, it goes past proxies to this machine itself, and trusts
    /// whom the standard's variable names beside the system's authorities.
    fn client(endpoint: &str) -> Result<reqwest::blocking::Client, String> {
        let endpoint = endpoint.parse().map_err(|_| {
            format!("{endpoint}: expected an address such as http://collector:4318")
        })?;
        let authorities =
            of_exporter("CERTIFICATE").map(|file| Authorities::read(Path::new(&file)));
        let authorities = authorities.transpose().map_err(|error| error.to_string())?;
        let answer = of_exporter("TIMEOUT").and_then(|milliseconds| milliseconds.parse().ok());
        let answer = answer.map_or(ANSWER, Duration::from_millis);
        let peer = Peer::new(&endpoint, &authorities.unwrap_or_default());
        let make =
            move || reqwest::blocking::ClientBuilder::from(peer.client()).timeout(answer).build();
        // It has a runtime of its own, which can't be made within another.
        let made =
            std::thread::spawn(make).join().map_err(|_| "no client can be made".to_owned())?;
        made.map_err(|error| innermost(&error))
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
