//! Who requests go to, and the way there.

use crate::Authorities;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, Url, redirect};
use rustls::{ClientConfig, RootCertStore};
use std::{error::Error, io, iter::successors, net::IpAddr, sync::Arc};

/// Who requests go to, and how they get there.
#[derive(Clone, Debug)]
pub struct Peer {
    pub(crate) host: String,
    pub(crate) has_tls: bool,
    /// The proxy that the environment names for it, without the password that it may want.
    pub(crate) proxy: Option<String>,
    pub(crate) authorities: Authorities,
}

impl Peer {
    /// The one at an address.
    ///
    /// This machine itself is reached directly: a proxy for the world must not be asked for it. For others
    /// the environment's proxies hold, and its exceptions (`NO_PROXY`).
    pub fn new(address: &Url, authorities: &Authorities) -> Self {
        let host = address.host_str().unwrap_or_default().to_owned();
        let proxy = if is_loopback(&host) { None } else { proxy_for(address) };
        let has_tls = address.scheme() == "https";
        Self { host, has_tls, proxy, authorities: authorities.clone() }
    }

    /// What makes a client that asks the peer and nobody else: no answer leads it elsewhere, so that a
    /// token stays with whom it was given for, and a submission remains one.
    ///
    /// Without TLS nobody's certificate is looked at, so a machine without any authorities will do.
    pub fn client(&self) -> ClientBuilder {
        let client = self.directly().redirect(redirect::Policy::none());
        // A proxy may want TLS where the peer wants none.
        let to_proxy = self.proxy.as_ref().is_some_and(|proxy| proxy.starts_with("https"));
        match self.has_tls || to_proxy {
            true => self.with_authorities(client),
            false => match unused_tls() {
                Some(tls) => client.tls_backend_preconfigured(tls),
                None => client,
            },
        }
    }

    /// What makes a client that goes where answers lead it, by TLS too.
    pub fn wandering_client(&self) -> ClientBuilder {
        self.with_authorities(self.directly())
    }

    fn directly(&self) -> ClientBuilder {
        // Someone else in this process may have installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder();
        if is_loopback(&self.host) { client.no_proxy() } else { client }
    }

    fn with_authorities(&self, client: ClientBuilder) -> ClientBuilder {
        match self.authorities.certificates() {
            none if none.is_empty() => client,
            some => client.tls_certs_merge(some),
        }
    }

    /// That an answer may be a proxy's of the environment's, and what may be done about it; none where
    /// there is no such proxy, or it only hands on what others say.
    pub fn answered_for(&self) -> Option<String> {
        let proxy = self.asked_proxy()?;
        Some(format!("it may be that of {}; {}", named(proxy), self.around_proxy()))
    }

    /// The proxy of the environment's that may answer: none does through a tunnel, which TLS needs.
    pub(crate) fn asked_proxy(&self) -> Option<&String> {
        self.proxy.as_ref().filter(|_| !self.has_tls)
    }

    /// How to get past a proxy.
    pub(crate) fn around_proxy(&self) -> String {
        format!("if {host} is reached without it, list {host} in NO_PROXY", host = self.host)
    }
}

/// A proxy of the environment's, in words.
pub(crate) fn named(proxy: &str) -> String {
    format!("the proxy {proxy}, which the environment names (http_proxy, https_proxy, all_proxy)")
}

/// An error and what caused it, those that the standard library keeps to itself too.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error: &&'a (dyn Error + 'static)| {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// The innermost cause says most: that the connection was refused, not that a request wasn't sent.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// The proxy that the environment names for an address, as the HTTP library reads it.
fn proxy_for(address: &Url) -> Option<String> {
    let address: http::Uri = address.as_str().parse().ok()?;
    let proxy = Matcher::from_system().intercept(&address)?;
    let (proxy, port) =
        (proxy.uri(), proxy.uri().port().map_or_else(String::new, |port| format!(":{port}")));
    Some(format!("{}://{}{port}", proxy.scheme_str()?, proxy.host()?))
}

/// Whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let ip = ip.map(|ip| ip.to_canonical());
    host == "localhost"
        || host.ends_with(".localhost")
        // What listens everywhere is asked here.
        || ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// A TLS set-up that trusts nobody: the HTTP library wants one even where none is used.
fn unused_tls() -> Option<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider);
    let versions = versions.with_safe_default_protocol_versions().ok()?;
    Some(versions.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for host in [
            "localhost",
            "localhost.",
            "a.localhost",
            "127.0.0.1",
            "127.8.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "example.org", "localhost.example", "10.0.0.1", "[fe80::1]", "notlocalhost"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_client_without_tls_needs_no_authorities() {
        let peer = |address: &str| Peer::new(&address.parse().unwrap(), &Authorities::default());
        assert!(peer("http://127.0.0.1/").client().build().is_ok());
        assert!(!peer("http://127.0.0.1/").has_tls && peer("https://a/").has_tls);
    }

    #[test]
    fn the_cause_that_says_most_is_the_innermost() {
        let inner = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        assert_eq!(innermost(&io::Error::other(inner)), "refused");
    }
}
