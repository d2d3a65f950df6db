//! Blobs over links that are broken. Their time passes as soon as nobody has anything else to do.

use super::server::Server;
use bytes::Bytes;
use floodgauge_protocol::{Digest, LeaseId, work::Lease};
use floodgauge_worker::client::{Client, ClientError, Retry};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A server that sends a blob in pieces, each after such a pause; a client that tries once, and a lease.
async fn with_pauses(pause: Duration) -> (Server, Client, Lease, Digest) {
    let server = Server::start(vec![]).await;
    let bytes = Bytes::from((0..100_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let digest = Digest(Sha256::digest(&bytes).into());
    let lease = Lease { lease: LeaseId(Uuid::new_v4()), token: "x".into(), attempt: 1, ttl_s: 15 };
    server.set(|log| {
        log.live.insert(lease.lease, lease.token.clone());
        log.blobs.insert(digest, bytes);
        log.blobs_in_pieces = Some((400, pause));
    });
    let once = Retry { tries: Some(0), ..Retry::default() };
    let client = Client::new(&server.address, once).unwrap();
    (server, client, lease, digest)
}

#[tokio::test(start_paused = true)]
async fn a_blob_of_which_nothing_comes_is_not_waited_for() {
    let (_server, client, lease, digest) = with_pauses(Duration::from_secs(3_600)).await;
    let began = Instant::now();
    let fetched = client.get_blob(&lease, digest).await;
    assert!(matches!(fetched, Err(ClientError::Unreachable(_))), "{fetched:?}");
    let file = tempfile::tempfile().unwrap();
    let fetched = client.get_blob_into(&lease, digest, &file).await;
    assert!(matches!(fetched, Err(ClientError::Unreachable(_))), "{fetched:?}");
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
}
