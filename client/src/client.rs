//! How requests are sent and answers read, whatever they are about.

use crate::{Authorities, ClientError};
use floodgauge_api::Problem;
use floodgauge_net::{HOW_TO_SHOW_A_TOKEN, NoAnswer, Peer, Stranger, innermost, lacks_token};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{borrow::Cow, fmt, time::Duration};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long to wait for an answer; streams have no such bound.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// An answer, read and as it came.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The body's text, for those who want every field of it: what this client doesn't know of, is
    /// there too.
    pub body: String,
    /// What was read from it.
    pub value: T,
}

/// A token's secret, which no debug form shows.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    peer: Peer,
    token: Option<Token>,
    texts: Option<ShowText>,
}

/// Makes of a text what may be shown of it.
type ShowText = fn(&str) -> Cow<'_, str>;

impl Client {
    /// A client of the server at `server`, which may lie below a path. It trusts whom this system trusts.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] if this machine's TLS can't be set up.
    pub fn new(server: Url) -> Result<Self, ClientError> {
        Self::trusting(server, &Authorities::default())
    }

    /// The same, which trusts further authorities beside the system's.
    ///
    /// # Errors
    /// As for [`Client::new`].
    pub fn trusting(mut server: Url, authorities: &Authorities) -> Result<Self, ClientError> {
        // Paths are joined to it, and a join would drop what follows the last slash.
        if !server.path().ends_with('/') {
            server.set_path(&format!("{}/", server.path()));
        }
        let peer = Peer::new(&server, authorities);
        let http = peer
            .client()
            .user_agent(concat!("floodgauge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| unreachable(&server, NoAnswer::Other, innermost(&error)))?;
        Ok(Self { http, server, peer, token: None, texts: None })
    }

    /// The same client, which shows a token with each request.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(Token(token.into())), ..self }
    }

    /// The same client, which gives every text of an answer and of a problem as `shown` makes it, for
    /// programs that print them: what others called their sweeps may be made for terminals. The
    /// bodies of answers stay as they came.
    pub fn with_texts(self, shown: fn(&str) -> Cow<'_, str>) -> Self {
        Self { texts: Some(shown), ..self }
    }

    /// The server's address.
    pub fn server(&self) -> &Url {
        &self.server
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Answer<T>, ClientError> {
        self.answer(self.request(Method::GET, path)?).await
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, ClientError> {
        let url = self.server.join(path).map_err(|error| self.unclear(error))?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            // Marked as sensitive by the library, and not sent on to another host.
            Some(token) => request.bearer_auth(&token.0),
            None => request,
        })
    }

    pub(crate) async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Answer<T>, ClientError> {
        self.answer_within(request, ANSWER).await
    }

    pub(crate) async fn answer_within<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        time: Duration,
    ) -> Result<Answer<T>, ClientError> {
        let response = self.send(request.timeout(time)).await?;
        let response = self.accepted(response).await?;
        let body = response.text().await.map_err(|error| self.unreachable(&error))?;
        let value = self.read(&body)?;
        Ok(Answer { body, value })
    }

    /// Reads JSON of the server's, such as the body of an answer, with its texts as they may be shown.
    ///
    /// # Errors
    /// [`ClientError::Unclear`] where it isn't what is asked for.
    pub fn read<T: DeserializeOwned>(&self, json: &str) -> Result<T, ClientError> {
        self.read_parts(json).map_err(|error| self.unclear(error))
    }

    fn read_parts<T: DeserializeOwned>(
        &self,
        json: &str,
    ) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
        let read = &mut serde_json::Deserializer::from_str(json);
        let Some(shown) = self.texts else { return serde_path_to_error::deserialize(read) };
        let mut value: Value = serde_path_to_error::deserialize(read)?;
        each_text(&mut value, shown);
        serde_path_to_error::deserialize(value)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    /// Sorts out what the server didn't answer itself.
    pub(crate) fn of_server(&self, response: Response) -> Result<Response, ClientError> {
        match self.peer.stranger(response.status(), response.headers()) {
            None => Ok(response),
            Some(Stranger { status, words: reason, is_transient }) => {
                let server = self.server.to_string();
                Err(ClientError::Intermediary { server, status, reason, is_transient })
            }
        }
    }

    /// Turns a refusal into its problem.
    pub(crate) async fn accepted(&self, response: Response) -> Result<Response, ClientError> {
        let response = self.of_server(response)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.text().await.map_err(|error| self.unreachable(&error))?;
        let problem = self.read::<Problem>(&body);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let reason = problem.map_or_else(|_| "503".into(), |problem| problem.detail);
            return Err(ClientError::Unavailable { server: self.server.to_string(), reason });
        }
        match problem {
            Ok(problem) if lacks_token(status, self.token.is_some()) => {
                let detail = HOW_TO_SHOW_A_TOKEN.into();
                Err(ClientError::Refused(Problem { detail, ..problem }))
            }
            Ok(problem) => Err(ClientError::Refused(problem)),
            Err(_) => Err(self.unclear(format!("status {status} without a problem document"))),
        }
    }

    /// What a request met that got no answer, and what may be done about it.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        unreachable(&self.server, NoAnswer::of(error), self.peer.explain(error))
    }

    pub(crate) fn unclear(&self, reason: impl ToString) -> ClientError {
        ClientError::Unclear { server: self.server.to_string(), reason: reason.to_string() }
    }
}

/// Makes every text in a value what may be shown of it; names of fields stay.
fn each_text(value: &mut Value, shown: ShowText) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(other) = shown(text) {
                *text = other;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, shown)),
        Value::Object(fields) => fields.values_mut().for_each(|field| each_text(field, shown)),
        _ => {}
    }
}

pub(crate) fn unreachable(server: &Url, kind: NoAnswer, reason: String) -> ClientError {
    ClientError::Unreachable { server: server.to_string(), kind, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_lie_below_a_path() {
        let client = Client::new("http://127.0.0.1/gauge".parse().unwrap()).unwrap();
        let request = client.request(Method::GET, "v1/sweeps").unwrap().build().unwrap();
        assert_eq!(request.url().path(), "/gauge/v1/sweeps");
    }

    #[test]
    fn texts_are_read_as_they_may_be_shown_and_numbers_as_they_are() {
        let client = Client::new("http://127.0.0.1/".parse().unwrap()).unwrap();
        let json = r#"{"name": "a\u001bb", "of": [["\n"], -0.0, 18446744073709551615, 1e300]}"#;
        let plain: Value = client.read(json).unwrap();
        assert_eq!(plain["name"], "a\u{1b}b");
        let shown: Value = client
            .with_texts(|text| text.replace(char::is_control, "?").into())
            .read(json)
            .unwrap();
        assert_eq!(
            shown.to_string(),
            r#"{"name":"a?b","of":[["?"],-0.0,18446744073709551615,1e+300]}"#
        );
    }

    #[test]
    fn a_client_keeps_its_token_to_itself() {
        let client = Client::new("http://127.0.0.1/".parse().unwrap()).unwrap();
        let shown = format!("{:?}", client.with_token("fg_secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
