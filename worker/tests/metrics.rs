//! What workers measure beside the validation set.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Recorder, World, with_schedule};
use floodgauge_protocol::{ArmIx, Branch, Method, MetricName, Recipe, Start};

const PER_EPOCH: u64 = 4;

/// The learning rate after each of four epochs, trained in two segments.
fn rates(schedule: &str) -> Vec<f64> {
    let optimizer = with_schedule(r#""kind": "sgd", "lr": 0.5"#, schedule);
    let recipe: Recipe = serde_json::from_str(&format!(
        r#"{{"dataset": {{"name": "spiral", "n_train": 40, "n_val": 20}}, "batch_size": 10,
             "model": {{"kind": "mlp", "hidden": [4]}}, "optimizer": {optimizer}, "epochs": 4}}"#
    ))
    .unwrap();
    let mut world = World::new(&recipe, 0, &[Method::Plain]);
    let mut recorder = Recorder::default();
    let first = Branch::new(vec![ArmIx(0)], Start::Init);
    let ended = world.run(0..PER_EPOCH, vec![first], &mut recorder);
    world.run(PER_EPOCH..4 * PER_EPOCH, common::resume(&ended), &mut recorder);
    let rate = |row: &floodgauge_protocol::work::ReportRow| row.metric(MetricName::lr()).finite();
    recorder.rows.iter().map(|row| rate(row).unwrap()).collect()
}

#[test]
fn the_learning_rate_is_that_of_the_epochs_last_step() {
    assert_eq!(rates(r#"{"kind": "constant"}"#), [0.5; 4]);
    assert_eq!(rates(r#"{"kind": "step", "every": 2, "factor": 0.5}"#), [0.5, 0.5, 0.25, 0.25]);
    let cosine = rates(r#"{"kind": "cosine"}"#);
    assert!(cosine.is_sorted_by(|a, b| a > b), "{cosine:?}");
    assert!(cosine[0] < 0.5 && cosine[3] > 0.0, "{cosine:?}");
}
