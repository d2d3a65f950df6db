//! The trace that a sweep was submitted in: a segment's span goes on with it, and so do the
//! requests that are sent within. Without the feature `otlp` there are no traces.

use tracing::Span;

/// The header that hands a trace on (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Makes a span go on with the trace that a `traceparent` names, before anything happened in it.
#[cfg(feature = "otlp")]
pub(crate) fn follow(span: &Span, traceparent: Option<&str>) {
    use opentelemetry::global;
    use std::collections::HashMap;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = global::get_text_map_propagator(|propagator| propagator.extract(&carrier));
    // It only fails where spans aren't sent anywhere.
    let _ = span.set_parent(context);
}

/// The place of the current span in its trace; none where spans aren't sent anywhere.
#[cfg(feature = "otlp")]
pub(crate) fn traceparent() -> Option<String> {
    use opentelemetry::global;
    use std::collections::HashMap;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let context = Span::current().context();
    let mut carrier = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut carrier);
    });
    carrier.remove(TRACEPARENT)
}

#[cfg(not(feature = "otlp"))]
pub(crate) fn follow(_: &Span, _: Option<&str>) {}

#[cfg(not(feature = "otlp"))]
pub(crate) fn traceparent() -> Option<String> {
    None
}
