//! Sweeps that another version of this program left behind.

use super::{
    server::{Server, problem, small},
    worker::train_all,
};
use crate::support::nameless;
use floodgauge::{
    scheduler,
    store::{Created, Effects, NewSweep},
};
use floodgauge_protocol::{Digest, SweepId};
use serde_json::json;
use uuid::Uuid;

/// What there is of a sweep that was run to its end, as it would be stored.
async fn left_behind(server: &Server) -> NewSweep {
    let sweep = server.submit(&small("run here")).await;
    train_all(server).await;
    let row = server.driver.store().sweep(sweep.parse().unwrap()).await.unwrap().unwrap();
    NewSweep {
        sweep: SweepId(Uuid::now_v7()),
        name: "left behind".into(),
        scheduler_version: scheduler::current_version(floodgauge_protocol::SchedulerKind::Halving),
        priority: 0,
        idempotency: None::<(String, Digest)>,
        event: json!({ "type": "submitted", "spec": row.spec }),
        spec: row.spec,
        decisions: json!([]),
        data: None,
        owner: None,
        traceparent: None,
        effects: Effects { best: row.best, status: Some(row.status), ..Effects::default() },
    }
}

async fn store(server: &Server, new: NewSweep) -> String {
    let Created::New(entry) = server.driver.store().create_sweep(new).await.unwrap() else {
        panic!("there was such a sweep")
    };
    format!("/v1/sweeps/{}", entry.sweep)
}

#[tokio::test]
async fn a_sweep_that_cant_be_replayed_is_told_as_far_as_it_is_stored() {
    let server = Server::start().await;
    let undecided = left_behind(&server).await;
    let run_here = &server.json("/v1/sweeps?search=run").await["items"][0]["id"];
    let run_here = format!("/v1/sweeps/{}", run_here.as_str().unwrap());
    let newer = NewSweep {
        sweep: SweepId(Uuid::now_v7()),
        scheduler_version: scheduler::current_version(floodgauge_protocol::SchedulerKind::Halving)
            + 1,
        ..undecided.clone()
    };
    // One of another version, and one whose log holds other decisions than this one makes.
    for new in [newer, undecided] {
        let version = new.scheduler_version;
        let path = store(&server, new).await;
        let detail = server.json(&path).await;
        assert_eq!(detail["scheduler_version"], version);
        assert_eq!(detail["rungs"], json!([4]));
        let best = server.json(&format!("{path}/best")).await;
        let same = server.json(&format!("{run_here}/best")).await;
        assert_eq!(nameless(&best), nameless(&same));
        let trials = server.json(&format!("{path}/trials")).await;
        let trials = trials["items"].as_array().unwrap();
        assert_eq!(trials.len(), 3);
        assert!(trials.iter().all(|trial| trial["objective"].is_null()), "{trials:?}");
        for rest in ["/curves", "/grid", "/events"] {
            assert_eq!(server.get(&format!("{path}{rest}")).await.status(), 200, "{rest}");
        }
    }
}

#[tokio::test]
async fn a_sweep_of_another_version_without_reports_has_no_best_arm() {
    let server = Server::start().await;
    let mut new = left_behind(&server).await;
    new.effects.best = None;
    new.scheduler_version += 1;
    let path = store(&server, new).await;
    assert_eq!(server.json(&path).await["best"], json!(null));
    let best = server.json(&format!("{path}/best")).await;
    assert_eq!((&best["best"], &best["metric"]), (&json!(null), &json!("val_loss")));
}

#[tokio::test]
async fn a_stored_answer_that_reads_no_more_is_left_out_of_lists() {
    let server = Server::start().await;
    let mut new = left_behind(&server).await;
    new.effects.best = Some(json!({ "winner": "b=0.1" }));
    new.scheduler_version += 1;
    let path = store(&server, new).await;
    let list = server.json("/v1/sweeps").await;
    assert_eq!(list["items"][0]["name"], "left behind");
    assert_eq!(list["items"][0]["best"], json!(null));
    assert_eq!(server.json(&path).await["best"], json!(null));
    problem(server.get(&format!("{path}/best")).await, 500, "internal").await;
}
