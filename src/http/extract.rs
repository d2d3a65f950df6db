//! What handlers take from a request's path, query and headers.

use super::problem::Problem;
use crate::access::TokenId;
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, request::Parts},
};
use floodgauge_protocol::{
    ArmIx, DatasetName, Digest, FamilyIx, LeaseId, SweepId, TrialKey,
    wire::{WIRE_HEADER, WireVersions},
    work::LEASE_TOKEN_HEADER,
};
use serde::de::DeserializeOwned;
use std::str::FromStr;
use tracing::{Span, field::display};

/// The sweep that the path names.
pub struct SweepPath(pub SweepId);

/// The trial that the path names, as `{sweep}.{family}.{arm}`.
pub struct TrialPath {
    /// The sweep that it is said to be of.
    pub sweep: SweepId,
    /// Which of the sweep's trials it is; there may be no such.
    pub trial: TrialKey,
}

/// The data set that the path names.
pub struct DatasetPath(pub DatasetName);

/// The lease that the path names, and its token.
pub struct LeasePath {
    /// Which lease it is said to be; its token proves it.
    pub lease: LeaseId,
    /// What the header [`LEASE_TOKEN_HEADER`] says.
    pub token: String,
}

/// The versions of the wire that a worker understands.
pub struct Wire(pub WireVersions);

/// The token that the path names, by its id.
pub struct TokenPath(pub TokenId);

/// The digest that the path names.
pub struct DigestPath(pub Digest);

/// The query, where unknown names are errors if `T` says so.
pub struct Query<T>(pub T);

/// The client's idempotency key, if it sent one.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for SweepPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let sweep: SweepId = in_path(parts, state, "id", "sweep").await?;
        Span::current().record("sweep", display(sweep));
        Ok(Self(sweep))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TrialPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        in_path(parts, state, "id", "trial").await
    }
}

impl FromStr for TrialPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut parts = text.split('.');
            let sweep = parts.next()?.parse().ok()?;
            let family = FamilyIx(parts.next()?.parse().ok()?);
            let arm = ArmIx(parts.next()?.parse().ok()?);
            let trial = TrialKey::new(family, arm);
            parts.next().is_none().then_some(Self { sweep, trial })
        };
        read().ok_or("not a sweep's id, a family and an arm")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DatasetPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        in_path(parts, state, "name", "data set").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LeasePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let lease: LeaseId = in_path(parts, state, "lease", "lease").await?;
        Span::current().record("lease", display(lease));
        let token = text_header(&parts.headers, LEASE_TOKEN_HEADER)?.ok_or_else(|| {
            Problem::Malformed(format!("the header `{LEASE_TOKEN_HEADER}` is missing"), Vec::new())
        })?;
        Ok(Self { lease, token })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wire {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(said) = text_header(&parts.headers, WIRE_HEADER)? else {
            return Ok(Self(WireVersions::UNSAID));
        };
        said.parse().map(Self).map_err(|error| {
            Problem::Malformed(format!("the header `{WIRE_HEADER}`: {error}"), Vec::new())
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TokenPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        in_path(parts, state, "token", "token").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DigestPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        in_path(parts, state, "sha256", "blob").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let key = text_header(&parts.headers, "idempotency-key")?;
        match key {
            Some(key) if !(1..=200).contains(&key.len()) => Err(Problem::Malformed(
                format!("an idempotency key has 1 to 200 characters, not {}", key.len()),
                Vec::new(),
            )),
            key => Ok(Self(key)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|query| Self(query.0))
            .map_err(|rejection| Problem::Malformed(rejection.body_text(), Vec::new()))
    }
}

/// A header as text; none when it wasn't sent.
pub(super) fn text_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let read = |value: &axum::http::HeaderValue| value.to_str().map(str::to_owned);
    headers.get(name).map(read).transpose().map_err(|_| {
        Problem::Malformed(format!("the header `{name}` isn't visible ASCII"), Vec::new())
    })
}

/// A named part of the path. What can't be a name of anything names nothing: not found.
async fn in_path<T: FromStr, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    param: &str,
    what: &str,
) -> Result<T, Problem> {
    let unknown = |text: &str| Problem::NotFound(format!("{what} `{}`", shortened(text)));
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Problem::NotFound(format!("such {what}")))?;
    let text = params.iter().find(|(name, _)| *name == param).map_or("", |(_, value)| value);
    text.parse().map_err(|_| unknown(text))
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
