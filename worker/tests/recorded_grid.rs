//! Our trainer against an independent one: same recipe, other random numbers.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Recorder, train};
use floodgauge_protocol::{Method, SweepSpec};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    arms: Vec<RecordedArm>,
}

#[derive(Deserialize)]
struct RecordedArm {
    level: Option<f64>,
    closing_val_loss: Vec<f64>,
    onset_epoch: Vec<Option<f64>>,
}

/// The epochs at the end of a run over which a figure is averaged.
const CLOSING: u32 = 10;

#[test]
fn closing_losses_and_onsets_agree_with_the_recorded_grid() {
    let recorded: Recorded =
        serde_json::from_str(include_str!("data/digits-mlp-noise20.json")).unwrap();
    let sweep: SweepSpec = toml::from_str(include_str!("../../examples/digits.toml")).unwrap();
    let recipe = sweep.recipe;
    let arms: Vec<_> = recorded
        .arms
        .iter()
        .map(|arm| arm.level.map_or(Method::Plain, |b| Method::Flood { b }))
        .collect();
    let mut losses = vec![Vec::new(); arms.len()];
    let mut onsets = vec![Vec::new(); arms.len()];
    for seed in 0..5 {
        let mut recorder = Recorder::default();
        let ended = train(&recipe, seed, &arms, &mut recorder);
        for arm in 0..arms.len() {
            let curve = recorder.rows.iter().filter(|row| row.arms[0].ix() == arm);
            let closing = curve.filter(|row| row.epoch > recipe.epochs - CLOSING);
            let sum: f64 = closing.map(|row| row.val_loss.finite().unwrap()).sum();
            losses[arm].push(sum / f64::from(CLOSING));
            let onset = ended[arm].branch.onset_step;
            onsets[arm].extend(onset.map(|step| step as f64 / recipe.steps_per_epoch() as f64));
        }
    }
    for (arm, theirs) in recorded.arms.iter().enumerate() {
        agree(&format!("closing loss of {}", arms[arm]), &losses[arm], &theirs.closing_val_loss);
        let recorded_onsets: Vec<f64> = theirs.onset_epoch.iter().copied().flatten().collect();
        assert_eq!(onsets[arm].len(), recorded_onsets.len());
        if theirs.level.is_some() {
            agree(&format!("onset of {}", arms[arm]), &onsets[arm], &recorded_onsets);
        }
    }
}

/// The means lie within 2.5 standard errors of their difference.
fn agree(what: &str, ours: &[f64], theirs: &[f64]) {
    let ((our_mean, our_error), (their_mean, their_error)) = (mean(ours), mean(theirs));
    let z = (our_mean - their_mean) / our_error.hypot(their_error);
    println!(
        "{what}: {our_mean:.4} ± {our_error:.4}, recorded {their_mean:.4} ± {their_error:.4}, z {z:+.2}"
    );
    assert!(z.abs() < 2.5, "{what}: {our_mean:.4} against {their_mean:.4}, z {z:+.2}");
}

/// The mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
