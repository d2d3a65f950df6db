//! Answers that aren't the server's own: a proxy's, or those of another program at its address.
//!
//! What a server of ours refuses, it refuses by a problem document (RFC 9457), and it answers no
//! request of its API with a page. So whatever else comes is somebody else's.

use crate::{Peer, peer::named};
use reqwest::{
    StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, SERVER, VIA},
};

/// The most characters of a header that are shown.
const SHOWN: usize = 200;

/// An answer that wasn't the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Its HTTP status.
    pub status: u16,
    /// Who answered, as far as can be told, and what may be done about it.
    pub words: String,
    /// Whether another try may get through.
    pub is_transient: bool,
}

impl Peer {
    /// Who answered if it wasn't the server.
    pub fn stranger(&self, status: StatusCode, headers: &HeaderMap) -> Option<Stranger> {
        let media_type = essence(headers);
        let is_ours = match status.is_success() {
            true => media_type != "text/html",
            false => media_type == "application/problem+json",
        };
        if is_ours {
            return None;
        }
        let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        let is_transient = status.is_server_error() || later.contains(&status);
        let words = format!("{status} came from {}, not from floodgauge", self.who(headers));
        let words = match self.what_to_do(status, headers) {
            advice if advice.is_empty() => words,
            advice => format!("{words}: {advice}"),
        };
        Some(Stranger { status: status.as_u16(), words, is_transient })
    }

    fn who(&self, headers: &HeaderMap) -> String {
        match (self.asked_proxy(), shown(headers, &SERVER).or_else(|| shown(headers, &VIA))) {
            (Some(proxy), None) => named(proxy),
            (Some(proxy), Some(called)) => format!("{called}, or {}", named(proxy)),
            (None, Some(called)) => format!("{called}, a proxy or another program there"),
            (None, None) => "a proxy or another program there".into(),
        }
    }

    fn what_to_do(&self, status: StatusCode, headers: &HeaderMap) -> String {
        use StatusCode as S;
        let about_status = match status {
            S::PAYLOAD_TOO_LARGE => Some(
                "it refuses bodies of this size: raise its limit (nginx: `client_max_body_size`)"
                    .into(),
            ),
            S::PROXY_AUTHENTICATION_REQUIRED => Some(
                "it asks for a user name and a password: put them into the proxy's address, as in \
                 http://user:password@proxy"
                    .into(),
            ),
            S::BAD_GATEWAY | S::SERVICE_UNAVAILABLE | S::GATEWAY_TIMEOUT => {
                Some(format!("it doesn't get through to {}", self.host))
            }
            status if status.is_redirection() => {
                shown(headers, &LOCATION).map(|to| to_redirect(&to))
            }
            _ => None,
        };
        let about_proxy = self.asked_proxy().map(|_| self.around_proxy());
        about_status.into_iter().chain(about_proxy).collect::<Vec<_>>().join("; ")
    }
}

/// What may be done about a redirect. The path that it names is that of this request, not of the server.
fn to_redirect(to: &str) -> String {
    match Url::parse(to).map(|url| url.origin().ascii_serialization()) {
        Ok(origin) if origin != "null" => format!(
            "it redirects to {origin}: give that as the server's address, with its base path if it \
             has one"
        ),
        _ => format!("it redirects to {to}: give the address of the server that this leads to"),
    }
}

/// The media type that an answer is declared as, without its parameters; empty if there is none.
fn essence(headers: &HeaderMap) -> String {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A header as it may be shown: what is not a visible letter of ASCII or a space isn't in a header's text.
fn shown(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authorities;

    fn peer(address: &str, proxy: Option<&str>) -> Peer {
        let peer = Peer::new(&address.parse().unwrap(), &Authorities::default());
        Peer { proxy: proxy.map(Into::into), ..peer }
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_the_server_says_itself_is_no_strangers() {
        let of = |status: u16, media_type: &str| {
            let headers = headers(&[(CONTENT_TYPE, media_type)]);
            peer("http://gauge", None).stranger(StatusCode::from_u16(status).unwrap(), &headers)
        };
        assert_eq!(of(413, "application/problem+json"), None);
        assert_eq!(of(503, "application/problem+json; charset=utf-8"), None);
        assert_eq!(of(200, "application/json"), None);
        assert_eq!(of(200, "text/event-stream"), None);
        assert!(of(200, "text/html; charset=utf-8").is_some(), "a page to sign in at");
        assert!(of(403, "application/json").is_some());
    }

    #[test]
    fn a_body_that_is_too_long_for_a_proxy_names_its_setting() {
        let nginx = headers(&[(CONTENT_TYPE, "text/html"), (SERVER, "nginx/1.22.1")]);
        let told = peer("https://gauge", None).stranger(StatusCode::PAYLOAD_TOO_LARGE, &nginx);
        let told = told.unwrap();
        assert!(!told.is_transient);
        assert_eq!(
            told.words,
            "413 Payload Too Large came from nginx/1.22.1, a proxy or another program there, not from \
             floodgauge: it refuses bodies of this size: raise its limit (nginx: \
             `client_max_body_size`)"
        );
    }

    #[test]
    fn a_proxy_of_the_environment_is_named_with_the_way_around_it() {
        let proxy = peer("http://gauge:7878", Some("http://proxy:3128"));
        let told = proxy.stranger(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()).unwrap();
        assert!(told.is_transient);
        for words in
            ["the proxy http://proxy:3128", "list gauge in NO_PROXY", "get through to gauge"]
        {
            assert!(told.words.contains(words), "{}", told.words);
        }
        // It only hands on what is said by TLS.
        let tunnel = peer("https://gauge", Some("http://proxy:3128"));
        let told = tunnel.stranger(StatusCode::BAD_GATEWAY, &HeaderMap::new()).unwrap();
        assert!(!told.words.contains("NO_PROXY"), "{}", told.words);
    }

    #[test]
    fn an_answer_that_leads_elsewhere_says_where() {
        let moved = headers(&[(LOCATION, "https://gauge.example/v1/sweeps")]);
        let told =
            peer("http://gauge.example", None).stranger(StatusCode::MOVED_PERMANENTLY, &moved);
        let told = told.unwrap();
        let words = "it redirects to https://gauge.example: give that as";
        assert!(told.words.contains(words), "{}", told.words);
        assert!(!told.words.contains("/v1/sweeps"), "{}", told.words);
        assert!(!told.is_transient);
        // What names no server is shown as it is.
        assert!(to_redirect("/signin").contains("it redirects to /signin:"));
    }
}
