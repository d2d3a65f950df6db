//! The HTTP surface: users, workers and the page. `docs/http.md` says how its parts hang
//! together, [`openapi()`] holds every field.
//!
//! One resource a file, each with its own `router()`. [`app`] builds the whole, [`serve`]
//! runs it; listener and shutdown are the caller's. [`AppState`] is what handlers share.
//!
//! - [`control`]: what people do to a sweep on its way.
//! - [`sweeps`], [`trials`], [`model`], [`curves`], [`sparkline`], [`grid`], [`best`], [`table`],
//!   [`plan`]: what they ask about.
//! - [`datasets`]: what sweeps train on.
//! - [`events`]: live logs, on top of `feed`, which follows a `log` in the store and has `lines`, its
//!   entries in words, made of it.
//! - [`work`], [`blobs`]: what workers say.
//! - [`access`]: who may do what; [`session`], [`tokens`]: signing in, and what with.
//! - [`health`], [`metrics`], `page`, `openapi`: the server itself.
//! - [`bounds`]: how much at once, and how long; `shares`: how much of it by one. `rows`: long answers, in pieces.
//! - [`problem`]: what clients are told when something goes wrong.
//! - [`below`]: the app under a path. [`body`], [`extract`]: what handlers take from a request.

mod accept;
pub mod access;
mod base_path;
pub mod best;
pub mod blobs;
pub mod body;
pub mod bounds;
mod cell;
pub mod control;
pub mod curves;
mod dataset_file;
pub mod datasets;
pub mod events;
pub mod extract;
mod feed;
pub mod grid;
pub mod health;
mod limit;
mod lines;
mod log;
pub mod metrics;
pub mod model;
mod openapi;
mod page;
pub mod plan;
pub mod problem;
mod rows;
mod serve;
pub mod session;
mod shares;
pub mod sparkline;
mod state;
mod stored;
pub mod sweeps;
pub mod table;
mod time;
pub mod tokens;
pub mod trials;
pub mod work;

pub use crate::base_path::{BadBasePath, BasePath};
pub use base_path::below;
pub use limit::Limit;
pub use openapi::openapi;
pub use serve::{ConnectionBounds, serve, serve_within};
pub use state::AppState;

use crate::trace;
use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Response},
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse as _,
};
use problem::Problem;
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    csrf::{CsrfLayer, ProtectionError},
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};
use tracing::{Span, field};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every route but the page's files, with its description.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::Description::openapi())
        .merge(sweeps::router())
        .merge(plan::router())
        .merge(control::router())
        .merge(best::router())
        .merge(trials::router())
        .merge(model::router())
        .merge(curves::router())
        .merge(grid::router())
        .merge(sparkline::router())
        .merge(table::router())
        .merge(events::router())
        .merge(work::router())
        .merge(blobs::router())
        .merge(datasets::router())
        .merge(dataset_file::router())
        .merge(session::router())
        .merge(tokens::router())
        .merge(health::router())
        .merge(metrics::router())
        .merge(openapi::router())
        .merge(page::router())
}

/// The whole app, ready to be served.
pub fn app(state: AppState) -> Router {
    let nosniff = HeaderValue::from_static("nosniff");
    let around_all = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(answered).on_failure(()))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-content-type-options"),
            nosniff,
        ))
        // Leaves event streams alone, which must not wait for a buffer to fill.
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(state.clone(), metrics::count))
        .layer(from_fn_with_state(state.driver.clone(), health::watch))
        .layer(from_fn_with_state(state.places.clone(), bounds::keep))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(
            CsrfLayer::new()
                .with_rejection_response(|_: ProtectionError| Problem::CrossSite.into_response()),
        );
    Router::from(routes())
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .fallback(page::fallback)
        .layer(from_fn(body::refuse_packed))
        .layer(from_fn_with_state(state.admission(), access::authorize))
        .layer(around_all)
        .with_state(state)
}

/// A span a request. Headers stay out of it: they hold tokens. What the request turns out to
/// be about, handlers record.
fn span(request: &Request) -> Span {
    let id = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        route,
        id = id.unwrap_or_default(),
        sweep = field::Empty,
        segment = field::Empty,
        lease = field::Empty,
        attempt = field::Empty,
        status = field::Empty,
        token = field::Empty,
    );
    let traceparent = request.headers().get(trace::TRACEPARENT);
    trace::follow(&span, traceparent.and_then(|value| value.to_str().ok()));
    span
}

fn answered<B>(response: &Response<B>, latency: Duration, span: &Span) {
    span.record("status", response.status().as_u16());
    tracing::debug!(status = response.status().as_u16(), ?latency, "answered");
}
