//! The user's side of the HTTP surface: submit, look, follow, pause, extend, cancel; data sets.

mod datasets;
mod error;
mod events;
mod types;

pub use datasets::{DatasetItem, Kept};
pub use error::{ClientError, FieldProblem, Problem};
pub use types::{
    Answer, ArmInfo, Items, LogEntry, PlannedTime, SweepDetail, SweepPlan, SweepSummary,
    SweepTable, Trial,
};

use crate::{access::Secret, verdict::Best};
use floodgauge_protocol::{Extension, SweepId, SweepSpec};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use std::{net::IpAddr, time::Duration};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long to wait for an answer; streams have no such bound.
const ANSWER: Duration = Duration::from_secs(30);

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<Secret>,
}

impl Client {
    /// A client of the server at `server`, whose path ends in a slash.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] if this machine's TLS can't be set up.
    pub fn new(server: Url) -> Result<Self, ClientError> {
        // Someone else in this process may have installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("floodgauge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT);
        if is_loopback(&server) {
            // A proxy for the world must not be asked for this very machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| unreachable(&server, &error))?;
        Ok(Self { http, server, token: None })
    }

    /// The same client, which shows a token with each request.
    pub fn with_token(self, token: Option<Secret>) -> Self {
        Self { token, ..self }
    }

    /// The server's address.
    pub fn server(&self) -> &Url {
        &self.server
    }

    /// Submits a sweep. The same key and sweep again answer the sweep that was made first.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn submit(
        &self,
        sweep: &SweepSpec,
        key: Option<&str>,
    ) -> Result<Answer<SweepDetail>, ClientError> {
        let mut request = self.request(Method::POST, "v1/sweeps")?.json(sweep);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.answer(request).await
    }

    /// What a sweep would train and cost, without submitting it.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn plan(&self, sweep: &SweepSpec) -> Result<Answer<SweepPlan>, ClientError> {
        let request = self.request(Method::POST, "v1/sweeps")?.query(&[("dry_run", true)]);
        self.answer(request.json(sweep)).await
    }

    /// A sweep.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn sweep(&self, sweep: SweepId) -> Result<Answer<SweepDetail>, ClientError> {
        self.get(&format!("v1/sweeps/{sweep}")).await
    }

    /// A page of the list of sweeps, newest first; the first page, or the one at a cursor.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn list(
        &self,
        limit: u32,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Answer<Items<SweepSummary>>, ClientError> {
        let request = self.request(Method::GET, "v1/sweeps")?.query(&[("limit", limit)]);
        let given = [("search", search), ("cursor", cursor)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.answer(request.query(&given.collect::<Vec<_>>())).await
    }

    /// A sweep's trials.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn trials(&self, sweep: SweepId) -> Result<Answer<Items<Trial>>, ClientError> {
        self.get(&format!("v1/sweeps/{sweep}/trials")).await
    }

    /// A sweep's best arm so far.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn best(&self, sweep: SweepId) -> Result<Answer<Best>, ClientError> {
        self.get(&format!("v1/sweeps/{sweep}/best")).await
    }

    /// A sweep's table.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn table(&self, sweep: SweepId) -> Result<Answer<SweepTable>, ClientError> {
        self.get(&format!("v1/sweeps/{sweep}/table")).await
    }

    /// A sweep's table as comma-separated values.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn table_csv(&self, sweep: SweepId) -> Result<String, ClientError> {
        let request = self.request(Method::GET, &format!("v1/sweeps/{sweep}/table"))?;
        let request = request.header(header::ACCEPT, "text/csv").timeout(ANSWER);
        let response = self.accepted(self.send(request).await?).await?;
        response.text().await.map_err(|error| unreachable(&self.server, &error))
    }

    /// Asks for a sweep to end.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn cancel(&self, sweep: SweepId) -> Result<Answer<SweepDetail>, ClientError> {
        self.answer(self.request(Method::POST, &format!("v1/sweeps/{sweep}/cancel"))?).await
    }

    /// Asks for a sweep to pause.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn pause(&self, sweep: SweepId) -> Result<Answer<SweepDetail>, ClientError> {
        self.answer(self.request(Method::POST, &format!("v1/sweeps/{sweep}/pause"))?).await
    }

    /// Asks for a paused sweep to go on.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn resume(&self, sweep: SweepId) -> Result<Answer<SweepDetail>, ClientError> {
        self.answer(self.request(Method::POST, &format!("v1/sweeps/{sweep}/resume"))?).await
    }

    /// Adds seeds, levels or epochs to a completed sweep.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn extend(
        &self,
        sweep: SweepId,
        extension: &Extension,
    ) -> Result<Answer<SweepDetail>, ClientError> {
        let request = self.request(Method::POST, &format!("v1/sweeps/{sweep}/extend"))?;
        self.answer(request.json(extension)).await
    }

    /// Whether the server and its database answer.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] if not.
    pub async fn ready(&self) -> Result<(), ClientError> {
        let response = self.send(self.request(Method::GET, "readyz")?.timeout(ANSWER)).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let reason = format!("it says that it isn't ready ({status})");
        Err(ClientError::Unreachable { server: self.server.to_string(), reason })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ClientError> {
        self.answer(self.request(Method::GET, path)?).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        let url = self.server.join(path).map_err(|error| self.unclear(error))?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            // Marked as sensitive by the library, and not sent on to another host.
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        })
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Answer<T>, ClientError> {
        self.answer_within(request, ANSWER).await
    }

    async fn answer_within<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        time: Duration,
    ) -> Result<Answer<T>, ClientError> {
        let response = self.send(request.timeout(time)).await?;
        let response = self.accepted(response).await?;
        let body = response.text().await.map_err(|error| unreachable(&self.server, &error))?;
        let read = &mut serde_json::Deserializer::from_str(&body);
        let value = serde_path_to_error::deserialize(read).map_err(|error| self.unclear(error))?;
        Ok(Answer { body, value })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        request.send().await.map_err(|error| unreachable(&self.server, &error))
    }

    /// Turns a refusal into its problem.
    async fn accepted(&self, response: Response) -> Result<Response, ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let reason = "it is not available at the moment (503)".into();
            return Err(ClientError::Unreachable { server: self.server.to_string(), reason });
        }
        let is_json = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("json"));
        let body = response.text().await.map_err(|error| unreachable(&self.server, &error))?;
        match serde_json::from_str(&body) {
            Ok(problem) if is_json => Err(ClientError::Refused(problem)),
            _ => Err(self.unclear(format!("status {status} without a problem document"))),
        }
    }

    fn unclear(&self, reason: impl ToString) -> ClientError {
        ClientError::Unclear { server: self.server.to_string(), reason: reason.to_string() }
    }
}

fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The innermost cause says most: `Connection refused`, not `error sending request`.
fn unreachable(server: &Url, error: &reqwest::Error) -> ClientError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let reason = if error.is_timeout() { "it took too long".into() } else { cause.to_string() };
    ClientError::Unreachable { server: server.to_string(), reason }
}
