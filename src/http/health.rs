//! Whether the server lives, and whether it can work.

use super::{
    openapi::NotReady,
    problem::{MetDamage, MetUnwritable, Problem},
    state::AppState,
};
use crate::{
    driver::Driver,
    store,
    unwritable::{Unwritable, unwritable},
};
use anyhow::Context;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use std::time::Duration;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

const READY: &str = "/readyz";

/// A database that takes longer is as good as gone.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the process runs
///
/// Answers as long as it does, whatever its database is up to: for supervisors that would restart it.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "live",
    tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain", description = "It does"))
)]
async fn live() -> &'static str {
    "ok"
}

/// Whether the database answers
///
/// Within two seconds, and isn't known to be damaged, and its file and the folder of the blobs are where they were
/// opened, and files can be written, and could be for twenty seconds. If not, `detail` says why. For balancers,
/// which should ask another server meanwhile.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "operations",
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "It does"),
        NotReady,
    )
)]
async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    let ping = tokio::time::timeout(PING_TIMEOUT, state.driver.store().ping()).await;
    let ping = ping.with_context(|| format!("the database took more than {PING_TIMEOUT:?}"));
    let ping = ping.and_then(|answered| Ok(answered?));
    if let Err(error) = &ping {
        if let Some(said) = error.chain().find_map(store::damage) {
            state.driver.note_damage(&said);
        }
        if let Some(words) = unwritable(error.as_ref()) {
            state.driver.note_unwritable(&words);
        }
    }
    let ping = ping.and_then(|()| Ok(state.driver.store().check_place()?));
    let ping = ping.and_then(|()| Ok(state.driver.blobs().check_folder()?));
    // Neither disk is told by a database that only has to be read.
    let ping = ping.and_then(|()| match state.driver.unwritable() {
        Some(words) => Err(Unwritable(words).into()),
        None => Ok(()),
    });
    match (state.driver.database_damage(), ping) {
        (Some(said), _) => Err(Problem::DatabaseDamaged(said)),
        (None, Err(error)) => Err(Problem::Unavailable(error)),
        (None, Ok(())) => Ok("ok"),
    }
}

/// Notes of each answer whether its cause is that the database is damaged, or a disk can't be written; but not
/// of those that only tell what is known of that: a server that is asked often would never be ready again.
pub(super) async fn watch(State(driver): State<Driver>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let only_tells = route == READY;
    let response = next.run(request).await;
    if only_tells {
        return response;
    }
    if let Some(MetDamage(said)) = response.extensions().get() {
        driver.note_damage(said);
    }
    if let Some(MetUnwritable(words)) = response.extensions().get() {
        driver.note_unwritable(words);
    }
    response
}
