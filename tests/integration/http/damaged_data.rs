//! Data sets whose bytes are lost or damaged on the server.

use super::{
    server::{Server, problem, small},
    worker::{claim, digest, post, under},
};
use floodgauge_protocol::work::Assignment;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// 40 rows of two features and one of two classes.
fn table() -> String {
    (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 3, row % 2)).collect()
}

async fn add(server: &Server) -> StatusCode {
    let request = server.request(Method::POST, "/v1/datasets?name=mine");
    let request = request.header("content-type", "text/csv").body(table());
    request.send().await.unwrap().status()
}

fn on_mine() -> Value {
    let mut spec = small("pinned");
    spec["recipe"]["dataset"] = json!({ "name": "mine" });
    spec["recipe"]["batch_size"] = json!(10);
    spec
}

fn object(server: &Server) -> PathBuf {
    let name = digest(table().as_bytes()).to_string();
    server.folder.path().join("blobs").join(&name[..2]).join(&name)
}

/// Changes one byte, and not how many there are.
fn alter(server: &Server) {
    let mut bytes = fs::read(object(server)).unwrap();
    bytes[7] ^= 1;
    fs::write(object(server), bytes).unwrap();
}

/// What a worker is answered that fetches its data; an error where the bytes break off.
async fn fetch(server: &Server, work: &Assignment) -> reqwest::Result<(StatusCode, Vec<u8>)> {
    let pin = work.recipe.dataset.pin.unwrap();
    let get = under(server, work, Method::GET, &format!("blobs/{}", pin.sha256));
    let answer = get.send().await?;
    Ok((answer.status(), answer.bytes().await?.to_vec()))
}

#[tokio::test]
async fn a_lost_or_a_cut_set_is_told_wherever_it_is_asked_for_until_it_is_added_again() {
    let server = Server::start().await;
    assert_eq!(add(&server).await, StatusCode::CREATED);
    assert_eq!(server.json("/v1/datasets/mine").await["damage"], Value::Null);
    for cut in [false, true] {
        let what = if cut {
            fs::write(object(&server), &table()[..9]).unwrap();
            "9 of its"
        } else {
            fs::remove_file(object(&server)).unwrap();
            "lost"
        };
        let list = server.json("/v1/datasets").await;
        let listed = list["items"].as_array().unwrap().iter().find(|set| set["name"] == "mine");
        for told in [listed.unwrap(), &server.json("/v1/datasets/mine").await] {
            assert_eq!(told["ready"], json!(false));
            assert!(told["damage"].as_str().unwrap().contains(what), "{told}");
        }
        for path in ["/v1/plans", "/v1/sweeps", "/v1/sweeps?dry_run=true"] {
            let refused = problem(server.post(path, &on_mine()).await, 422, "invalid-sweep").await;
            let error = &refused["errors"][0];
            assert_eq!(error["pointer"], "/recipe/dataset/name");
            let detail = error["detail"].as_str().unwrap();
            assert!(detail.contains("`mine` is damaged") && detail.contains(what), "{detail}");
        }
        assert_eq!(add(&server).await, StatusCode::OK, "it was there, by its name");
        assert_eq!(fs::read_to_string(object(&server)).unwrap(), table());
        let set = server.json("/v1/datasets/mine").await;
        assert_eq!([&set["ready"], &set["damage"]], [&json!(true), &Value::Null]);
    }
    server.submit(&on_mine()).await;
}

#[tokio::test]
async fn what_is_altered_breaks_off_for_whoever_takes_it_away_and_what_is_lost_is_told() {
    let server = Server::start().await;
    add(&server).await;
    alter(&server);
    // It may break off before its head is on its way.
    let is_whole = match server.request(Method::GET, "/v1/datasets/mine/file").send().await {
        Ok(taken) => taken.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!is_whole, "what isn't what it should be breaks off");
    problem(server.get("/v1/datasets/mine/file").await, 409, "data-damaged").await;
    add(&server).await;
    let taken = server.get("/v1/datasets/mine/file").await;
    assert_eq!(taken.text().await.unwrap(), table());
    fs::remove_file(object(&server)).unwrap();
    problem(server.get("/v1/datasets/mine/file").await, 409, "data-damaged").await;
}

#[tokio::test]
async fn an_altered_set_is_known_once_a_worker_fetches_it_and_mended_by_the_same_file() {
    let server = Server::start().await;
    add(&server).await;
    server.submit(&on_mine()).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    alter(&server);
    assert!(fetch(&server, &work).await.is_err(), "what isn't what it should be breaks off");
    let set = server.json("/v1/datasets/mine").await;
    assert_eq!(set["ready"], json!(false));
    assert!(set["damage"].as_str().unwrap().contains("aren't those that were stored"), "{set}");
    assert_eq!(fetch(&server, &work).await.unwrap().0, StatusCode::CONFLICT);
    assert_eq!(add(&server).await, StatusCode::OK);
    assert_eq!(server.json("/v1/datasets/mine").await["damage"], Value::Null);
    let work = claim(&server, "worker", 0).await.expect("the segment is there again");
    assert_eq!(fetch(&server, &work).await.unwrap(), (StatusCode::OK, table().into_bytes()));
}

#[tokio::test]
async fn that_a_worker_cannot_have_its_data_fails_no_segment_and_its_sweep_says_what_it_waits_for()
{
    let server = Server::start().await;
    add(&server).await;
    let [sweep, other] = [server.submit(&on_mine()).await, server.submit(&on_mine()).await];
    let work = claim(&server, "worker", 0).await.unwrap();
    fs::remove_file(object(&server)).unwrap();
    for _ in 0..3 {
        let Some(work) = claim(&server, "worker", 0).await else { break };
        fetch(&server, &work).await.unwrap();
    }
    let pin = work.recipe.dataset.pin.unwrap();
    let get = under(&server, &work, Method::GET, &format!("blobs/{}", pin.sha256));
    let told = problem(get.send().await.unwrap(), 409, "data-damaged").await;
    assert!(told["detail"].as_str().unwrap().contains("data set `mine`"), "{told}");
    // What a worker of before would make of it.
    let fail = json!({ "message": "the server answered 409" });
    problem(post(&server, &work, "fail", &fail).await, 409, "lease-lost").await;
    // Neither this sweep nor another on the same data is given out, to whomever.
    assert!(claim(&server, "another", 0).await.is_none());
    for id in [&sweep, &other] {
        let told = server.json(&format!("/v1/sweeps/{id}")).await;
        let waits = told["waits_for"].as_str().unwrap_or_default();
        assert!(waits.contains("data set `mine`, which is damaged"), "{told}");
        let trials = server.json(&format!("/v1/sweeps/{id}/trials")).await;
        let trials = trials["items"].as_array().unwrap();
        assert!(trials.iter().all(|trial| trial["status"] != "failed"), "{trials:?}");
    }
    add(&server).await;
    for id in [&sweep, &other] {
        assert_eq!(server.json(&format!("/v1/sweeps/{id}")).await["waits_for"], Value::Null);
    }
    let both = [claim(&server, "a", 0).await.unwrap(), claim(&server, "b", 0).await.unwrap()];
    let both: std::collections::BTreeSet<_> = both.map(|work| work.sweep.to_string()).into();
    assert_eq!(both, [sweep, other].into());
}
