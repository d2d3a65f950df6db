//! Data sets: added, listed, removed.

use super::{Answer, Client, ClientError, Items, unreachable};
use floodgauge_protocol::{DatasetKind, DatasetName, Digest, Format, Image};
use futures::TryStreamExt as _;
use jiff::Timestamp;
use reqwest::{Body, Method, header};
use serde::Deserialize;
use std::time::Duration;
use tokio_util::io::ReaderStream;

/// How long an upload may take.
const UPLOAD: Duration = Duration::from_secs(3600);

/// A data set.
#[derive(Clone, Debug, Deserialize)]
pub struct DatasetItem {
    /// Its name.
    pub name: DatasetName,
    /// Where its samples come from.
    pub kind: DatasetKind,
    /// Whether a sweep can train on it now.
    pub ready: bool,
    /// Files that it lacks.
    pub missing: Vec<String>,
    /// Features of a sample.
    pub features: u32,
    /// The images that its samples are.
    pub image: Option<Image>,
    /// Classes.
    pub classes: u32,
    /// The most samples that training and validation can have together.
    pub most_samples: u32,
    /// Training samples unless a recipe says otherwise.
    pub n_train: u32,
    /// Validation samples unless a recipe says otherwise.
    pub n_val: u32,
    /// What is kept of it.
    pub kept: Option<Kept>,
}

/// What a server keeps of a data set.
#[derive(Clone, Debug, Deserialize)]
pub struct Kept {
    /// Its digest.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
    /// Samples for testing alone.
    pub test_samples: Option<u32>,
    /// Since when.
    pub since: Timestamp,
}

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
            .query(&[("name", name.as_str())])
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CONTENT_LENGTH, length)
            .body(Body::wrap_stream(pieces));
        self.answer_within(request, UPLOAD).await
    }

    /// A page of the data sets, from a cursor on.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn datasets(
        &self,
        cursor: Option<&str>,
    ) -> Result<Answer<Items<DatasetItem>>, ClientError> {
        let request = self.request(Method::GET, "v1/datasets")?;
        self.answer(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
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
        let response = self.send(request.timeout(super::ANSWER)).await?;
        let response = self.accepted(response).await?;
        response.bytes().await.map(drop).map_err(|error| unreachable(&self.server, &error))
    }
}
