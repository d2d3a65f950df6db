//! Data sets: added, listed, removed.

use crate::{Answer, Client, ClientError, client::ANSWER};
use floodgauge_api::{
    DatasetItem, DatasetList,
    datasets::{AddDatasetQuery, DatasetQuery},
};
use floodgauge_protocol::{DatasetName, Format};
use futures::TryStreamExt as _;
use reqwest::{Body, Method, header};
use std::time::Duration;
use tokio_util::io::ReaderStream;

/// How long an upload may take.
const UPLOAD: Duration = Duration::from_secs(3600);

impl Client {
    /// Uploads a file of `length` bytes, and tells `progress` of each piece that goes out.
    ///
    /// # Errors
    /// Any [`ClientError`]; refused with the row or the array that is at fault.
    pub async fn add_dataset(
        &self,
        name: &DatasetName,
        format: Format,
        file: tokio::fs::File,
        length: u64,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Answer<DatasetItem>, ClientError> {
        let media_type = match format {
            Format::Csv => "text/csv",
            Format::Npz => "application/zip",
        };
        let pieces = ReaderStream::with_capacity(file, 1 << 18);
        let pieces = pieces.inspect_ok(move |piece| progress(piece.len() as u64));
        let request = self
            .request(Method::POST, "v1/datasets")?
            .query(&AddDatasetQuery { name: name.clone() })
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CONTENT_LENGTH, length)
            .body(Body::wrap_stream(pieces));
        self.answer_within(request, UPLOAD).await
    }

    /// A page of the data sets.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn datasets(&self, which: &DatasetQuery) -> Result<Answer<DatasetList>, ClientError> {
        self.answer(self.request(Method::GET, "v1/datasets")?.query(which)).await
    }

    /// A data set.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn dataset(&self, name: &DatasetName) -> Result<Answer<DatasetItem>, ClientError> {
        self.get(&format!("v1/datasets/{name}")).await
    }

    /// Deletes a data set.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn remove_dataset(&self, name: &DatasetName) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("v1/datasets/{name}"))?;
        let response = self.send(request.timeout(ANSWER)).await?;
        let response = self.accepted(response).await?;
        response.bytes().await.map(drop).map_err(|error| self.unreachable(&error))
    }
}
