//! Who may do what: every request passes here before its handler.
//!
//! [`table`] says what each route needs. A request shows a token (`authorization: bearer fg_…`)
//! or a session's cookie, which only the page uses; both lead to a row of the store, read anew
//! for each request, so that a revoked token works nowhere from then on. A server that never had
//! a token is open, to this machine or to everyone, as [`Gate`] says.
//!
//! That a request comes from another site's page is seen by its headers, whatever it shows
//! (`csrf` of tower-http, in [`app`](super::app)).

mod gate;
mod table;

pub use crate::access::{DEFAULT_RATE, OpenTo};
pub use gate::Gate;
pub use table::{Need, TABLE};

use super::{
    bounds::{InFlight, Places, held_by},
    problem::Problem,
    serve::Peer,
    shares::{Party, Share},
};
use crate::{
    access::{Kind, Scope, Secret, TokenId},
    driver::Driver,
    store::TokenRow,
};
use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use floodgauge_protocol::Digest;
use std::{convert::Infallible, net::IpAddr, sync::Arc};

/// The cookie that holds a session's secret.
pub(super) const COOKIE: &str = "floodgauge_session";

/// The same where the page came over TLS: of a cookie that is called so browsers see to it that only
/// this very site can have set it, and that there is one (RFC 6265bis, section 4.1.3.2).
pub(super) const HOST_COOKIE: &str = "__Host-floodgauge_session";

/// The most sessions of one request that are looked up: neighbours of a site may set cookies of the same
/// name, and browsers may send theirs first.
const MAX_SESSIONS: usize = 16;

/// What it takes to let a request in.
#[derive(Clone)]
pub(super) struct Admission {
    pub gate: Arc<Gate>,
    pub driver: Driver,
    pub places: Places,
}

/// Whom a request comes from, as far as what it shows tells.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody that is known; whether a token or a session was shown.
    Unknown {
        /// One that doesn't work, that is.
        shown: bool,
    },
    /// Anybody, on an open server.
    Open,
    /// A worker inside this very process.
    Internal,
    /// Who holds a token, or a session of it.
    Token {
        /// What is stored of the token.
        row: Arc<TokenRow>,
        /// What was shown.
        shown: (Kind, Digest),
    },
}

impl Caller {
    /// Whether this is allowed. An open server lets everybody do all but look after tokens:
    /// whoever came first could lock its owner out.
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Unknown { .. } => false,
            Self::Open => scope != Scope::Admin,
            Self::Internal => scope == Scope::Worker,
            Self::Token { row, .. } => row.scopes.allow(scope),
        }
    }

    /// The token that what is made belongs to.
    pub fn owner(&self) -> Option<TokenId> {
        match self {
            Self::Token { row, .. } => Some(row.token),
            _ => None,
        }
    }

    /// Resolves once what was shown doesn't work any more: streams end by that.
    pub(super) async fn ends(self, admission: Admission) {
        let mut looks = tokio::time::interval(admission.gate.recheck());
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        looks.tick().await;
        loop {
            looks.tick().await;
            let over = match &self {
                Self::Open => {
                    admission.gate.is_open(admission.driver.store()).await.map(|open| !open)
                }
                Self::Token { shown: (kind, sha256), .. } => {
                    let found = admission.driver.store().token_opened_by(*kind, *sha256).await;
                    found.map(|found| found.is_none())
                }
                Self::Internal | Self::Unknown { .. } => return std::future::pending().await,
            };
            match over {
                Ok(true) => return,
                Ok(false) => {}
                // The stream itself tells if the database is gone.
                Err(error) => tracing::debug!(%error, "a token can't be looked up"),
            }
        }
    }
}

/// Whose share a request counts for; none where there is nobody to share with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asker(pub Option<Party>);

impl Asker {
    /// By the token, or else by the address; on a server that is open to this machine alone all are
    /// one, and so are its own workers.
    fn of(caller: &Caller, open_to: OpenTo, peer: Option<Peer>) -> Self {
        Self(match caller {
            Caller::Token { row, .. } => Some(Party::Token(row.token)),
            Caller::Open if open_to != OpenTo::ThisMachine => peer.map(|Peer(at)| Party::at(at)),
            Caller::Open | Caller::Internal | Caller::Unknown { .. } => None,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        Ok(caller.unwrap_or(Self::Unknown { shown: false }))
    }
}

/// Lets a request through to its handler, or answers why not.
pub(super) async fn authorize(
    State(admission): State<Admission>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = path.as_ref().map(MatchedPath::as_str);
    // Not the request itself, whose body can't be shared between threads.
    let head = Head { method: request.method(), uri: request.uri(), headers: request.headers() };
    let admitted = admit(&admission, path, head).await;
    let peer = request.extensions().get::<Peer>().copied();
    let share = |caller: Caller| {
        let asker = Asker::of(&caller, admission.gate.open_to(), peer);
        let share = asker.0.map(|party| admission.places.share_to_ask(party)).transpose()?;
        Ok::<(_, _, Option<Share>), Problem>((caller, asker, share))
    };
    match admitted.and_then(share) {
        Ok((caller, asker, share)) => {
            let is_known = !matches!(caller, Caller::Unknown { .. });
            let place = request.extensions().get::<InFlight>().cloned();
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(asker);
            let response = next.run(request).await;
            // What everybody may see is in memory, and costs nothing to hold.
            if is_known { held_by(response, (place, share)) } else { response }
        }
        Err(problem) => problem.into_response(),
    }
}

/// A request without its body.
#[derive(Clone, Copy)]
struct Head<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

async fn admit(
    admission: &Admission,
    path: Option<&str>,
    request: Head<'_>,
) -> Result<Caller, Problem> {
    // What no route answers is a file of the page, or isn't there.
    let need = path.map_or(Need::Nothing, |path| table::need(request.method, path));
    if need == Need::Nothing {
        return Ok(Caller::Unknown { shown: false });
    }
    let caller = identify(admission, request).await?;
    if let Caller::Token { row, .. } = &caller {
        tracing::Span::current().record("token", row.name.as_str());
        admission.gate.pass(row).map_err(Problem::RateLimited)?;
        admission.gate.note_use(row.token, admission.driver.store());
    }
    match need {
        Need::Scope(scope) if !caller.may(scope) => Err(refusal(&caller, scope)),
        _ => Ok(caller),
    }
}

async fn identify(admission: &Admission, request: Head<'_>) -> Result<Caller, Problem> {
    let shown = shown(request.headers);
    for secret in shown.secrets() {
        let sha256 = secret.digest();
        if admission.gate.is_internal(sha256) {
            return Ok(Caller::Internal);
        }
        let found = admission.driver.store().token_opened_by(secret.kind(), sha256).await?;
        if let Some(row) = found {
            return Ok(Caller::Token { row: Arc::new(row), shown: (secret.kind(), sha256) });
        }
    }
    if !admission.gate.is_open(admission.driver.store()).await? {
        return Ok(Caller::Unknown { shown: !matches!(shown, Shown::Nothing) });
    }
    if admission.gate.open_to() == OpenTo::ThisMachine && !names_this_machine(request) {
        return Err(Problem::Forbidden(
            "it has no tokens, so it is open to this machine alone: call it 127.0.0.1 or \
             localhost, or make a token (floodgauge token create)"
                .into(),
        ));
    }
    Ok(Caller::Open)
}

fn refusal(caller: &Caller, scope: Scope) -> Problem {
    match caller {
        Caller::Unknown { shown: true } => {
            Problem::Unauthorized("the token is unknown, revoked or has expired".into())
        }
        Caller::Unknown { shown: false } => {
            Problem::Unauthorized("set FLOODGAUGE_TOKEN or use --token".into())
        }
        Caller::Open => Problem::Forbidden(
            "it has no tokens yet: `floodgauge token create` makes the first one, where its \
             database is"
                .into(),
        ),
        Caller::Internal | Caller::Token { .. } => {
            Problem::Forbidden(format!("it needs a token with the scope `{scope}`"))
        }
    }
}

/// What a request shows to be let in.
enum Shown {
    Nothing,
    /// Something that no secret looks like.
    Unreadable,
    /// What may be one; of sessions there may be several.
    Secrets(Vec<Secret>),
}

impl Shown {
    fn secrets(&self) -> &[Secret] {
        match self {
            Self::Secrets(secrets) => secrets,
            Self::Nothing | Self::Unreadable => &[],
        }
    }
}

fn shown(headers: &HeaderMap) -> Shown {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let secret = bearer.and_then(|(_, token)| Secret::read(Kind::Token, token.trim()));
        return secret.map_or(Shown::Unreadable, |secret| Shown::Secrets(vec![secret]));
    }
    let mut values = cookies(headers, HOST_COOKIE).chain(cookies(headers, COOKIE)).peekable();
    if values.peek().is_none() {
        return Shown::Nothing;
    }
    let texts = values.filter_map(|value| str::from_utf8(value).ok());
    let mut secrets: Vec<Secret> = vec![];
    for secret in texts.filter_map(|text| Secret::read(Kind::Session, text)) {
        if secrets.len() < MAX_SESSIONS && !secrets.contains(&secret) {
            secrets.push(secret);
        }
    }
    if secrets.is_empty() { Shown::Unreadable } else { Shown::Secrets(secrets) }
}

/// The values of the cookies of this name. What else there is makes no difference: other programs may
/// have set anything, at any length, in any letters.
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.trim_ascii_start();
        Some(value.strip_prefix(b"=")?.trim_ascii())
    })
}

/// Whether a request calls this machine by a name of its own. Another name that leads here may
/// be another site's, made to lead here so that its pages may ask (DNS rebinding).
fn names_this_machine(request: Head<'_>) -> bool {
    let header = request.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let named = header.and_then(|text| text.parse::<Authority>().ok());
    let Some(authority) = request.uri.authority().or(named.as_ref()) else {
        // Browsers always name whom they ask.
        return header.is_none();
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(headers: &[(&str, &str)]) -> Request {
        let builder = headers
            .iter()
            .fold(Request::builder(), |builder, (name, value)| builder.header(*name, *value));
        builder.body(Body::empty()).unwrap()
    }

    #[test]
    fn this_machine_is_called_by_its_own_names() {
        let named = |headers: &[(&str, &str)]| {
            let request = request(headers);
            let (method, uri, headers) = (request.method(), request.uri(), request.headers());
            names_this_machine(Head { method, uri, headers })
        };
        for host in ["127.0.0.1:7878", "localhost:7878", "LOCALHOST", "[::1]:80", "127.1.2.3"] {
            assert!(named(&[("host", host)]), "{host}");
        }
        for host in ["gauge.example", "127.0.0.1.example:7878", "10.0.0.1", "localhost.example"] {
            assert!(!named(&[("host", host)]), "{host}");
        }
        assert!(named(&[]));
    }

    #[test]
    fn a_token_goes_before_a_cookie_and_what_is_no_secret_was_shown_all_the_same() {
        let token = Secret::new(Kind::Token).unwrap();
        let session = Secret::new(Kind::Session).unwrap();
        let bearer = format!("bearer {}", token.reveal());
        let cookies = format!("theme=dark; {COOKIE}={}", session.reveal());
        let shown = |headers: &[(&str, &str)]| match shown(request(headers).headers()) {
            Shown::Secrets(mut secrets) if secrets.len() == 1 => secrets.pop(),
            _ => None,
        };
        let both = [("authorization", bearer.as_str()), ("cookie", cookies.as_str())];
        assert_eq!(shown(&both), Some(token));
        assert_eq!(shown(&both[1..]), Some(session));
        let basic = request(&[("authorization", "Basic eDp5"), ("cookie", &cookies)]);
        assert!(matches!(super::shown(basic.headers()), Shown::Unreadable));
        assert!(matches!(super::shown(request(&[]).headers()), Shown::Nothing));
    }

    #[test]
    fn no_other_cookie_takes_the_place_of_a_sessions() {
        let made = || Secret::new(Kind::Session).unwrap();
        let (ours, planted, host) = (made(), made(), made());
        let of = |name: &str, secret: &Secret| format!("{name}={}", secret.reveal());
        let cookies = [
            format!("{COOKIE}={}", "x".repeat(300_000)),
            "name=\u{fc}ml\u{e4}ut".into(),
            of(COOKIE, &planted),
            of(COOKIE, &planted),
            format!("{COOKIE}2=1"),
            of(COOKIE, &ours),
            of(HOST_COOKIE, &host),
        ];
        let line = HeaderValue::from_bytes(cookies.join("; ").as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(header::COOKIE, line)]);
        assert_eq!(super::shown(&headers).secrets(), [host, planted, ours]);
        let many: Vec<_> = (0..100).map(|_| of(COOKIE, &made())).collect();
        let headers = HeaderMap::from_iter([(header::COOKIE, many.join(";").parse().unwrap())]);
        assert_eq!(super::shown(&headers).secrets().len(), MAX_SESSIONS);
    }

    #[test]
    fn an_open_server_leaves_its_tokens_to_its_owner() {
        let allowed = |caller: &Caller| {
            Scope::ALL.into_iter().filter(|&scope| caller.may(scope)).collect::<Vec<_>>()
        };
        assert_eq!(allowed(&Caller::Open), [Scope::Read, Scope::Submit, Scope::Worker]);
        assert_eq!(allowed(&Caller::Internal), [Scope::Worker]);
        assert_eq!(allowed(&Caller::Unknown { shown: true }), []);
    }
}
