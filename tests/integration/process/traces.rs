//! One trace from a sweep's submission through its worker to its verdict, as a collector gets it.

use super::{
    follow,
    programs::{Server, worker_within},
    spec,
};
use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, time::timeout};

/// A span and the name of the service that sent it.
#[derive(Clone, Debug)]
struct Sent {
    service: String,
    span: Span,
}

impl Sent {
    fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.span.attributes.iter().find(|attribute| attribute.key == key)?;
        match found.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }
}

type Spans = Arc<watch::Sender<Vec<Sent>>>;

/// A collector of spans, over HTTP; answers its endpoint and what it gets.
async fn collector() -> (String, Spans) {
    let spans: Spans = Arc::new(watch::channel(Vec::new()).0);
    let take = async |State(spans): State<Spans>, body: Bytes| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        spans.send_modify(|spans| {
            request.resource_spans.into_iter().for_each(|of| {
                let service = of.resource.iter().flat_map(|resource| &resource.attributes);
                let service = service.filter(|attribute| attribute.key == "service.name");
                let service = service.filter_map(|attribute| attribute.value.clone()?.value);
                let service = service.map(|value| match value {
                    Value::StringValue(text) => text,
                    other => panic!("{other:?}"),
                });
                let service: String = service.collect();
                let all = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(all.map(|span| Sent { service: service.clone(), span }));
            })
        });
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    (endpoint, spans)
}

#[tokio::test]
async fn one_trace_goes_from_the_submission_through_the_worker_to_the_verdict() {
    let (endpoint, spans) = collector().await;
    let folder = tempfile::tempdir().unwrap();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let server = Server::start_with(folder.path(), None, &[], &variables);
    let _worker = worker_within(&server.address, "traced", &[], &variables);
    let mut spec = spec();
    spec.recipe.epochs = 6;
    // The client belongs to a trace of its own, which the server goes on with.
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let submit = reqwest::Client::builder().no_proxy().build().unwrap();
    let submit = submit.post(format!("{}/v1/sweeps", server.address));
    let made = submit.header("traceparent", traceparent).json(&spec).send().await.unwrap();
    let made: serde_json::Value = made.error_for_status().unwrap().json().await.unwrap();
    let sweep = made["id"].as_str().unwrap().parse().unwrap();
    follow(&server, sweep).await;

    let of_trace = |sent: &Sent| {
        sent.span.trace_id.iter().map(|b| format!("{b:02x}")).collect::<String>() == trace
    };
    let route = |sent: &Sent, route: &str| sent.attribute("route") == Some(route);
    let finish = |sent: &Sent| route(sent, "/v1/work/{lease}/finish") && of_trace(sent);
    let mut received = spans.subscribe();
    let whole = received.wait_for(|spans| {
        let verdict = spans.iter().find(|sent| sent.span.name == "verdict");
        verdict.is_some_and(|verdict| {
            spans.iter().any(|s| finish(s) && s.span.span_id == verdict.span.parent_span_id)
        }) && spans.iter().filter(|s| s.service == "floodgauge-worker").count() > 1
    });
    let spans = timeout(Duration::from_secs(30), whole).await.expect("the spans come").unwrap();
    let submitted = spans.iter().find(|sent| route(sent, "/v1/sweeps")).unwrap();
    assert!(of_trace(submitted));
    assert_eq!(submitted.service, "floodgauge");
    let verdict = spans.iter().find(|sent| sent.span.name == "verdict").unwrap();
    assert!(of_trace(verdict), "{verdict:?}");
    assert_eq!(verdict.attribute("sweep"), Some(sweep.to_string().as_str()));
    let segments: Vec<_> = spans.iter().filter(|sent| sent.span.name == "segment").collect();
    assert!(segments.len() > 1);
    for segment in &segments {
        assert_eq!(segment.service, "floodgauge-worker");
        assert!(of_trace(segment));
        assert_eq!(segment.span.parent_span_id, submitted.span.span_id);
    }
    // What the worker says of a segment belongs to that segment's span.
    for sent in spans.iter().filter(|sent| finish(sent)) {
        let parent = segments.iter().find(|s| s.span.span_id == sent.span.parent_span_id);
        if let Some(parent) = parent {
            assert_eq!(sent.attribute("lease"), parent.attribute("lease"));
            assert_eq!(sent.attribute("sweep"), Some(sweep.to_string().as_str()));
        }
    }
}
