//! Answers that may be long, taken a piece at a time.

use crate::{
    Client, ClientError,
    client::{ANSWER, unreachable},
};
use floodgauge_net::NoAnswer;
use floodgauge_protocol::{DatasetName, SweepId};
use reqwest::{Method, Response};
use std::time::Duration;
use tokio::time::timeout;

/// How long one may stand still before it is given up.
const STANDSTILL: Duration = Duration::from_secs(60);

/// An answer that is on its way.
#[derive(Debug)]
pub struct Download {
    client: Client,
    response: Response,
}

impl Download {
    /// The next bytes of it; none at its end.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] where it breaks off before its end, or stands still.
    pub async fn piece(&mut self) -> Result<Option<impl AsRef<[u8]> + Send + use<>>, ClientError> {
        match timeout(STANDSTILL, self.response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.client.unreachable(&error)),
            Err(_) => {
                let reason = format!("nothing came for {STANDSTILL:?}");
                Err(unreachable(self.client.server(), NoAnswer::TimedOut, reason))
            }
        }
    }
}

impl Client {
    /// A sweep with all of its curves, as a [`Grid`](floodgauge_api::grid::Grid) in JSON.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn grid(&self, sweep: SweepId) -> Result<Download, ClientError> {
        self.download(&format!("v1/sweeps/{sweep}/grid")).await
    }

    /// The bytes that are kept of a data set: of an uploaded one the file.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub async fn dataset_file(&self, name: &DatasetName) -> Result<Download, ClientError> {
        self.download(&format!("v1/datasets/{name}/file")).await
    }

    async fn download(&self, path: &str) -> Result<Download, ClientError> {
        let request = self.request(Method::GET, path)?;
        let late = |_| unreachable(self.server(), NoAnswer::TimedOut, "it took too long".into());
        let response = timeout(ANSWER, self.send(request)).await.map_err(late)??;
        let response = self.accepted(response).await?;
        Ok(Download { client: self.clone(), response })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, routing::get};
    use std::io;
    use tokio::net::TcpListener;

    const SWEEP: &str = "01970000-0000-7000-8000-000000000000";

    async fn client(grid: fn() -> Body) -> Client {
        let app = Router::new().route("/v1/sweeps/{id}/grid", get(move || async move { grid() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await });
        Client::new(format!("http://{address}/").parse().unwrap()).unwrap()
    }

    async fn taken(client: &Client) -> Result<Vec<u8>, ClientError> {
        let mut download = client.grid(SWEEP.parse().unwrap()).await?;
        let mut bytes = vec![];
        while let Some(piece) = download.piece().await? {
            bytes.extend_from_slice(piece.as_ref());
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn an_answer_comes_whole_or_is_an_error() {
        let pieces =
            || Body::from_stream(futures::stream::iter(["ab", "c"].map(Ok::<_, io::Error>)));
        assert_eq!(taken(&client(pieces).await).await.unwrap(), b"abc");
        let broken =
            || Body::from_stream(futures::stream::iter([Ok("ab"), Err(io::Error::other("gone"))]));
        let error = taken(&client(broken).await).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_refusal_is_told_before_anything_is_taken() {
        let client = client(|| Body::from("{}")).await;
        let refused = client.dataset_file(&"beans".parse().unwrap()).await.unwrap_err();
        assert!(matches!(refused, ClientError::Intermediary { status: 404, .. }), "{refused}");
    }
}
