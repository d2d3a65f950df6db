//! What the client's documentation shows, run as it stands there.

use super::programs::{Server, worker};

#[path = "../../../client/examples/find_b.rs"]
#[expect(dead_code, reason = "its main is the example's own")]
mod find_b;

#[tokio::test]
async fn the_clients_example_finds_a_level() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let _worker = worker(&server.address, "example");
    let b = find_b::find_b(&server.client).await.unwrap();
    let sweeps = server.client.list(&Default::default()).await.unwrap().value.items;
    assert_eq!(sweeps.len(), 1);
    assert_eq!(b, sweeps[0].best.as_ref().and_then(|best| best.best.as_ref()?.arm.b));
    assert!(b.is_some_and(|b| [0.5, 0.7, 0.9].contains(&b)), "{b:?}");
}
