//! Sweeps: submitted, looked at, followed to their answer, changed on their way.

use crate::{Answer, Client, ClientError, client::ANSWER};
use floodgauge_api::{
    Problem, SweepBest, SweepDetail, SweepList, SweepPlan, SweepQuery, SweepTable, TrialList,
};
use floodgauge_protocol::{Extension, SweepId, SweepSpec};
use reqwest::{Method, header};

impl Client {
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
        self.answer(self.request(Method::POST, "v1/plans")?.json(sweep)).await
    }

    /// A sweep.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn sweep(&self, sweep: SweepId) -> Result<Answer<SweepDetail>, ClientError> {
        self.get(&format!("v1/sweeps/{sweep}")).await
    }

    /// A page of the list of sweeps, newest first.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn list(&self, which: &SweepQuery) -> Result<Answer<SweepList>, ClientError> {
        self.answer(self.request(Method::GET, "v1/sweeps")?.query(which)).await
    }

    /// A sweep's trials.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn trials(&self, sweep: SweepId) -> Result<Answer<TrialList>, ClientError> {
        self.get(&format!("v1/sweeps/{sweep}/trials")).await
    }

    /// A sweep's best arm so far.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn best(&self, sweep: SweepId) -> Result<Answer<SweepBest>, ClientError> {
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
        response.text().await.map_err(|error| self.unreachable(&error))
    }

    /// Asks for a sweep to end.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn cancel(&self, sweep: SweepId) -> Result<Answer<SweepDetail>, ClientError> {
        self.answer(self.request(Method::POST, &format!("v1/sweeps/{sweep}/cancel"))?).await
    }

    /// Deletes a sweep that has ended, with its log, its curves and its checkpoints.
    ///
    /// # Errors
    /// Any [`ClientError`]; refused for one that still goes on.
    pub async fn delete(&self, sweep: SweepId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("v1/sweeps/{sweep}"))?;
        let response = self.send(request.timeout(ANSWER)).await?;
        let response = self.accepted(response).await?;
        response.bytes().await.map(drop).map_err(|error| self.unreachable(&error))
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
    /// [`ClientError::Unavailable`] if it says that it isn't; [`ClientError::Unreachable`] if there is no
    /// answer; [`ClientError::Intermediary`] if somebody else does.
    pub async fn ready(&self) -> Result<(), ClientError> {
        let response = self.send(self.request(Method::GET, "readyz")?.timeout(ANSWER)).await?;
        let response = self.of_server(response)?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = response.text().await.unwrap_or_default();
        let why = match self.read::<Problem>(&body) {
            Ok(problem) => format!("{}: {}", problem.title, problem.detail),
            Err(_) => status.to_string(),
        };
        let reason = format!("it says that it isn't ready ({why})");
        Err(ClientError::Unavailable { server: self.server().to_string(), reason })
    }
}
