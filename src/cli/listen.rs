//! The address that a server of this program answers at.

use super::Failure;
use anyhow::Context as _;
use floodgauge_net::plain_io;
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};
use tokio::net::TcpListener;

/// Listens on an address.
///
/// # Errors
/// Says what keeps it from that, and what may be done.
pub async fn on(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| anyhow::anyhow!(why_not(address, &error)));
    Ok(listener.context(format!("can't listen on {address}"))?)
}

/// Why an address can't be listened on, and what may be done.
fn why_not(address: SocketAddr, error: &io::Error) -> String {
    let what = plain_io(error);
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "{what} (a server of yours?): end it, or choose another port with --listen, as in --listen {}:0 \
             for a free one",
            shown_ip(address)
        ),
        ErrorKind::AddrNotAvailable => {
            format!("{what}: choose one of its own with --listen, or 0.0.0.0 for all")
        }
        ErrorKind::PermissionDenied if address.port() < 1024 => {
            "ports below 1024 are for programs with the system's leave: choose a higher one with --listen"
                .into()
        }
        _ => what,
    }
}

/// An IP address as it stands before a port.
fn shown_ip(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let failure = on(address).await.unwrap_err().to_string();
        let expected = format!(
            "can't listen on {address}: another program listens there (a server of yours?): end it, or choose \
             another port with --listen, as in --listen 127.0.0.1:0 for a free one"
        );
        assert_eq!(failure, expected);
    }

    #[test]
    fn what_this_user_may_not_have_is_told_with_what_to_do() {
        let why = |address: &str, kind: ErrorKind| why_not(address.parse().unwrap(), &kind.into());
        assert!(why("[::1]:80", ErrorKind::PermissionDenied).contains("choose a higher one"));
        assert!(why("[::1]:80", ErrorKind::AddrInUse).contains("--listen [::1]:0"));
        let elsewhere = why("10.1.2.3:80", ErrorKind::AddrNotAvailable);
        assert!(elsewhere.starts_with("this machine has no such address: "), "{elsewhere}");
    }
}
