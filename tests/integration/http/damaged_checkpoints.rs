//! Checkpoints whose bytes are lost or damaged on the server.

use super::{
    server::{Server, problem, small},
    worker::{claim, post, train, under},
};
use crate::support::nameless;
use floodgauge_protocol::{Digest, Start, work::Assignment};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

/// What may become of a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    OneByte,
    Cut,
    Gone,
}

fn object(server: &Server, digest: Digest) -> PathBuf {
    let name = digest.to_string();
    server.folder.path().join("blobs").join(&name[..2]).join(&name)
}

fn damage(server: &Server, digest: Digest, damage: Damage) {
    let file = object(server, digest);
    let mut bytes = fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    match damage {
        Damage::OneByte => bytes[half] ^= 1,
        Damage::Cut => bytes.truncate(half),
        Damage::Gone => return fs::remove_file(&file).unwrap(),
    }
    fs::write(&file, bytes).unwrap();
}

fn starts(work: &Assignment) -> BTreeSet<Digest> {
    let start = |start| match start {
        Start::Checkpoint { digest } => Some(digest),
        Start::Init => None,
    };
    work.segment.branches.iter().filter_map(|branch| start(branch.start)).collect()
}

async fn fetch(server: &Server, work: &Assignment, digest: Digest) -> Response {
    under(server, work, Method::GET, &format!("blobs/{digest}")).send().await.unwrap()
}

/// Trains whatever there is, each segment from what it starts from; damages what the one that starts from
/// a checkpoint for the `nth` time does. Answers how many did.
async fn train_all_but(server: &Server, nth: usize, kind: Damage) -> usize {
    let mut met = 0;
    'work: while let Some(work) = claim(server, "worker", 0).await {
        for digest in starts(&work) {
            met += 1;
            if met == nth {
                damage(server, digest, kind);
                problem(fetch(server, &work, digest).await, 409, "checkpoint-damaged").await;
                let renewed = post(server, &work, "reports", &json!({ "rows": [] })).await;
                problem(renewed, 409, "lease-lost").await;
                continue 'work;
            }
            assert_eq!(fetch(server, &work, digest).await.status(), StatusCode::OK);
        }
        train(server, &work).await;
    }
    met
}

/// The answer, but for what it cost.
async fn answer(server: &Server, sweep: &str) -> Value {
    let mut best = server.json(&format!("/v1/sweeps/{sweep}/best")).await;
    assert!(best["run_equivalents"].take()["spent"].is_number());
    nameless(&best)
}

async fn curves(server: &Server, sweep: &str) -> Value {
    server.json(&format!("/v1/sweeps/{sweep}/curves")).await
}

#[tokio::test]
async fn what_needs_a_damaged_checkpoint_is_trained_again_to_the_same_answer() {
    for scheduler in ["grid", "sha", "halving"] {
        let mut spec = small("damaged");
        spec["recipe"]["epochs"] = json!(8);
        spec["scheduler"] = json!({ "kind": scheduler });
        let calm = Server::start().await;
        let quiet = calm.submit(&spec).await;
        let all = train_all_but(&calm, usize::MAX, Damage::Gone).await;
        assert!(all > 3, "{scheduler}: only {all} segments start from a checkpoint");
        for (nth, kind) in
            (1..=all).zip([Damage::OneByte, Damage::Cut, Damage::Gone].iter().cycle())
        {
            let server = Server::start().await;
            let sweep = server.submit(&spec).await;
            train_all_but(&server, nth, *kind).await;
            let what = format!("{scheduler}, {kind:?} at the {nth}th");
            let detail = server.json(&format!("/v1/sweeps/{sweep}")).await;
            assert_eq!(detail["status"], "completed", "{what}");
            assert_eq!(answer(&server, &sweep).await, answer(&calm, &quiet).await, "{what}");
            assert_eq!(curves(&server, &sweep).await, curves(&calm, &quiet).await, "{what}");
        }
    }
}

#[tokio::test]
async fn the_log_tells_of_a_damaged_checkpoint_and_what_comes_of_it() {
    let server = Server::start().await;
    let sweep = server.submit(&small("told")).await;
    train_all_but(&server, 1, Damage::OneByte).await;
    let log = server.log(&sweep).await;
    let entry = log.iter().find(|entry| entry["event"]["type"] == "damaged").unwrap();
    let decisions = entry["decisions"].as_array().unwrap();
    assert!(decisions.iter().any(|decision| decision["action"] == "withdraw"), "{entry}");
    assert!(decisions.iter().any(|decision| decision["action"] == "enqueue"), "{entry}");
    let line = entry["lines"][0]["text"].as_str().unwrap();
    assert!(line.contains("is lost or damaged"), "{line}");
}
