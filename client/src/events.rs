//! A sweep's log as it grows: the event stream, taken up again where it broke off.

use crate::{
    Answer, Client, ClientError, LogEntry,
    client::{ANSWER, unreachable},
};
use eventsource_stream::{Event as Message, EventStreamError, Eventsource as _};
use floodgauge_net::NoAnswer;
use floodgauge_protocol::SweepId;
use futures::{Stream, StreamExt as _, stream::BoxStream};
use reqwest::{Method, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, time::Duration};
use tokio::time::timeout;

/// The waits between tries to reach a server that has gone; about half a minute in all,
/// which a restart fits into. The first try is made at once: a connection may just have dropped.
const PATIENCE: [Duration; 9] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(6),
    Duration::from_secs(8),
    Duration::from_secs(8),
];

/// How long a stream may be silent: a server that has nothing to tell sends a comment every 15 seconds, of
/// which three may be missed.
const SILENCE: Duration = Duration::from_secs(45);

/// How a stream broke off.
#[derive(Debug)]
enum Broken {
    Http(reqwest::Error),
    Silent(Duration),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Silent(silence) => write!(f, "nothing came for {silence:?}"),
        }
    }
}

type Messages = BoxStream<'static, Result<Message, EventStreamError<Broken>>>;

/// How far a stream has got.
struct Cursor {
    client: Client,
    sweep: SweepId,
    /// The newest entry that was handed out.
    seen: u64,
    messages: Option<Messages>,
    /// How long a stream may be silent.
    silence: Duration,
    /// Tries since the last entry.
    tries: usize,
    /// Whether the newest entry ended the sweep; one that was extended since goes on.
    ended: bool,
    /// Whether the stream ends here: the sweep is over, or an error was told.
    over: bool,
}

impl Client {
    /// A sweep's log entries after the entry `after` (0 for all), each once and in order,
    /// until the one that ends the sweep for good. A broken connection is taken up again; the stream
    /// ends with an error when the server stays out of reach.
    pub fn events(
        &self,
        sweep: SweepId,
        after: u64,
    ) -> impl Stream<Item = Result<Answer<LogEntry>, ClientError>> + use<> {
        self.events_as(sweep, after)
    }

    /// The same, with what happened and what was decided read as types of the caller's. An entry that
    /// doesn't read as these ends the stream with [`ClientError::Unclear`].
    pub fn events_as<E: DeserializeOwned, D: Serialize + DeserializeOwned>(
        &self,
        sweep: SweepId,
        after: u64,
    ) -> impl Stream<Item = Result<Answer<LogEntry<E, D>>, ClientError>> + use<E, D> {
        self.events_within(SILENCE, sweep, after)
    }

    fn events_within<E: DeserializeOwned, D: Serialize + DeserializeOwned>(
        &self,
        silence: Duration,
        sweep: SweepId,
        after: u64,
    ) -> impl Stream<Item = Result<Answer<LogEntry<E, D>>, ClientError>> + use<E, D> {
        let client = self.clone();
        let cursor = Cursor {
            client,
            sweep,
            seen: after,
            messages: None,
            silence,
            tries: 0,
            ended: false,
            over: false,
        };
        futures::stream::unfold(cursor, async |mut cursor| {
            let next = cursor.next().await?;
            Some((next, cursor))
        })
    }

    async fn connect(&self, sweep: SweepId, after: u64) -> Result<Response, ClientError> {
        let request = self
            .request(Method::GET, &format!("v1/sweeps/{sweep}/events"))?
            .header(header::ACCEPT, "text/event-stream")
            .header("last-event-id", after);
        let answered = timeout(ANSWER, self.send(request)).await;
        let late = |_| unreachable(self.server(), NoAnswer::TimedOut, "it took too long".into());
        self.accepted(answered.map_err(late)??).await
    }
}

/// The bytes of a stream, which breaks off when nothing comes for too long.
fn heard(
    response: Response,
    silence: Duration,
) -> impl Stream<Item = Result<impl AsRef<[u8]>, Broken>> {
    futures::stream::try_unfold(response, move |mut response| async move {
        let chunk = timeout(silence, response.chunk()).await;
        let chunk = chunk.map_err(|_| Broken::Silent(silence))?.map_err(Broken::Http)?;
        Ok(chunk.map(|chunk| (chunk, response)))
    })
}

impl Cursor {
    async fn next<E: DeserializeOwned, D: Serialize + DeserializeOwned>(
        &mut self,
    ) -> Option<Result<Answer<LogEntry<E, D>>, ClientError>> {
        while !self.over {
            match self.step().await {
                Ok(Some(entry)) => {
                    self.ended = entry.value.ending().is_some();
                    return Some(Ok(entry));
                }
                Ok(None) => self.over = true,
                Err(error) => {
                    match PATIENCE.get(self.tries) {
                        Some(wait) if error.is_transient() => tokio::time::sleep(*wait).await,
                        _ => {
                            self.over = true;
                            return Some(Err(error));
                        }
                    }
                    self.tries += 1;
                }
            }
        }
        None
    }

    /// The next new entry; none once the sweep has ended.
    async fn step<E: DeserializeOwned, D: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<Answer<LogEntry<E, D>>>, ClientError> {
        let mut messages = match self.messages.take() {
            Some(messages) => messages,
            None => {
                let response = self.client.connect(self.sweep, self.seen).await?;
                if response.status() == StatusCode::NO_CONTENT {
                    return Ok(None);
                }
                heard(response, self.silence).eventsource().boxed()
            }
        };
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| self.client.broken(&error))?;
            let entry: LogEntry<E, D> =
                self.client.read(&message.data).map_err(|error| match error {
                    ClientError::Unclear { reason, .. } => {
                        self.client.unclear(format!("entry {}: {reason}", message.id))
                    }
                    other => other,
                })?;
            // A server that doesn't heed where we were starts anew.
            if entry.seq > self.seen {
                self.seen = entry.seq;
                self.tries = 0;
                self.messages = Some(messages);
                return Ok(Some(Answer { body: message.data, value: entry }));
            }
        }
        // A stream that ends before its sweep was cut by a server that is going down.
        if self.ended { Ok(None) } else { Err(self.client.cut()) }
    }
}

impl Client {
    fn broken(&self, error: &EventStreamError<Broken>) -> ClientError {
        match error {
            EventStreamError::Transport(Broken::Http(error)) => self.unreachable(error),
            EventStreamError::Transport(silent) => {
                unreachable(self.server(), NoAnswer::TimedOut, silent.to_string())
            }
            other => self.unclear(other),
        }
    }

    fn cut(&self) -> ClientError {
        unreachable(
            self.server(),
            NoAnswer::Other,
            "the event stream ended before the sweep did".into(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, extract::State, http::HeaderMap, routing::get};
    use serde_json::Value;
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };
    use tokio::net::TcpListener;

    const SWEEP: &str = "01970000-0000-7000-8000-000000000000";

    fn message(seq: u64, decisions: &str) -> String {
        format!(
            "id: {seq}\nevent: lost\ndata: {{\"sweep\":\"{SWEEP}\",\"seq\":{seq},\"at\":\"2026-01-01T00:00:00Z\",\
             \"event\":{{\"type\":\"lost\",\"segment\":0,\"attempt\":1}},\"decisions\":[{decisions}]}}\n\n"
        )
    }

    /// A server that breaks off after two entries, and then sends the second one again.
    async fn server(asked: Arc<Mutex<Vec<String>>>) -> Client {
        let events = async |State(asked): State<Arc<Mutex<Vec<String>>>>, headers: HeaderMap| {
            let after = headers["last-event-id"].to_str().unwrap().to_owned();
            asked.lock().unwrap().push(after.clone());
            let ending = r#"{"action":"cancel","reason":"by a user"}"#;
            match after.as_str() {
                "0" => message(1, "") + ": a comment\n\n" + &message(2, ""),
                // The sweep was extended after it had ended.
                _ => message(2, "") + &message(3, ending) + &message(4, "") + &message(5, ending),
            }
        };
        let app = Router::new().route("/v1/sweeps/{id}/events", get(events)).with_state(asked);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await });
        Client::new(format!("http://{address}/").parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_goes_on_where_it_was_until_the_sweep_ends() {
        let asked = Arc::default();
        let client = server(Arc::clone(&asked)).await;
        let entries = client.events(SWEEP.parse().unwrap(), 0);
        let seqs: Vec<u64> = entries.map(|entry| entry.unwrap().value.seq).collect().await;
        assert_eq!(seqs, [1, 2, 3, 4, 5]);
        assert_eq!(*asked.lock().unwrap(), ["0", "2"]);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_event_stream_ends_it_with_an_error() {
        let client = server(Arc::default()).await;
        let elsewhere = Client::new(client.server().join("nowhere/").unwrap()).unwrap();
        let entries = elsewhere.events(SWEEP.parse().unwrap(), 0);
        let all: Vec<_> = entries.collect().await;
        assert!(matches!(all[..], [Err(ClientError::Intermediary { status: 404, .. })]));
    }

    /// A server that goes silent in its first stream, and tells the rest in the next one.
    #[tokio::test]
    async fn a_stream_that_has_gone_silent_is_taken_up_again() {
        let events = async |headers: HeaderMap| match headers["last-event-id"].to_str().unwrap() {
            "0" => Body::from_stream(
                futures::stream::iter([Ok::<_, Infallible>(message(1, ""))])
                    .chain(futures::stream::pending()),
            ),
            _ => Body::from(message(2, r#"{"action":"cancel","reason":"by a user"}"#)),
        };
        let app = Router::new().route("/v1/sweeps/{id}/events", get(events));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await });
        let client = Client::new(format!("http://{address}/").parse().unwrap()).unwrap();
        let silence = Duration::from_millis(100);
        let entries = client.events_within::<Value, Value>(silence, SWEEP.parse().unwrap(), 0);
        let seqs: Vec<u64> = entries.map(|entry| entry.unwrap().value.seq).collect().await;
        assert_eq!(seqs, [1, 2]);
    }
}
