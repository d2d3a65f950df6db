//! Blobs that are fetched: however long that takes, as long as something comes.

use super::{Client, ClientError, refusal::refusal};
use backon::Retryable;
use bytes::Bytes;
use floodgauge_datasets::digest::Hashed;
use floodgauge_net::plain_io;
use floodgauge_protocol::{
    Digest,
    work::{LEASE_TOKEN_HEADER, Lease},
};
use reqwest::Method;
use std::{
    fs::File,
    io::{self, BufWriter, Seek, Write},
    time::Duration,
};
use tokio::time::timeout;

/// How long nothing may come of a blob, unless a client is told otherwise. However long the whole takes, its
/// lease is renewed meanwhile.
pub(super) const STANDSTILL: Duration = Duration::from_secs(30);

impl Client {
    /// Fetches a blob, and checks that its bytes have its digest. Each try begins anew.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_blob(&self, lease: &Lease, digest: Digest) -> Result<Bytes, ClientError> {
        self.patiently(|| async {
            let mut bytes = Vec::new();
            self.stream(lease, digest, || Ok(&mut bytes)).await?;
            Ok(bytes.into())
        })
        .await
    }

    /// Fetches a blob into a file, and checks that its bytes have its digest. Each try begins anew.
    ///
    /// # Errors
    /// See [`ClientError`]; [`ClientError::Keep`] if the file can't be written.
    pub async fn get_blob_into(
        &self,
        lease: &Lease,
        digest: Digest,
        file: &File,
    ) -> Result<(), ClientError> {
        self.patiently(|| {
            self.stream(lease, digest, || {
                let mut begin = file;
                file.set_len(0).and_then(|()| begin.rewind())?;
                Ok(BufWriter::new(file))
            })
        })
        .await
    }

    /// Tries as often as it needs and is allowed.
    async fn patiently<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        fetch: impl FnMut() -> F,
    ) -> Result<T, ClientError> {
        fetch
            .retry(self.retry.backoff())
            .when(|error| matches!(error, ClientError::Unreachable(_)))
            .notify(|error, delay| {
                tracing::warn!(server = self.server(), ?delay, "{error}; trying again");
            })
            .await
    }

    /// Has what comes of a blob written to what `open` gives, once it comes.
    async fn stream<W: Write>(
        &self,
        lease: &Lease,
        digest: Digest,
        open: impl FnOnce() -> io::Result<W>,
    ) -> Result<(), ClientError> {
        let standstill = self.standstill;
        let silent = |_| ClientError::Unreachable(format!("nothing came for {standstill:?}"));
        let failed = |error: reqwest::Error| self.failed(error);
        let keep = |error: io::Error| ClientError::Keep(plain_io(&error));
        let (id, name) = (lease.lease.to_string(), digest.to_string());
        let request = self.request(Method::GET, &[&id, "blobs", &name]);
        let request = request.header(LEASE_TOKEN_HEADER, &lease.token);
        let answered = timeout(standstill, request.send()).await;
        let mut response = answered.map_err(silent)?.map_err(failed)?;
        let status = response.status();
        self.by_server(status, response.headers())?;
        if !status.is_success() {
            let body =
                timeout(standstill, response.bytes()).await.map_err(silent)?.map_err(failed)?;
            return Err(refusal(status, &body, self.asked(true)));
        }
        let mut hashed = Hashed::new(open().map_err(keep)?);
        loop {
            let next = timeout(standstill, response.chunk()).await;
            let Some(chunk) = next.map_err(silent)?.map_err(failed)? else { break };
            hashed.write_all(&chunk).map_err(keep)?;
        }
        hashed.flush().map_err(keep)?;
        let (found, _) = hashed.finish();
        match found == digest {
            true => Ok(()),
            false => Err(ClientError::Corrupt { expected: digest, found }),
        }
    }
}
