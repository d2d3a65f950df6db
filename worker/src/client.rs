//! A typed client of the server's work routes.
//!
//! Errors are outcomes: what a worker does next depends on the variant alone. Whatever a later try
//! may cure (no connection, a timeout, an answer cut short, `408`, `429`, `5xx`) is tried again as
//! [`Retry`] allows before it surfaces as [`ClientError::Unreachable`]. That is safe because the
//! server absorbs a request that comes twice: an answer that got lost costs nothing but time.
//! Whether a lease is lost shows in the problem's type, whatever the status. What a proxy says, or another
//! program at the server's address, is no word of the server's: see [`ClientError::Intermediary`].
//!
//! Every future may be dropped at any time.

mod refusal;
mod retry;
mod skew;
mod stream;

pub use retry::Retry;

use crate::trace;
use backon::Retryable;
use bytes::Bytes;
use floodgauge_net::{Authorities, Peer, Stranger, causes, plain_io};
use floodgauge_protocol::{
    Digest,
    wire::{WIRE_HEADER, WireVersions},
    work::{
        Assignment, ClaimRequest, Fail, Finish, LEASE_TOKEN_HEADER, Lease, Report, ReportAnswer,
        Trouble,
    },
};
use refusal::{Asked, refusal};
use reqwest::{
    Method, RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use skew::ClockSkew;
use std::{error::Error, io, sync::Arc, time::Duration};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take, beyond the time that a claim asks the server to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a blob may take to be sent and taken in, beyond what its bytes take on a slow link.
const BLOB_TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes a second of a link that is slow, and not broken: what a server asks for at least unless told otherwise.
pub const SLOW_LINK_BYTES_A_SECOND: u64 = 16 << 10;

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address isn't an absolute `http` or `https` URL.
    #[error("`{address}` isn't the address of a server: expected http://… or https://…")]
    Address {
        /// The address as it was given, which isn't one.
        address: String,
    },
    /// The token holds what no header can.
    #[error("the token holds characters that no token has")]
    Token,
    /// The HTTP library refuses.
    #[error("can't set up the HTTP client: {}", floodgauge_net::innermost(.0))]
    Http(#[from] reqwest::Error),
}

/// How a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The lease was taken over, finished or withdrawn: drop the segment and claim anew.
    #[error("the lease is lost")]
    LeaseLost,
    /// The server won't take the request, now or later.
    #[error("the server answered {status}: {detail}")]
    Refused {
        /// The HTTP status, never one of success.
        status: u16,
        /// The problem's words.
        detail: String,
    },
    /// Somebody else answered than the server, and would again: a proxy before it, or another program at its
    /// address. Says who, as far as can be told, and what may be done about it.
    #[error("the server wasn't reached: {reason}")]
    Intermediary {
        /// The HTTP status.
        status: u16,
        /// Who answered, and what may be done about it.
        reason: String,
    },
    /// Server and worker have no version of the wire in common; says which each speaks.
    #[error("{0}")]
    Incompatible(String),
    /// No usable answer came, however often it was tried.
    #[error("the server can't be reached: {0}")]
    Unreachable(String),
    /// The answer isn't what the contract says: another kind of server, or another version.
    #[error("the server's answer can't be read: {0}")]
    Answer(String),
    /// A blob's bytes aren't those that its name promises.
    #[error("blob {expected} came with digest {found}")]
    Corrupt {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// What came can't be kept on this machine.
    #[error("a data set can't be kept: {0}")]
    Keep(String),
}

/// Talks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<Url>,
    peer: Arc<Peer>,
    /// `Bearer` and the token, marked as sensitive: its debug form doesn't show it.
    authorization: Option<HeaderValue>,
    retry: Retry,
    standstill: Duration,
    skew: Arc<ClockSkew>,
}

impl Client {
    /// A client of the server at `address`, which may hold a path prefix. It trusts whom this system
    /// trusts. Requests to this machine itself bypass any proxy that the environment names.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn new(address: &str, retry: Retry) -> Result<Self, SetupError> {
        Self::trusting(address, retry, &Authorities::default())
    }

    /// The same, which trusts further authorities beside the system's.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn trusting(
        address: &str,
        retry: Retry,
        authorities: &Authorities,
    ) -> Result<Self, SetupError> {
        let base = Url::parse(address).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
        });
        let base = base.ok_or_else(|| SetupError::Address { address: address.into() })?;
        let peer = Peer::new(&base, authorities);
        // A lease's token goes to the address that was given and nowhere else.
        let http = peer
            .client()
            .user_agent(concat!("floodgauge-worker/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .build()?;
        let (base, peer, skew) = (Arc::new(base), Arc::new(peer), Arc::default());
        let standstill = stream::STANDSTILL;
        Ok(Self { http, base, peer, authorization: None, retry, standstill, skew })
    }

    /// The same client, which shows a token with each request.
    ///
    /// # Errors
    /// [`SetupError::Token`] if it can't be sent.
    pub fn with_token(self, token: Option<String>) -> Result<Self, SetupError> {
        let authorization = token.map(|token| {
            let mut value =
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| SetupError::Token)?;
            value.set_sensitive(true);
            Ok::<_, SetupError>(value)
        });
        Ok(Self { authorization: authorization.transpose()?, ..self })
    }

    /// The same client, which gives up a blob of which nothing has come for so long: 30 s unless this says
    /// otherwise. However long all of it takes, it is waited for as long as something comes.
    pub fn with_standstill(self, standstill: Duration) -> Self {
        Self { standstill, ..self }
    }

    /// The server's address, fit for logs: without a user's name and password.
    pub fn server(&self) -> String {
        let mut url = Url::clone(&self.base);
        // Only URLs without a host refuse; `new` lets none of them in.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        url.into()
    }

    /// Asks for work, and waits for it as long as the request says; none when none came.
    ///
    /// # Errors
    /// See [`ClientError`]; never [`ClientError::LeaseLost`].
    pub async fn claim(&self, request: &ClaimRequest) -> Result<Option<Assignment>, ClientError> {
        let wait = Duration::from_secs(request.wait_s.into());
        let send =
            || self.request(Method::POST, &["claim"]).json(request).timeout(wait + ANSWER_TIMEOUT);
        let Answer { status, wire, date, body } = self.answer(send, None).await?;
        self.skew.compare(date.as_ref());
        if let Some(words) = WireVersions::incompatible(WireVersions::OF_WORKER, wire) {
            return Err(ClientError::Incompatible(words));
        }
        if status == StatusCode::NO_CONTENT { Ok(None) } else { decode(&body).map(Some) }
    }

    /// Reports rows and renews the lease; an empty report renews alone.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn report(
        &self,
        lease: &Lease,
        report: &Report,
    ) -> Result<ReportAnswer, ClientError> {
        decode(&self.post(lease, "reports", report).await?)
    }

    /// Uploads a blob under its digest.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put_blob(
        &self,
        lease: &Lease,
        digest: Digest,
        bytes: Bytes,
    ) -> Result<(), ClientError> {
        let send = || {
            let (id, digest) = (lease.lease.to_string(), digest.to_string());
            self.request(Method::PUT, &[&id, "blobs", &digest])
                .timeout(time_to_send(bytes.len()))
                .header(reqwest::header::CONTENT_TYPE, "application/octet-stream")
                .body(bytes.clone())
        };
        self.answer(send, Some(lease)).await.map(drop)
    }

    /// Says how the branches of the segment ended, which ends the lease.
    ///
    /// # Errors
    /// See [`ClientError`]. When an answer got lost on the way, [`ClientError::LeaseLost`] may
    /// also mean that an earlier try came through; either way the worker's part is over.
    pub async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<(), ClientError> {
        self.post(lease, "finish", finish).await.map(drop)
    }

    /// Says that the segment can't be trained, which ends the lease.
    ///
    /// # Errors
    /// See [`ClientError`]; as for [`Client::finish`].
    pub async fn fail(&self, lease: &Lease, fail: &Fail) -> Result<(), ClientError> {
        self.post(lease, "fail", fail).await.map(drop)
    }

    /// Says that this machine is in trouble, and asks for no work until it is well.
    ///
    /// # Errors
    /// See [`ClientError`]; never [`ClientError::LeaseLost`].
    pub async fn trouble(&self, trouble: &Trouble) -> Result<(), ClientError> {
        let send =
            || self.request(Method::POST, &["trouble"]).json(trouble).timeout(ANSWER_TIMEOUT);
        self.answer(send, None).await.map(drop)
    }

    async fn post(
        &self,
        lease: &Lease,
        verb: &str,
        body: &impl Serialize,
    ) -> Result<Bytes, ClientError> {
        let id = lease.lease.to_string();
        let send = || self.request(Method::POST, &[&id, verb]).json(body).timeout(ANSWER_TIMEOUT);
        self.answer(send, Some(lease)).await.map(|answer| answer.body)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = Url::clone(&self.base);
        // Only URLs that have no path at all refuse; `new` lets none of them in.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "work"]).extend(path);
        }
        let wire = WireVersions::OF_WORKER.to_string();
        let request = self.http.request(method, url).header(WIRE_HEADER, wire);
        let request = match trace::traceparent() {
            Some(traceparent) => request.header(trace::TRACEPARENT, traceparent),
            None => request,
        };
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    }

    /// Sends a request as often as it needs and is allowed.
    async fn answer(
        &self,
        request: impl Fn() -> RequestBuilder,
        lease: Option<&Lease>,
    ) -> Result<Answer, ClientError> {
        let send = || async {
            let request = request();
            match lease {
                Some(lease) => {
                    self.once(request.header(LEASE_TOKEN_HEADER, &lease.token), true).await
                }
                None => self.once(request, false).await,
            }
        };
        send.retry(self.retry.backoff())
            .when(|error| matches!(error, ClientError::Unreachable(_)))
            .notify(|error, delay| {
                tracing::warn!(server = self.server(), ?delay, "{error}; trying again");
            })
            .await
    }

    /// Sends a request and sorts its answer.
    async fn once(&self, request: RequestBuilder, leased: bool) -> Result<Answer, ClientError> {
        let response = request.send().await.map_err(|error| self.failed(error))?;
        let headers = response.headers();
        let said = headers.get(WIRE_HEADER).map(|said| said.to_str().unwrap_or_default());
        let (status, wire) = (response.status(), WireVersions::said(said));
        self.by_server(status, headers)?;
        let date = headers.get(DATE).cloned();
        let body = response.bytes().await.map_err(|error| self.failed(error))?;
        match status.is_success() {
            true => Ok(Answer { status, wire, date, body }),
            false => Err(refusal(status, &body, self.asked(leased))),
        }
    }

    fn asked(&self, leased: bool) -> Asked {
        Asked { leased, with_token: self.authorization.is_some() }
    }

    /// Sorts out what the server didn't answer itself.
    fn by_server(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), ClientError> {
        match self.peer.stranger(status, headers) {
            None => Ok(()),
            Some(Stranger { words, is_transient: true, .. }) => {
                Err(ClientError::Unreachable(words))
            }
            Some(Stranger { status, words: reason, .. }) => {
                Err(ClientError::Intermediary { status, reason })
            }
        }
    }

    /// What a request met that got no answer, and what may be done about it.
    fn failed(&self, error: reqwest::Error) -> ClientError {
        let words = self.peer.explain(&error);
        if error.is_builder() {
            ClientError::Answer(words)
        } else {
            ClientError::Unreachable(words)
        }
    }
}

/// An answer of a success.
struct Answer {
    status: StatusCode,
    /// What the server says that it speaks.
    wire: WireVersions,
    /// By the server's clock.
    date: Option<HeaderValue>,
    body: Bytes,
}

/// How long so many bytes may take to be sent.
fn time_to_send(bytes: usize) -> Duration {
    BLOB_TIMEOUT + Duration::from_secs(bytes as u64 / SLOW_LINK_BYTES_A_SECOND)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|error| ClientError::Answer(error.to_string()))
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    for cause in causes(error).skip(1) {
        let system = cause.downcast_ref::<io::Error>();
        let cause_words = system.map_or_else(|| cause.to_string(), plain_io);
        // Some libraries repeat the cause in their own words.
        if !words.ends_with(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_no_server_are_refused() {
        for address in ["", "127.0.0.1:7878", "localhost:7878", "ftp://host", "http://host/?a=b"] {
            let refused = Client::new(address, Retry::default());
            assert!(matches!(refused, Err(SetupError::Address { .. })), "{address}");
        }
    }

    #[test]
    fn a_blob_may_take_five_minutes_and_what_its_bytes_do_on_a_slow_link() {
        let minutes = |bytes: usize| time_to_send(bytes).as_secs() / 60;
        assert_eq!(minutes(0), 5);
        // The largest checkpoint, at 16 KiB a second: four and a half hours.
        assert_eq!(minutes(256 << 20), 5 + 273);
    }

    #[test]
    fn a_path_prefix_is_kept() {
        for address in ["http://host/gauge", "http://host/gauge/"] {
            let client = Client::new(address, Retry::default()).unwrap();
            let request = client.request(Method::POST, &["claim"]).build().unwrap();
            assert_eq!(request.url().as_str(), "http://host/gauge/v1/work/claim");
        }
    }

    #[test]
    fn a_token_goes_with_each_request_and_into_no_log() {
        let client = Client::new("http://host", Retry::default()).unwrap();
        let client = client.with_token(Some("fg_secret".into())).unwrap();
        let request = client.request(Method::POST, &["claim"]).build().unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer fg_secret");
        assert!(!format!("{client:?} {request:?}").contains("secret"));
        let refused = client.with_token(Some("a\nb".into()));
        assert!(matches!(refused, Err(SetupError::Token)));
    }

    #[test]
    fn what_the_system_said_is_told_in_plain_words() {
        let missing = std::fs::read("/nowhere/at/all").unwrap_err();
        let unread = floodgauge_datasets::upload::UploadError::Read(missing);
        assert_eq!(chain(&unread), "the file can't be read: there is no such file or folder");
    }

    #[test]
    fn logs_show_no_password() {
        let client = Client::new("http://me:secret@host/gauge", Retry::default()).unwrap();
        assert_eq!(client.server(), "http://host/gauge");
    }
}
