//! What a client is told when a request can't be answered (RFC 9457).
//!
//! Every answer of 400 and above under this server is a [`Problem`] as
//! `application/problem+json`, whoever noticed: an extractor, a handler, the router (no such
//! route, wrong method) or the panic handler. Each variant is one outcome that a client may
//! want to treat differently, with one type URN and one status; the `detail` is for people,
//! `errors` point into the body that was sent.
//!
//! A client learns what it did or what it may do next, and nothing about our inside: causes
//! of `unavailable` and `internal` stay in the log, but for a disk that can't be written and
//! files that were taken away. They are logged here, once, where the error is turned into an
//! answer, and nowhere before; the request's span says which request it was. What a client did
//! wrong isn't logged: its answer tells it.
//!
//! `conflict` and the 422s mean "don't send this again as it is", `unavailable` means "do,
//! a little later", `lease-lost`, `data-damaged` and `checkpoint-damaged` mean "drop the segment and
//! claim anew".

use super::limit::Limit;
use crate::{
    blobs::BlobError,
    counting::count,
    driver::DriverError,
    lost::lost,
    store::{self, StoreError},
    unwritable::unwritable,
};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
pub use floodgauge_api::FieldError;
use std::{any::Any, fmt, time::Duration};

/// The media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request can't be answered.
#[derive(Debug)]
pub enum Problem {
    /// A sweep with fields out of their range.
    InvalidSweep(Vec<FieldError>),
    /// What a worker sent doesn't fit the segment that it holds.
    InvalidWork(FieldError),
    /// A request that doesn't read as what the route takes.
    Malformed(String, Vec<FieldError>),
    /// No token, or none that works; says what to do.
    Unauthorized(String),
    /// The token, or the way it came, doesn't allow this; says what would.
    Forbidden(String),
    /// A page of another site had its reader's browser ask.
    CrossSite,
    /// The token asks too fast; how long to wait.
    RateLimited(Duration),
    /// The token would have more than it may; says of what.
    OverQuota(String),
    /// The token, the address or the lease has its share of what is done at once; says of what.
    OverShare(String),
    /// No such thing; says which.
    NotFound(String),
    /// The route doesn't know the method.
    MethodNotAllowed,
    /// The thing isn't in a state that allows this; says which.
    Conflict(String),
    /// A data set that can't be used; says which row or array is at fault.
    InvalidDataset(String),
    /// What was sent as a checkpoint isn't one of the recipe; says what is wrong with it.
    InvalidCheckpoint(String),
    /// The lease was taken over, finished or withdrawn.
    LeaseLost,
    /// The data set that a segment needs is damaged here, and its lease has ended; says which.
    DataDamaged(String),
    /// A checkpoint is lost or damaged here; says which. A lease of a segment that starts from it has
    /// ended.
    CheckpointDamaged(String),
    /// Worker and server understand no version of the wire in common; says which each does.
    WireVersion(String),
    /// Too little of the body came in time.
    TooSlow,
    /// The body is longer than the route takes.
    TooLarge(Limit),
    /// The body isn't declared as what the route takes; says what that is.
    UnsupportedMediaType(&'static str),
    /// The body is packed, and nothing here unpacks it.
    PackedBody,
    /// A blob whose bytes have another digest than its path says.
    DigestMismatch,
    /// An idempotency key came again with another body.
    IdempotencyKeyReused,
    /// The database is damaged; says what it said of itself.
    DatabaseDamaged(String),
    /// The database or the blob store doesn't answer.
    Unavailable(anyhow::Error),
    /// A fault of this server.
    Internal(anyhow::Error),
}

impl Problem {
    /// The slug of the type, the status and the title.
    fn kind(&self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidSweep(_) => {
                ("invalid-sweep", S::UNPROCESSABLE_ENTITY, "the sweep is invalid")
            }
            Self::InvalidWork(_) => {
                ("invalid-work", S::UNPROCESSABLE_ENTITY, "this doesn't fit the segment")
            }
            Self::Malformed(..) => ("malformed", S::BAD_REQUEST, "the request can't be read"),
            Self::Unauthorized(_) => {
                ("unauthorized", S::UNAUTHORIZED, "this server asks for a token")
            }
            Self::Forbidden(_) => ("forbidden", S::FORBIDDEN, "this isn't allowed"),
            Self::CrossSite => {
                ("cross-site", S::FORBIDDEN, "a page of another site can't ask for this")
            }
            Self::RateLimited(_) => {
                ("rate-limited", S::TOO_MANY_REQUESTS, "the token asks too fast")
            }
            Self::OverQuota(_) => {
                ("over-quota", S::TOO_MANY_REQUESTS, "the token has as much as it may")
            }
            Self::OverShare(_) => (
                "over-share",
                S::TOO_MANY_REQUESTS,
                "the token, address or lease has its share already",
            ),
            Self::NotFound(_) => ("not-found", S::NOT_FOUND, "not found"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", S::METHOD_NOT_ALLOWED, "this route doesn't know the method")
            }
            Self::Conflict(_) => ("conflict", S::CONFLICT, "its state doesn't allow this"),
            Self::LeaseLost => ("lease-lost", S::CONFLICT, "the lease is no longer held"),
            Self::DataDamaged(_) => {
                ("data-damaged", S::CONFLICT, "the data set is damaged on the server")
            }
            Self::CheckpointDamaged(_) => {
                ("checkpoint-damaged", S::CONFLICT, "the checkpoint is damaged on the server")
            }
            Self::WireVersion(_) => (
                "wire-version",
                S::CONFLICT,
                "worker and server understand no version of the wire in common",
            ),
            Self::TooSlow => ("too-slow", S::REQUEST_TIMEOUT, "the body came too slowly"),
            Self::TooLarge(_) => ("too-large", S::PAYLOAD_TOO_LARGE, "the body is too long"),
            Self::UnsupportedMediaType(_) | Self::PackedBody => (
                "unsupported-media-type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "the body isn't declared as what this route takes",
            ),
            Self::InvalidDataset(_) => {
                ("invalid-dataset", S::UNPROCESSABLE_ENTITY, "the data set can't be used")
            }
            Self::InvalidCheckpoint(_) => (
                "invalid-checkpoint",
                S::UNPROCESSABLE_ENTITY,
                "this is not a checkpoint of the sweep's recipe",
            ),
            Self::DigestMismatch => {
                ("digest-mismatch", S::UNPROCESSABLE_ENTITY, "the bytes have another digest")
            }
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                S::UNPROCESSABLE_ENTITY,
                "the idempotency key belongs to another body",
            ),
            Self::DatabaseDamaged(_) => {
                ("database-damaged", S::SERVICE_UNAVAILABLE, "the database is damaged")
            }
            Self::Unavailable(_) => {
                ("unavailable", S::SERVICE_UNAVAILABLE, "the server can't answer just now")
            }
            Self::Internal(_) => {
                ("internal", S::INTERNAL_SERVER_ERROR, "the server made a mistake")
            }
        }
    }

    /// In how many seconds another try may do better.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable(_) | Self::OverShare(_) => Some(1),
            Self::RateLimited(wait) => Some(whole_seconds(*wait)),
            // Nobody knows when a sweep ends, or a data set is deleted.
            Self::OverQuota(_) => Some(60),
            _ => None,
        }
    }

    /// What went wrong this time, in words, and where.
    fn detail(self) -> (String, Vec<FieldError>) {
        let none = Vec::new;
        match self {
            Self::InvalidSweep(errors) => (count(errors.len(), "problem"), errors),
            Self::InvalidWork(error) => (error.detail.clone(), vec![error]),
            Self::Malformed(detail, errors) => (detail, errors),
            Self::Unauthorized(why)
            | Self::Forbidden(why)
            | Self::OverQuota(why)
            | Self::OverShare(why) => (why, none()),
            Self::CrossSite => {
                ("`sec-fetch-site` or `origin` says that it came from elsewhere".into(), none())
            }
            Self::RateLimited(wait) => (format!("try again in {} s", whole_seconds(wait)), none()),
            Self::NotFound(what) => (format!("no {what}"), none()),
            Self::MethodNotAllowed => ("the header `allow` names the methods".into(), none()),
            Self::Conflict(why)
            | Self::InvalidDataset(why)
            | Self::InvalidCheckpoint(why)
            | Self::WireVersion(why)
            | Self::CheckpointDamaged(why)
            | Self::DataDamaged(why) => (why, none()),
            Self::LeaseLost => {
                ("it was taken over, finished or withdrawn: drop it and claim anew".into(), none())
            }
            Self::TooSlow => ("it was waited for long enough: send it again".into(), none()),
            Self::TooLarge(limit) => (format!("at most {limit} are taken here"), none()),
            Self::UnsupportedMediaType(accepted) => {
                (format!("send it with `content-type: {accepted}`"), none())
            }
            Self::PackedBody => (
                "send it as it is, without `content-encoding`: packed bodies aren't taken".into(),
                none(),
            ),
            Self::DigestMismatch => {
                ("the path must name the SHA-256 digest of the body".into(), none())
            }
            Self::IdempotencyKeyReused => {
                ("a new request needs a new `idempotency-key`".into(), none())
            }
            Self::DatabaseDamaged(said) => (
                format!(
                    "it says: {said}; `floodgauge doctor`, where the server runs, tells what to do"
                ),
                none(),
            ),
            Self::Unavailable(cause) => {
                let lost = || lost(cause.as_ref()).map(|lost| lost.words().into());
                let why = unwritable(cause.as_ref()).or_else(lost).map(|words| words + "; ");
                (why.unwrap_or_default() + "try again in a moment", none())
            }
            Self::Internal(_) => ("the server's log says more".into(), none()),
        }
    }
}

impl fmt::Display for Problem {
    /// As a log has it: the title, and the cause of what no client is told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, _, title) = self.kind();
        match self {
            Self::Unavailable(cause) | Self::Internal(cause) => write!(f, "{title}: {cause:#}"),
            _ => f.write_str(title),
        }
    }
}

/// At least one, and no less than it takes.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// With an answer whose cause is that the database is damaged: what it said.
#[derive(Clone, Debug)]
pub(super) struct MetDamage(pub String);

/// With an answer whose cause is that a disk can't be written: why.
#[derive(Clone, Debug)]
pub(super) struct MetUnwritable(pub String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let damage = match &self {
            Self::Internal(cause) | Self::Unavailable(cause) => {
                cause.chain().find_map(store::damage).map(MetDamage)
            }
            _ => None,
        };
        let unwritten = match &self {
            Self::Internal(cause) | Self::Unavailable(cause) => {
                unwritable(cause.as_ref()).map(MetUnwritable)
            }
            _ => None,
        };
        match &self {
            Self::Internal(cause) => tracing::error!(error = format!("{cause:#}"), "internal"),
            Self::Unavailable(cause) => {
                tracing::warn!(error = format!("{cause:#}"), "unavailable");
            }
            _ => {}
        }
        let (slug, status, title) = self.kind();
        let retry_after = self.retry_after();
        let (detail, errors) = self.detail();
        let kind = format!("urn:floodgauge:problem:{slug}");
        let title = title.into();
        let body = floodgauge_api::Problem { kind, title, status: status.as_u16(), detail, errors };
        let mut response = (status, Json(body)).into_response();
        if let Some(damage) = damage {
            response.extensions_mut().insert(damage);
        }
        if let Some(unwritten) = unwritten {
            response.extensions_mut().insert(unwritten);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"floodgauge\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The answer to a request whose handler panicked.
pub(super) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::Internal(anyhow::anyhow!("a handler panicked: {message}")).into_response()
}

impl From<DriverError> for Problem {
    fn from(error: DriverError) -> Self {
        use DriverError as E;
        let whole = |detail| Self::InvalidWork(FieldError { pointer: String::new(), detail });
        match error {
            E::NotFound => Self::NotFound("such sweep".into()),
            E::Invalid(fields) => {
                Self::InvalidSweep(fields.into_iter().map(FieldError::from).collect())
            }
            E::KeyReused => Self::IdempotencyKeyReused,
            E::Ended => Self::Conflict(error.to_string()),
            E::CheckpointsDropped => Self::Conflict(error.to_string()),
            E::StillRunning => Self::Conflict("the sweep still runs: cancel it first".into()),
            E::NotCompleted(_) => Self::Conflict(error.to_string()),
            E::BadDataset(what) => Self::InvalidDataset(what),
            E::NoDataset(name) => Self::NotFound(format!("data set named `{name}`")),
            E::DatasetTaken(_) | E::DatasetInUse { .. } => Self::Conflict(error.to_string()),
            E::Fault(error) if unwritable(error.as_ref()).is_some() => Self::Unavailable(error),
            E::Fault(error) => Self::Internal(error),
            E::LeaseLost => Self::LeaseLost,
            E::DataDamaged(_) => Self::DataDamaged(error.to_string()),
            E::CheckpointDamaged => Self::CheckpointDamaged(error.to_string()),
            E::BadReport(bad) => {
                let pointer = format!("/rows/{}", bad.row);
                Self::InvalidWork(FieldError { pointer, detail: bad.message })
            }
            E::BadCheckpoint(why) => Self::InvalidCheckpoint(why),
            E::BadFinish(detail) | E::BadRequest(detail) => whole(detail),
            E::Blob(error) => error.into(),
            E::Store(error) => error.into(),
            E::Version { .. } | E::Replay { .. } | E::Damaged { .. } => {
                Self::Conflict(format!("{error}: it can be looked at, cancelled and deleted"))
            }
            E::Unspoken => Self::Conflict(error.to_string()),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Mismatch { .. } => Self::DigestMismatch,
            BlobError::Store(error) => error.into(),
            // The client's digest is right, the server's bytes are wrong.
            BlobError::Damaged(_) => Self::Internal(error.into()),
            BlobError::Bare(_)
            | BlobError::Folder(_)
            | BlobError::Object(_)
            | BlobError::Read(_) => Self::Unavailable(error.into()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            StoreError::KeyReused => Self::IdempotencyKeyReused,
            StoreError::OverQuota(over) => Self::OverQuota(over.to_string()),
            StoreError::CheckpointsDropped => Self::Conflict(error.to_string()),
            StoreError::TooManyBlobs { .. } => {
                Self::InvalidWork(FieldError { pointer: String::new(), detail: error.to_string() })
            }
            StoreError::NoDataset(name) => Self::NotFound(format!("data set named `{name}`")),
            StoreError::NoSweep(sweep) => Self::NotFound(format!("sweep {sweep}")),
            // Somebody else kept winning the race for the log: as good as busy.
            StoreError::Conflict
            | StoreError::Held(_)
            | StoreError::Misplaced(_)
            | StoreError::Object(_) => Self::Unavailable(error.into()),
            StoreError::Database(_) if error.is_transient() => Self::Unavailable(error.into()),
            StoreError::Corrupt(_)
            | StoreError::NotHeld(_)
            | StoreError::Database(_)
            | StoreError::Migrate(_) => Self::Internal(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_worth_another_try() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let fault = DriverError::Fault(anyhow::Error::new(full).context("can't be put by"));
        assert!(matches!(Problem::from(fault), Problem::Unavailable(_)));
        let other = DriverError::Fault(anyhow::anyhow!("another"));
        assert!(matches!(Problem::from(other), Problem::Internal(_)));
    }

    async fn body(response: Response) -> (StatusCode, String) {
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_full_disk_is_told_in_plain_words() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let told = Problem::from(BlobError::Folder(full)).into_response();
        assert!(told.extensions().get::<MetUnwritable>().is_some(), "readiness hears of it");
        let (status, text) = body(told).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("the disk of the server is full; try again"), "{text}");
    }

    #[tokio::test]
    async fn a_folder_that_was_lost_is_told_in_plain_words() {
        let (status, text) = body(Problem::from(BlobError::Bare("x".into())).into_response()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("the folder of the blobs was lost under the server"), "{text}");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_keeps_its_message_to_itself() {
        let (status, text) = body(panicked(Box::new("secret"))).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(text.contains("urn:floodgauge:problem:internal"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[tokio::test]
    async fn a_busy_database_is_worth_another_try_and_a_broken_row_is_not() {
        let busy = Problem::from(StoreError::Database(sqlx::Error::PoolTimedOut)).into_response();
        assert_eq!(busy.headers()[header::RETRY_AFTER], "1");
        assert_eq!(body(busy).await.0, StatusCode::SERVICE_UNAVAILABLE);
        let broken = Problem::from(StoreError::Corrupt("secret".into())).into_response();
        let (status, text) = body(broken).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!text.contains("secret"), "{text}");
    }
}
