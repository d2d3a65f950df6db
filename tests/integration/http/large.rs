//! Sweeps and reports as large as the bounds allow: they go in, on both databases, within the time that
//! a request may take.

use super::{
    server::Server,
    worker::{claim, post},
};
use crate::support::{TestDatabase, on_both_databases};
use floodgauge_protocol::work::Assignment;
use reqwest::StatusCode;
use serde_json::{Value, json};

on_both_databases! {
    a_report_of_500_epochs_of_191_arms_goes_in,
    a_sweep_of_19_100_trials_is_taken_and_cancelled,
}

/// Plain and 190 levels, which share its run until they are crossed.
fn wide(name: &str, seeds: u32, epochs: u32) -> Value {
    json!({
        "name": name,
        "recipe": { "dataset": { "name": "spiral" }, "batch_size": 50, "epochs": epochs },
        "search": { "levels": { "from": 0.001, "to": 0.19, "step": 0.001 },
                    "seeds": (0..seeds).collect::<Vec<_>>() },
        "scheduler": { "kind": "grid" }
    })
}

async fn over(db: &TestDatabase) -> Server {
    Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await
}

/// Rows of so many epochs from the first on, each of all arms of the segment's only run.
fn shared_rows(work: &Assignment, epochs: u32) -> Vec<Value> {
    let (steps, arms) = (work.recipe.steps_per_epoch(), &work.segment.branches[0].arms);
    let row = |epoch: u32| {
        let loss = 2.0 / f64::from(epoch);
        json!({ "arms": arms, "epoch": epoch, "step": u64::from(epoch) * steps, "train_loss": loss,
                "metrics": { "val_loss": loss, "val_error": 0.25 } })
    };
    (1..=epochs).map(row).collect()
}

async fn a_report_of_500_epochs_of_191_arms_goes_in(db: TestDatabase) {
    let server = over(&db).await;
    server.submit(&wide("wide", 1, 5_000)).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let rows = shared_rows(&work, 500);
    for _ in 0..2 {
        let answer = post(&server, &work, "reports", &json!({ "rows": rows })).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }
    let trials = db.store.trials(work.sweep).await.unwrap();
    assert_eq!(trials.len(), 191);
    assert!(trials.iter().all(|trial| trial.epochs == 500));
    for trial in [&trials[0], &trials[190]] {
        let curve = db.store.curve(work.sweep, trial.trial, 1_000).await.unwrap();
        let epochs: Vec<_> = curve.iter().map(|row| (row.epoch, row.step)).collect();
        let steps = work.recipe.steps_per_epoch();
        let expected: Vec<_> = (1..=500).map(|epoch| (epoch, u64::from(epoch) * steps)).collect();
        assert_eq!(epochs, expected, "each row once, in order");
    }
}

async fn a_sweep_of_19_100_trials_is_taken_and_cancelled(db: TestDatabase) {
    let server = over(&db).await;
    let sweep = server.submit(&wide("large", 100, 100)).await;
    let id = sweep.parse().unwrap();
    assert_eq!(db.store.trials(id).await.unwrap().len(), 19_100);
    assert_eq!(db.store.depths().await.unwrap().queued, 100, "a segment for each seed's run");
    let cancelled = server.post(&format!("/v1/sweeps/{sweep}/cancel"), &json!({})).await;
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    assert_eq!(db.store.open_work(id).await.unwrap(), []);
}
