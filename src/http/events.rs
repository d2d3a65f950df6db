//! Live logs as server-sent events: replayed from the store, then tailed.
//!
//! Logs are read on whenever something was committed, in this process or, on Postgres, in others
//! that say so, and every second in case they don't; see `feed`. A client that comes back with `Last-Event-ID`
//! misses nothing and sees nothing twice.

use super::{
    access::{Asker, Caller},
    extract::{Query, SweepPath, text_header},
    log::{OfAll, OfSweep},
    openapi::{Malformed, NoSweep},
    problem::Problem,
    state::AppState,
    sweeps,
};
use crate::scheduler::{Decision, Event};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use floodgauge_api::LogEntry;
use floodgauge_protocol::SweepId;
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use std::{convert::Infallible, str::FromStr, time::Duration};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_sweep)).routes(routes!(of_all))
}

/// How often a comment line keeps an idle connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An entry as it is described; it is sent as it is stored.
type TypedEntry = LogEntry<Event, Decision>;

/// Where a stream begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// Begin after the entry with this id; the header `Last-Event-ID` goes before.
    after: Option<String>,
}

/// Follow a sweep
///
/// Each message's `id` is the entry's `seq`, its `event` the event's type, its `data` a
/// `LogEntry`. Begins with the first entry unless told otherwise, and ends after the entry
/// whose decisions hold `complete`, `fail` or `cancel`. Workers still hand in or give up what
/// they hold when a sweep is cancelled: whoever comes back after its ending gets such entries,
/// and 204 once there are none left, which tells an `EventSource` to stay away.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/events",
    operation_id = "followSweep",
    tag = "events",
    params(
        ("id" = SweepId, Path, description = "The sweep"),
        ("last-event-id" = Option<u64>, Header, description = "Go on after this entry"),
        AfterQuery,
    ),
    responses(
        (status = 200, body = TypedEntry, content_type = "text/event-stream",
         description = "The log, then what is added to it"),
        (status = 204, description = "The sweep has ended and nothing comes after that entry"),
        NoSweep, Malformed,
    )
)]
async fn of_sweep(
    State(state): State<AppState>,
    caller: Caller,
    Asker(asker): Asker,
    SweepPath(sweep): SweepPath,
    Query(query): Query<AfterQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = after(&headers, query)?.unwrap_or(0);
    let row = sweeps::row(&state, sweep).await?;
    if row.status.is_final() && row.head_seq <= after {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.places.to_watch(asker)?;
    let entries = state.sweep_feeds.follow(place, OfSweep(sweep), after, row.head_seq);
    Ok(stream(entries.take_until(Box::pin(caller.ends(state.admission())))))
}

/// Follow all sweeps
///
/// The same messages over all sweeps, from now on unless `Last-Event-ID` says otherwise;
/// ids are opaque. The stream has no end.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "followAll",
    tag = "events",
    params(
        ("last-event-id" = Option<String>, Header, description = "Go on after this entry"),
        AfterQuery,
    ),
    responses(
        (status = 200, body = TypedEntry, content_type = "text/event-stream",
         description = "What is added to any sweep's log"),
        Malformed,
    )
)]
async fn of_all(
    State(state): State<AppState>,
    caller: Caller,
    Asker(asker): Asker,
    Query(query): Query<AfterQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let head = state.driver.store().global_head().await?.unwrap_or(OfAll::START);
    let after = after(&headers, query)?.unwrap_or(head);
    let place = state.places.to_watch(asker)?;
    let entries = state.all_feeds.follow(place, OfAll, after, head);
    Ok(stream(entries.take_until(Box::pin(caller.ends(state.admission())))))
}

/// The header goes before the query: a browser that reconnects keeps its address.
fn after<T: FromStr>(headers: &HeaderMap, query: AfterQuery) -> Result<Option<T>, Problem> {
    let place = text_header(headers, "last-event-id")?.or(query.after);
    let place = place.filter(|text| !text.is_empty());
    place
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Problem::Malformed("that is not the id of an event".into(), Vec::new()))
}

fn stream(
    messages: impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
) -> Response {
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(messages).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Some proxies hold answers back until they are whole, unless told.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
