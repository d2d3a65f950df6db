//! Blobs over links that are slow, and such that are broken, in real time.

use super::server::{Pace, Server};
use bytes::Bytes;
use floodgauge_protocol::{Digest, LeaseId, work::Lease};
use floodgauge_worker::client::{Client, ClientError, Retry};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Pieces of a blob.
const PIECES: usize = 500;

/// A piece each time: all of them take longer than a standstill that is borne, each of them far shorter.
const EVERY: Duration = Duration::from_millis(5);

/// What a client bears that fetches all pieces.
const LONG: Duration = Duration::from_secs(2);

/// A server that sends so many pieces of a blob, a client that tries once, and a lease.
async fn sending(come: usize, standstill: Duration) -> (Server, Client, Lease, Digest, Bytes) {
    let server = Server::start(vec![]).await;
    let bytes = Bytes::from((0..100_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let digest = Digest(Sha256::digest(&bytes).into());
    let lease = Lease { lease: LeaseId(Uuid::new_v4()), token: "x".into(), attempt: 1, ttl_s: 15 };
    server.set(|log| {
        log.live.insert(lease.lease, lease.token.clone());
        log.blobs.insert(digest, bytes.clone());
        log.blob_pace = Some(Pace { pieces: PIECES, every: EVERY, come });
    });
    let once = Retry { tries: Some(0), ..Retry::default() };
    let client = Client::new(&server.address, once).unwrap().with_standstill(standstill);
    (server, client, lease, digest, bytes)
}

#[tokio::test]
async fn a_blob_that_comes_slowly_but_steadily_arrives_however_long_all_of_it_takes() {
    let (_server, client, lease, digest, bytes) = sending(PIECES, LONG).await;
    let began = Instant::now();
    let file = tempfile::NamedTempFile::new().unwrap();
    let (in_memory, in_file) = tokio::join!(
        client.get_blob(&lease, digest),
        client.get_blob_into(&lease, digest, file.as_file())
    );
    assert_eq!(in_memory.unwrap(), bytes);
    in_file.unwrap();
    assert_eq!(fs::read(file.path()).unwrap(), bytes);
    assert!(began.elapsed() > LONG, "{:?}: it didn't come slowly", began.elapsed());
}

#[tokio::test]
async fn a_blob_that_stands_still_is_given_up() {
    let (_server, client, lease, digest, _) = sending(3, Duration::from_millis(100)).await;
    let file = tempfile::tempfile().unwrap();
    let fetched = [
        client.get_blob(&lease, digest).await.map(drop),
        client.get_blob_into(&lease, digest, &file).await,
    ];
    for fetched in fetched {
        let Err(ClientError::Unreachable(why)) = fetched else { panic!("{fetched:?}") };
        assert_eq!(why, "nothing came for 100ms");
    }
}
