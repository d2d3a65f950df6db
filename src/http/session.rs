//! The page's session: signed in with a token, kept in a cookie that no script reads.

use super::{
    access::{COOKIE, Caller, HOST_COOKIE},
    body::SignInBody,
    openapi::{Malformed, TooLarge, UnsupportedMediaType},
    problem::Problem,
    serve::Peer,
    shares::{Party, Place},
    state::AppState,
};
use crate::{
    access::{Kind, Scope, Secret},
    store::TokenRow,
};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{AppendHeaders, IntoResponse, Response},
};
use floodgauge_api::access::{Session, SessionToken, SignIn};
use std::time::Duration;
use utoipa_axum::{router::OpenApiRouter, routes};

/// How long a session lasts, if its token does.
const LASTS: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, begin, end))
}

impl From<&TokenRow> for SessionToken {
    fn from(row: &TokenRow) -> Self {
        Self { id: row.token, name: row.name.clone(), scopes: row.scopes.iter().collect() }
    }
}

/// Ask who one is
///
/// By the token or the cookie that is shown; without either, whether the server asks for one at all.
#[utoipa::path(
    get,
    path = "/v1/session",
    operation_id = "getSession",
    tag = "access",
    responses((status = 200, body = Session, description = "Whether the server is open, and whom it knows"))
)]
async fn get(caller: Caller) -> impl IntoResponse {
    let (open, token) = match &caller {
        Caller::Token { row, .. } => (false, Some(SessionToken::from(&**row))),
        Caller::Open => (true, None),
        Caller::Internal | Caller::Unknown { .. } => (false, None),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(Session { open, token }))
}

/// Sign in
///
/// Sets a cookie that the page's further requests show instead of the token; it lasts a week, as
/// long as the token does. For browsers: programs send the token itself.
#[utoipa::path(
    post,
    path = "/v1/session",
    operation_id = "beginSession",
    tag = "access",
    request_body(content = SignIn, description = "At most 4 KiB"),
    responses(
        (status = 200, body = Session, description = "Signed in",
         headers(("set-cookie" = String, description = "The session"))),
        super::openapi::Unauthorized, super::openapi::Forbidden,
        Malformed, TooLarge, UnsupportedMediaType,
    )
)]
async fn begin(
    State(state): State<AppState>,
    _signing_in: SigningIn,
    headers: HeaderMap,
    SignInBody(sign_in): SignInBody<SignIn>,
) -> Result<Response, Problem> {
    let store = state.driver.store();
    let row = match Secret::read(Kind::Token, sign_in.token.trim()) {
        Some(secret) => store.token_opened_by(Kind::Token, secret.digest()).await?,
        None => None,
    };
    let Some(row) = row else {
        return Err(Problem::Unauthorized("the token is unknown, revoked or has expired".into()));
    };
    if !row.scopes.allow(Scope::Read) {
        return Err(Problem::Forbidden("the page needs a token with the scope `read`".into()));
    }
    state.gate.pass(&row).map_err(Problem::RateLimited)?;
    let session = Secret::new(Kind::Session).map_err(Problem::Internal)?;
    store.add_session(&session, row.token, LASTS).await?;
    tracing::info!(token = row.name, "a session began");
    let body = Session { open: false, token: Some((&row).into()) };
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let cookies = set_cookies(&headers, session.reveal(), LASTS)?;
    Ok((AppendHeaders(cookies), [no_store], Json(body)).into_response())
}

/// A place among those who sign in, taken before anything of the body is read. Whoever comes from the
/// same address has a share of them: who it is isn't known yet.
struct SigningIn {
    _place: Place,
}

impl FromRequestParts<AppState> for SigningIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let party = parts.extensions.get::<Peer>().map(|Peer(address)| Party::at(*address));
        Ok(Self { _place: state.places.sign_ins.try_take(party)? })
    }
}

/// Sign out
///
/// Ends the session that the cookie is of, and takes the cookie back. The token works on.
#[utoipa::path(
    delete,
    path = "/v1/session",
    operation_id = "endSession",
    tag = "access",
    responses((status = 204, description = "Signed out; the cookie is gone"))
)]
async fn end(
    State(state): State<AppState>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Problem> {
    if let Caller::Token { shown: (Kind::Session, sha256), .. } = caller {
        state.driver.store().end_session(sha256).await?;
    }
    let cookies = set_cookies(&headers, "", Duration::ZERO)?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies)).into_response())
}

/// Not for scripts, not for other sites, and over TLS alone where the page came that way: then under a
/// name that other sites can't set, and the one that they can is taken back. What a proxy says of
/// that isn't asked: the page's own browser tells it (`Origin`).
fn set_cookies(
    headers: &HeaderMap,
    value: &str,
    lasts: Duration,
) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let secure = origin.is_some_and(|origin| origin.starts_with("https://"));
    let cookie = |name: &str, value: &str, lasts: Duration| {
        let seconds = lasts.as_secs();
        let secure = if secure { "; Secure" } else { "" };
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        let cookie = cookie.parse::<HeaderValue>();
        let cookie = cookie.map_err(|error| Problem::Internal(anyhow::Error::new(error)))?;
        Ok::<_, Problem>((header::SET_COOKIE, cookie))
    };
    match secure {
        true => [(HOST_COOKIE, value, lasts), (COOKIE, "", Duration::ZERO)]
            .into_iter()
            .map(|(name, value, lasts)| cookie(name, value, lasts))
            .collect(),
        false => Ok(vec![cookie(COOKIE, value, lasts)?]),
    }
}
