//! `floodgauge delete`, where no terminal is there to ask.

use super::{
    programs::{Server, ended, refused, run},
    spec, submit,
};
use crate::support::postgres;
use floodgauge::client::api::SweepQuery;

/// The arguments of a command that deletes on a server.
fn delete<'a>(server: &'a Server, arguments: &[&'a str]) -> Vec<&'a str> {
    let there = ["--server", server.address.as_str()];
    [&["delete"], arguments, &there[..]].concat()
}

async fn sweeps_are_deleted(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), database);
    let mut sweeps = Vec::new();
    for _ in 0..3 {
        sweeps.push(submit(&server).await);
    }
    let ids: Vec<String> = sweeps.iter().map(ToString::to_string).collect();
    for sweep in &sweeps[..2] {
        server.client.cancel(*sweep).await.unwrap();
    }

    // The third goes on; whoever is named before it is gone by then.
    let running = refused(&delete(&server, &[&ids[0], &ids[2]]));
    assert!(running.contains("cancel it first"), "{running}");
    let gone = refused(&delete(&server, &[&ids[0]]));
    assert!(gone.contains("no such sweep") || gone.contains("no sweep"), "{gone}");

    let deleted = run(&delete(&server, &["--yes", &ids[1], &ids[1]]));
    assert_eq!(deleted, format!("sweep {} is deleted\n", ids[1]), "named twice, deleted once");
    let left = server.client.list(&SweepQuery::default()).await.unwrap().value.items;
    assert_eq!(left.iter().map(|sweep| sweep.id).collect::<Vec<_>>(), [sweeps[2]]);
    assert_eq!(left[0].name, spec().name);

    assert_eq!(ended(&delete(&server, &[])).code, 2, "no sweep is named");
    assert!(refused(&delete(&server, &["x"])).contains("that is not a sweep's id"));
}

#[tokio::test]
async fn sweeps_that_have_ended_are_deleted_and_others_stay_on_sqlite() {
    sweeps_are_deleted(None).await;
}

#[tokio::test]
async fn sweeps_that_have_ended_are_deleted_and_others_stay_on_postgres() {
    sweeps_are_deleted(Some(&postgres::new_database().await)).await;
}
