//! The real programs, on a server that asks for tokens.

use super::{
    follow,
    programs::{Process, Server, program, refused, run},
};
use floodgauge::access::{Kind, Secret};
use std::path::Path;

const LOOPBACK: &str = "127.0.0.1:0";

const SWEEP: &str = r#"{
    "name": "small",
    "recipe": { "dataset": { "name": "spiral" }, "batch_size": 50, "epochs": 4 },
    "search": { "levels": [0.1, 0.2] },
    "scheduler": { "kind": "grid" }
}"#;

/// Makes a token in a server's folder.
fn make(folder: &Path, name: &str, scope: &str) -> Secret {
    let folder = folder.to_str().unwrap();
    let printed = run(&["token", "create", name, "--scope", scope, "--data-dir", folder]);
    Secret::read(Kind::Token, printed.trim()).expect("a token, and nothing else")
}

/// A server on loopback with a client that shows a token.
fn server(folder: &Path, workers: &str, token: &Secret) -> Server {
    let mut server = Server::with(folder, &["--listen", LOOPBACK, "--workers", workers]);
    server.client = server.client.clone().with_token(token.reveal());
    server
}

async fn train_one(server: &Server) {
    let spec = serde_json::from_str(SWEEP).unwrap();
    let sweep = server.client.submit(&spec, None).await.unwrap().value.summary.id;
    follow(server, sweep).await;
}

#[tokio::test]
async fn a_worker_with_a_token_trains_for_a_server_that_asks_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let submit = make(folder.path(), "me", "submit");
    let worker = make(folder.path(), "workers", "worker");
    let server = server(folder.path(), "0", &submit);
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{}\n", worker.reveal())).unwrap();
    let mut command = program(&["worker", "--server", &server.address, "--threads", "1"]);
    let _worker = Process::of(command.env("FLOODGAUGE_TOKEN_FILE", &file));
    train_one(&server).await;
    let listed = program(&["list", "--server", &server.address])
        .env("FLOODGAUGE_TOKEN", submit.reveal())
        .output()
        .unwrap();
    assert!(String::from_utf8(listed.stdout).unwrap().contains("small"));
}

#[tokio::test]
async fn a_worker_inside_a_server_that_asks_for_tokens_trains_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let submit = make(folder.path(), "me", "submit");
    train_one(&server(folder.path(), "1", &submit)).await;
}

#[test]
fn without_a_token_that_may_clients_and_workers_are_refused_and_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let read = make(folder.path(), "reader", "read");
    let server = server(folder.path(), "0", &read);
    let message = refused(&["list", "--server", &server.address]);
    assert!(message.contains("this server asks for a token"), "{message}");
    let worker = program(&["worker", "--server", &server.address])
        .env("FLOODGAUGE_TOKEN", read.reveal())
        .output()
        .unwrap();
    assert_eq!(worker.status.code(), Some(1));
    let message = String::from_utf8(worker.stderr).unwrap();
    assert!(message.contains("scope `worker`") && !message.contains(read.reveal()), "{message}");
}

#[test]
fn a_revoked_token_is_listed_as_such_and_works_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let secret = make(folder.path(), "old", "admin");
    let server = server(folder.path(), "0", &secret);
    let url = &server.address;
    let show = ["--server", url, "--token", secret.reveal()];
    run(&[&["list"], &show[..]].concat());
    assert!(run(&["token", "list", "--data-dir", at]).contains("works"));
    run(&["token", "revoke", "old", "--data-dir", at]);
    refused(&[&["list"], &show[..]].concat());
    assert!(!run(&["token", "list", "--data-dir", at]).contains("old"));
    let all = run(&["token", "list", "--all", "--data-dir", at]);
    assert!(all.contains("revoked") && !all.contains(secret.reveal()), "{all}");
    let message = refused(&["token", "revoke", "old", "--data-dir", at]);
    assert!(message.contains("no token `old`"), "{message}");
}

#[test]
fn a_server_for_other_machines_wants_a_token_first() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let message = refused(&["serve", "--listen", "0.0.0.0:0", "--data-dir", at]);
    assert!(message.contains("floodgauge token create"), "{message}");
    make(folder.path(), "first", "admin");
    let server = Server::with(folder.path(), &["--listen", "0.0.0.0:0", "--workers", "0"]);
    let port = server.address.rsplit(':').next().unwrap();
    let message = refused(&["list", "--server", &format!("127.0.0.1:{port}")]);
    assert!(message.contains("this server asks for a token"), "{message}");
}

#[test]
fn a_server_without_tokens_says_that_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let said = Process::first_lines(
        &[
            "serve",
            "--listen",
            LOOPBACK,
            "--workers",
            "0",
            "--data-dir",
            folder.path().to_str().unwrap(),
        ],
        2,
    );
    assert!(said[0].starts_with("listening on http://127.0.0.1:"), "{said:?}");
    assert!(said[1].contains("open to everybody on this machine"), "{said:?}");
}
