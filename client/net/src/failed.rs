//! What a request met that failed on its way, and what may be done about it.

use crate::{
    Peer,
    error_text::{plain_io, without_number},
    peer::{causes, innermost, named},
};
use rustls::{CertificateError as C, InvalidMessage};
use std::io;

impl Peer {
    /// What a request met that failed on its way, and what may be done about it, in plain words.
    pub fn explain(&self, error: &reqwest::Error) -> String {
        let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        if let Some(words) = tls.and_then(|error| self.about_tls(error)) {
            return words;
        }
        let what = what(error);
        match self.proxy.as_ref().filter(|_| error.is_connect() || error.is_timeout()) {
            Some(proxy) => {
                let around = self.around_proxy();
                format!("{what}; it was asked by way of {}; {around}", named(proxy))
            }
            None => what,
        }
    }

    fn about_tls(&self, error: &rustls::Error) -> Option<String> {
        use rustls::Error as E;
        Some(match error {
            E::InvalidCertificate(C::UnknownIssuer) => self.about_authority(),
            // Which the library tells by this name alone.
            E::InvalidCertificate(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                "the server presents a CA certificate as its own: issue it one that is signed by that \
                 CA (CA:FALSE)"
                    .into()
            }
            E::InvalidCertificate(certificate) => about_certificate(certificate)?.into(),
            E::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "no TLS is spoken at that port: use http://, or the port that speaks TLS".into()
            }
            _ => return None,
        })
    }

    fn about_authority(&self) -> String {
        match self.authorities.file() {
            None => {
                "its certificate isn't trusted: it is signed by an authority that this machine \
                     doesn't know; pass that authority's certificate with --ca-file or \
                     FLOODGAUGE_CA_FILE"
                    .into()
            }
            Some(file) => format!(
                "its certificate isn't trusted: neither this system nor {} has the certificate of its \
                 authority",
                file.display()
            ),
        }
    }
}

/// What is wrong with a certificate; none where only the library can say it.
fn about_certificate(error: &C) -> Option<&'static str> {
    Some(match error {
        C::Expired | C::ExpiredContext { .. } => {
            "its certificate has expired: it needs a new one, unless this machine's clock is wrong"
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "its certificate isn't valid yet: is this machine's clock right?"
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "its certificate is for another name: use the name that it was issued for"
        }
        C::Revoked => "its certificate was revoked: it needs a new one",
        C::BadEncoding | C::BadSignature => "its certificate is damaged: it needs a new one",
        _ => return None,
    })
}

/// What happened to a request.
fn what(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".into();
    }
    let system = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    match system {
        Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection broke off".into()
        }
        Some(error) if error.get_ref().is_none_or(|inside| !inside.is::<rustls::Error>()) => {
            plain_io(error)
        }
        _ => of_library(&innermost(error)),
    }
}

/// What the HTTP library tells by its words alone.
fn of_library(said: &str) -> String {
    if said.starts_with("connection closed before") {
        "the connection broke off".into()
    } else if said.starts_with("invalid HTTP") {
        "what answers there doesn't speak HTTP: check the port, and whether it wants https://"
            .into()
    } else {
        without_number(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authorities;
    use reqwest::Url;
    use std::{
        io::{Read as _, Write as _},
        net::{SocketAddr, TcpListener},
    };

    /// What is said of a request to an address that fails.
    async fn said(address: &str) -> String {
        let url: Url = address.parse().unwrap();
        let peer = Peer::new(&url, &Authorities::default());
        let client = peer.client().build().unwrap();
        peer.explain(&client.get(url).send().await.unwrap_err())
    }

    /// Somebody who answers the first connection with these bytes.
    fn answering(bytes: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(bytes);
        });
        address
    }

    #[tokio::test]
    async fn a_port_at_which_nobody_listens_is_told_as_that() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = said(&format!("http://{gone}")).await;
        assert_eq!(refused, "the connection was refused: nothing listens at that address and port");
    }

    #[tokio::test]
    async fn what_answers_otherwise_than_by_http_is_told_as_that() {
        let other = answering(b"SSH-2.0-OpenSSH_9.6\r\n");
        let words = said(&format!("http://{other}")).await;
        assert!(words.contains("doesn't speak HTTP"), "{words}");
        let silent = answering(b"");
        let words = said(&format!("http://{silent}")).await;
        assert!(words.contains("the connection broke off"), "{words}");
    }

    #[test]
    fn certificates_are_told_of_without_the_librarys_names() {
        let peer = |authorities| Peer::new(&"https://gauge".parse().unwrap(), &authorities);
        let peer = peer(Authorities::default());
        let about = |error| peer.about_tls(&rustls::Error::InvalidCertificate(error)).unwrap();
        for (error, words) in [
            (C::UnknownIssuer, "--ca-file"),
            (C::Expired, "has expired"),
            (C::NotValidYet, "clock"),
            (C::NotValidForName, "another name"),
            (C::Revoked, "revoked"),
        ] {
            let said = about(error.clone());
            assert!(said.contains(words) && !said.contains(&format!("{error:?}")), "{said}");
        }
        assert_eq!(peer.about_tls(&rustls::Error::DecryptError), None);
    }
}
