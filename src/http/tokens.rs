//! Tokens, for admins.

use super::{
    body::JsonBody,
    extract::{Query, TokenPath},
    openapi::{Malformed, NoToken, TokenConflict, TooLarge, UnsupportedMediaType},
    problem::{FieldError, Problem},
    state::AppState,
    time::timestamp,
};
use crate::{
    access::{self, Kind, Scopes, Secret, TokenId},
    store::{AddedToken, NewToken, TokenRow},
};
use axum::{Json, extract::State, http::StatusCode};
use floodgauge_api::access::{MadeToken, TokenItem, TokenList, TokenQuery, TokenSpec};
use std::time::Duration;
use utoipa_axum::{router::OpenApiRouter, routes};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 200;

/// The longest that a token can be made to last: a hundred years.
const MAX_LIFETIME_S: u64 = 100 * 366 * 24 * 3600;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(revoke))
}

/// The item of a row.
///
/// # Errors
/// A time that is none.
pub fn token_item(row: &TokenRow) -> anyhow::Result<TokenItem> {
    let maybe = |ms: Option<i64>| ms.map(timestamp).transpose();
    Ok(TokenItem {
        id: row.token,
        name: row.name.clone(),
        scopes: row.scopes.iter().collect(),
        limits: row.limits,
        live: row.live,
        created_at: timestamp(row.created_ms)?,
        expires_at: maybe(row.expires_ms)?,
        revoked_at: maybe(row.revoked_ms)?,
        used_at: maybe(row.used_ms)?,
    })
}

/// Make a token
///
/// Its secret is in the answer, and nowhere else from then on.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    operation_id = "createToken",
    tag = "access",
    request_body(content = TokenSpec, description = "At most 1 MiB"),
    responses(
        (status = 201, body = MadeToken, description = "Made"),
        Malformed, TokenConflict, TooLarge, UnsupportedMediaType,
    )
)]
async fn create(
    State(state): State<AppState>,
    JsonBody(spec): JsonBody<TokenSpec>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let bad = |field: &str, detail: String| {
        let pointer = format!("/{field}");
        Problem::Malformed(format!("{pointer}: {detail}"), vec![FieldError { pointer, detail }])
    };
    access::check_name(&spec.name).map_err(|why| bad("name", why))?;
    let scopes =
        Scopes::of(spec.scopes).ok_or_else(|| bad("scopes", "name at least one".into()))?;
    if let Some(seconds) = spec.expires_in_s.filter(|s| !(1..=MAX_LIFETIME_S).contains(s)) {
        let why = format!("{seconds} must be between 1 and {MAX_LIFETIME_S}");
        return Err(bad("expires_in_s", why));
    }
    if let Some((field, why)) = spec.limits.problem() {
        return Err(bad(&format!("limits/{field}"), why));
    }
    let secret = Secret::new(Kind::Token).map_err(Problem::Internal)?;
    let new = NewToken {
        lasts: spec.expires_in_s.map(Duration::from_secs),
        limits: spec.limits,
        ..NewToken::of(&secret, &spec.name, scopes)
    };
    match state.driver.store().add_token(new).await? {
        AddedToken::New(row) => {
            tracing::info!(id = %row.token, name = row.name, scopes = %row.scopes, "a token was made");
            let item = token_item(&row).map_err(Problem::Internal)?;
            let made = MadeToken { token: secret.reveal().into(), item };
            Ok((StatusCode::CREATED, Json(made)))
        }
        AddedToken::NameTaken => {
            Err(Problem::Conflict(format!("a token that isn't revoked is called `{}`", spec.name)))
        }
    }
}

/// List tokens, newest first
///
/// Revoked and expired ones too.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    operation_id = "listTokens",
    tag = "access",
    params(TokenQuery),
    responses((status = 200, body = TokenList, description = "A page of tokens"), Malformed)
)]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<TokenQuery>,
) -> Result<Json<TokenList>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit {limit} must be between 1 and {MAX_LIMIT}");
        return Err(Problem::Malformed(detail, Vec::new()));
    }
    let mut rows = state.driver.store().tokens(query.cursor, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.token);
    let items = rows.iter().map(token_item).collect::<Result<_, _>>();
    Ok(Json(TokenList { items: items.map_err(Problem::Internal)?, next_cursor }))
}

/// Revoke a token
///
/// It works nowhere from then on, and its sessions end.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{token}",
    operation_id = "revokeToken",
    tag = "access",
    params(("token" = TokenId, Path, description = "The token's id")),
    responses((status = 204, description = "Revoked"), NoToken)
)]
async fn revoke(
    State(state): State<AppState>,
    TokenPath(token): TokenPath,
) -> Result<StatusCode, Problem> {
    if !state.driver.store().revoke_token(token).await? {
        return Err(Problem::NotFound(format!("token {token} that isn't revoked")));
    }
    tracing::info!(id = %token, "a token was revoked");
    Ok(StatusCode::NO_CONTENT)
}
