//! Tokens, for admins.

use super::{
    AppState,
    body::JsonBody,
    extract::{Query, TokenPath},
    openapi::{Malformed, NoToken, TokenConflict, TooLarge, UnsupportedMediaType},
    problem::{FieldError, Problem},
    time::timestamp,
};
use crate::{
    access::{self, Kind, Limits, Scope, Scopes, Secret, TokenId},
    store::{AddedToken, NewToken, TokenRow},
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 200;

/// The longest that a token can be made to last: a hundred years.
const MAX_LIFETIME_S: u64 = 100 * 366 * 24 * 3600;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(revoke))
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenItem {
    /// Its id.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Its bounds.
    pub limits: Limits,
    /// Whether it works: neither revoked nor expired.
    pub live: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it stops working by itself.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub used_at: Option<Timestamp>,
}

impl TokenItem {
    /// The item of a row.
    ///
    /// # Errors
    /// A time that is none.
    pub fn of(row: &TokenRow) -> anyhow::Result<Self> {
        let maybe = |ms: Option<i64>| ms.map(timestamp).transpose();
        Ok(Self {
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
}

/// A token with its secret, which is told this once.
#[derive(Serialize, ToSchema)]
pub struct MadeToken {
    /// The secret: `fg_` and 64 hexadecimal digits.
    pub token: String,
    /// What is stored of it.
    #[serde(flatten)]
    pub item: TokenItem,
}

/// A page of tokens, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub items: Vec<TokenItem>,
    /// What to pass as `cursor` for the next page; null at the end.
    #[schema(required)]
    pub next_cursor: Option<TokenId>,
}

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `next_cursor` of the page before.
    cursor: Option<TokenId>,
    /// At most so many items, 1 to 200; 100 when unset.
    #[param(minimum = 1, maximum = 200, default = 100)]
    limit: Option<u32>,
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// What people call it; no other live token has the same name.
    #[schema(min_length = 1, max_length = 100, example = "ci")]
    name: String,
    /// What it may do.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// After how many seconds it stops working; never if unset.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3_162_240_000_u64)]
    expires_in_s: Option<u64>,
    /// Its bounds; none if unset.
    #[serde(default)]
    limits: Limits,
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
            let item = TokenItem::of(&row).map_err(Problem::Internal)?;
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
    params(ListQuery),
    responses((status = 200, body = TokenList, description = "A page of tokens"), Malformed)
)]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
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
    let items = rows.iter().map(TokenItem::of).collect::<Result<_, _>>();
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
