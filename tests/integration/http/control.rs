//! Pausing, resuming and extending.

use super::{
    server::{Server, problem, small},
    worker::{self, checkpoint, claim, digest, epochs, post, rows, train, train_all, upload},
};
use crate::support::nameless;
use eventsource_stream::Eventsource;
use floodgauge::scheduler::EXTENSION_VERSION;
use floodgauge_protocol::{
    ArmIx,
    work::{Assignment, ReportAnswer},
};
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn status(server: &Server, sweep: &str) -> Value {
    server.json(&format!("/v1/sweeps/{sweep}")).await["status"].clone()
}

/// Asks for something, and answers the sweep as it then is.
async fn ask(server: &Server, sweep: &str, what: &str, body: &Value) -> Value {
    let answer = server.post(&format!("/v1/sweeps/{sweep}/{what}"), body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

/// Reports the first epoch of a segment; answers what the server says to it.
async fn report_first(server: &Server, work: &Assignment) -> ReportAnswer {
    let report = json!({ "rows": rows(work, *epochs(work).start()) });
    post(server, work, "reports", &report).await.json().await.unwrap()
}

/// Hands a segment in as cut after its first epoch.
async fn hand_in(server: &Server, work: &Assignment) {
    let mut cut = work.clone();
    cut.segment.to_step = work.segment.from_step + work.recipe.steps_per_epoch();
    let mut ends = worker::ends(server, &cut).await;
    ends.iter_mut().for_each(|end| end["end"] = json!("stopped"));
    let answer = post(server, work, "finish", &json!({ "branches": ends })).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
}

/// Its segments have three epochs.
fn long(name: &str) -> Value {
    let mut spec = small(name);
    spec["recipe"]["epochs"] = json!(30);
    spec
}

#[tokio::test]
async fn a_paused_sweep_gives_out_nothing_until_it_is_resumed() {
    let server = Server::start().await;
    let sweep = server.submit(&small("paused")).await;
    for _ in 0..2 {
        assert_eq!(ask(&server, &sweep, "pause", &json!({})).await["status"], "paused");
    }
    assert!(claim(&server, "worker", 0).await.is_none());
    for _ in 0..2 {
        assert_eq!(ask(&server, &sweep, "resume", &json!({})).await["status"], "queued");
    }
    train_all(&server).await;
    assert_eq!(status(&server, &sweep).await, "completed");
}

#[tokio::test]
async fn a_waiting_claim_gets_what_is_resumed() {
    let server = Server::start().await;
    let sweep = server.submit(&small("waited for")).await;
    ask(&server, &sweep, "pause", &json!({})).await;
    let (work, _) = tokio::join!(claim(&server, "worker", 30), async {
        ask(&server, &sweep, "resume", &json!({})).await
    });
    assert_eq!(work.unwrap().sweep.to_string(), sweep);
}

#[tokio::test]
async fn what_a_worker_holds_of_a_paused_sweep_is_handed_in_and_goes_on_from_there() {
    let server = Server::start().await;
    let sweep = server.submit(&long("held")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    ask(&server, &sweep, "pause", &json!({})).await;
    let answer = report_first(&server, &work).await;
    let stopped: Vec<_> = answer.stop.iter().flat_map(|stop| stop.arms.clone()).collect();
    assert_eq!(stopped, work.segment.arms().collect::<Vec<_>>());
    hand_in(&server, &work).await;
    assert_eq!(status(&server, &sweep).await, "paused");
    assert!(claim(&server, "worker", 0).await.is_none());
    assert_eq!(ask(&server, &sweep, "resume", &json!({})).await["status"], "running");
    let next = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(next.segment.from_step, work.recipe.steps_per_epoch());
    train(&server, &next).await;
    train_all(&server).await;
    let best = server.json(&format!("/v1/sweeps/{sweep}/best")).await;
    assert_eq!(
        (&best["status"], &best["run_equivalents"]["redone"]),
        (&json!("completed"), &json!(0.0))
    );
}

#[tokio::test]
async fn a_worker_may_hand_in_at_the_end_of_any_epoch() {
    let server = Server::start().await;
    server.submit(&long("drained")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(report_first(&server, &work).await.stop, []);
    hand_in(&server, &work).await;
    let next = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(next.segment.from_step, work.recipe.steps_per_epoch());
}

#[tokio::test]
async fn what_is_cut_without_an_epoch_to_show_is_refused() {
    let server = Server::start().await;
    server.submit(&long("idle")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let state = checkpoint(&work, 0, ArmIx::PLAIN);
    assert!(upload(&server, &work, &state).await.is_success());
    let arms: Vec<_> = work.segment.arms().collect();
    let end = json!({ "arms": arms, "end": "stopped", "step": 0, "checkpoint": digest(&state) });
    let answer = post(&server, &work, "finish", &json!({ "branches": [end] })).await;
    problem(answer, 422, "invalid-work").await;
}

#[tokio::test]
async fn a_paused_sweep_can_be_cancelled_and_an_ended_one_neither_paused_nor_resumed() {
    let server = Server::start().await;
    let sweep = server.submit(&small("over")).await;
    ask(&server, &sweep, "pause", &json!({})).await;
    assert_eq!(ask(&server, &sweep, "cancel", &json!({})).await["status"], "cancelled");
    for what in ["pause", "resume", "extend"] {
        let path = format!("/v1/sweeps/{sweep}/{what}");
        problem(server.post(&path, &json!({ "seeds": 1 })).await, 409, "conflict").await;
    }
    let nowhere = "/v1/sweeps/01970000-0000-7000-8000-000000000000";
    for what in ["pause", "resume", "extend"] {
        let answer = server.post(&format!("{nowhere}/{what}"), &json!({ "seeds": 1 })).await;
        problem(answer, 404, "not-found").await;
    }
}

#[tokio::test]
async fn an_extended_sweep_is_the_one_that_could_have_been_submitted() {
    let server = Server::start().await;
    let mut spec = small("grown");
    let sweep = server.submit(&spec).await;
    train_all(&server).await;
    let before = server.json(&format!("/v1/sweeps/{sweep}")).await;
    let extended = ask(&server, &sweep, "extend", &json!({ "seeds": 2, "epochs": 6 })).await;
    assert_eq!(extended["status"], "running");
    assert_eq!((&extended["seeds"], &extended["epochs"]), (&json!(3), &json!(6)));
    assert_eq!(extended["arms_list"], before["arms_list"]);
    assert_eq!(extended["rungs"], json!([6]));
    let seeds: Vec<_> =
        extended["families"].as_array().unwrap().iter().map(|f| f["seed"].clone()).collect();
    assert_eq!(seeds, [0, 1, 2]);
    train_all(&server).await;
    spec["search"]["seeds"] = json!([0, 1, 2]);
    spec["recipe"]["epochs"] = json!(6);
    let whole = server.submit(&spec).await;
    train_all(&server).await;
    for part in ["grid", "curves"] {
        let [grown, whole] = [&sweep, &whole].map(|sweep| format!("/v1/sweeps/{sweep}/{part}"));
        assert_eq!(server.json(&grown).await, server.json(&whole).await, "{part}");
    }
    let [grown, whole] = [
        server.json(&format!("/v1/sweeps/{sweep}/best")).await,
        server.json(&format!("/v1/sweeps/{whole}/best")).await,
    ];
    assert_eq!(nameless(&grown), nameless(&whole));
}

#[tokio::test]
async fn added_levels_come_behind_the_others_and_keep_their_order_in_the_grid() {
    let server = Server::start().await;
    let sweep = server.submit(&small("leveled")).await;
    train_all(&server).await;
    ask(&server, &sweep, "extend", &json!({ "levels": [0.15, 0.05] })).await;
    train_all(&server).await;
    let path = format!("/v1/sweeps/{sweep}");
    let detail = server.json(&path).await;
    let names: Vec<_> =
        detail["arms_list"].as_array().unwrap().iter().map(|arm| arm["name"].clone()).collect();
    let expected = ["plain", "flood b=0.1", "flood b=0.2", "flood b=0.05", "flood b=0.15"];
    assert_eq!(names, expected);
    assert_eq!(detail["spec"]["search"]["levels"], json!([0.05, 0.1, 0.15, 0.2]));
    let grid = server.json(&format!("{path}/grid")).await;
    assert_eq!(grid["levels"], json!([null, 0.05, 0.1, 0.15, 0.2]));
    let trials = server.json(&format!("{path}/trials")).await;
    let trials = trials["items"].as_array().unwrap();
    assert_eq!(trials.len(), 5);
    assert!(trials.iter().all(|trial| trial["status"] == "completed"), "{trials:?}");
    assert_eq!(trials[4]["b"], 0.15);
    assert_eq!(server.json("/v1/sweeps").await["items"][0]["arms"], 5);
}

#[tokio::test]
async fn an_extension_that_cannot_be_had_is_pointed_at() {
    let server = Server::start().await;
    let sweep = server.submit(&small("refused")).await;
    let path = format!("/v1/sweeps/{sweep}/extend");
    let early = problem(server.post(&path, &json!({ "seeds": 1 })).await, 409, "conflict").await;
    assert!(early["detail"].as_str().unwrap().contains("queued"), "{early}");
    train_all(&server).await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({ "seeds": 0 }), "/seeds"),
        (json!({ "levels": [0.1] }), "/levels"),
        (json!({ "epochs": 4 }), "/epochs"),
    ] {
        let answer = problem(server.post(&path, &body).await, 422, "invalid-sweep").await;
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{body}");
    }
    let answer = server.post(&path, &json!({ "seed": 1 })).await;
    problem(answer, 400, "malformed").await;
    assert_eq!(status(&server, &sweep).await, "completed");
}

#[tokio::test]
async fn the_stream_of_an_extended_sweep_passes_its_first_ending() {
    let server = Server::start().await;
    let sweep = server.submit(&small("told twice")).await;
    train_all(&server).await;
    let events = async |after: u64| -> Vec<eventsource_stream::Event> {
        let path = format!("/v1/sweeps/{sweep}/events?after={after}");
        let response = server.get(&path).await;
        response.bytes_stream().eventsource().map(Result::unwrap).collect().await
    };
    let first = events(0).await;
    ask(&server, &sweep, "extend", &json!({ "seeds": 1 })).await;
    train_all(&server).await;
    let second = events(0).await;
    assert!(second.len() > first.len());
    assert_eq!(second[first.len()].event, "extended");
    let data: Value = serde_json::from_str(&second[first.len()].data).unwrap();
    let extended = json!({ "type": "extended", "seeds": [1], "version": EXTENSION_VERSION });
    assert_eq!(data["event"], extended);
    let ids: Vec<u64> = second.iter().map(|event| event.id.parse().unwrap()).collect();
    assert!(ids.iter().copied().eq(1..=ids.len() as u64));
    assert_eq!(events(first.len() as u64).await.len(), second.len() - first.len());
    assert!(events(ids.len() as u64).await.is_empty(), "there is nothing after the last");
}
