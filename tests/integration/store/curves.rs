//! Trials and their reported epochs.

use super::fixture::{
    append, append_under, create, create_with, guard, leased, new_sweep, segment, trial, trial_at,
};
use crate::support::{TestDatabase, all_rows, on_both_databases};
use floodgauge::{
    scheduler::TrialStatus,
    store::{BlobRow, CurveRow, Effects, RowRange, RowUpdate, TrialUpdate},
};
use floodgauge_protocol::{ArmIx, Digest, Metric, MetricValues, work::Diagnostics};

on_both_databases! {
    every_bit_of_a_metric_survives,
    diagnostics_survive_where_there_are_any,
    rows_come_by_family_then_arm_then_epoch,
    rows_are_read_on_from_any_of_them,
    one_trials_rows_come_by_epoch_and_of_many_a_few,
    a_report_of_ten_thousand_rows_is_one_commit,
    a_trial_is_made_and_then_changed,
    of_two_words_on_a_trial_in_one_commit_the_last_counts,
}

async fn every_bit_of_a_metric_survives(db: TestDatabase) {
    let metrics = [
        0.0,
        -0.0,
        1.0,
        -3.0,
        0.1,
        1.0 / 3.0,
        f64::from_bits(1),
        f64::MIN_POSITIVE / 3.0,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::EPSILON,
        9_007_199_254_740_993.0,
        f64::from(0.1_f32),
    ];
    let diverged = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let metrics = metrics.into_iter().map(Metric::Finite).chain(diverged.map(Metric::from));
    let rows: Vec<RowUpdate> = (1..)
        .zip(metrics)
        .map(|(epoch, metric)| RowUpdate { train_loss: metric, ..row(0, 0, epoch) })
        .collect();
    let back = written(&db, rows.clone()).await;
    let bits = |rows: &[CurveRow]| -> Vec<Option<u64>> {
        rows.iter().map(|row| row.train_loss.finite().map(f64::to_bits)).collect()
    };
    assert_eq!(bits(&back), bits(&rows));
    assert_eq!(back, rows);
}

async fn diagnostics_survive_where_there_are_any(db: TestDatabase) {
    let diagnostics = |epoch, grad_norm: f64, ascending, flooded_steps| {
        let grad_norm = Metric::from(grad_norm);
        let diagnostics = Some(Diagnostics { grad_norm, ascending, flooded_steps });
        RowUpdate { diagnostics, ..row(0, 0, epoch) }
    };
    let rows = vec![
        diagnostics(1, 0.1, 0.0, 0),
        diagnostics(2, f64::NAN, 1.0 / 3.0, 7),
        row(0, 0, 3),
        diagnostics(4, -0.0, 1.0, 8),
    ];
    let back = written(&db, rows.clone()).await;
    assert_eq!(back, rows);
    let zero = back[3].diagnostics.unwrap().grad_norm.finite().unwrap();
    assert_eq!(zero.to_bits(), (-0.0_f64).to_bits());
}

async fn rows_come_by_family_then_arm_then_epoch(db: TestDatabase) {
    let ordered: Vec<RowUpdate> = [(0, 2, 1), (0, 2, 2), (0, 2, 10), (0, 10, 1), (1, 0, 1)]
        .map(|(family, arm, epoch)| row(family, arm, epoch))
        .into();
    let shuffled = [3, 0, 4, 2, 1].map(|ix: usize| ordered[ix].clone()).into();
    assert_eq!(written(&db, shuffled).await, ordered);
}

async fn rows_are_read_on_from_any_of_them(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let other = create(&db.store, new_sweep("other")).await;
    let keys = [(0, 0, 1), (0, 0, 2), (0, 2, 1), (0, 300, 1), (1, 0, 1), (1, 0, 2), (260, 1, 1)];
    let rows = keys.map(|(family, arm, epoch)| row(family, arm, epoch));
    for sweep in [sweep, other] {
        let rows = rows.clone().into();
        append(&db.store, sweep, Effects { rows, ..Effects::default() }).await;
    }
    for at_once in [1, 2, 3, 7, 100] {
        assert_eq!(all_rows(&db.store, sweep, at_once).await, rows, "{at_once} at once");
    }
    let of = async |after, to| {
        let range = RowRange { after, to };
        db.store.curves(sweep, range, 100).await.unwrap()
    };
    let absent = Some((trial(0, 1), 7));
    assert_eq!(of(absent, None).await, rows[2..], "a row that isn't there has a place too");
    assert_eq!(of(None, absent).await, rows[..2]);
    assert_eq!(of(Some((trial(0, 0), 1)), Some((trial(1, 0), 1))).await, rows[1..5]);
    assert_eq!(of(Some((trial(1, 0), 1)), Some((trial(1, 0), 2))).await, rows[5..6]);
    assert_eq!(of(Some((trial(300, 0), 0)), None).await, []);
}

async fn one_trials_rows_come_by_epoch_and_of_many_a_few(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let others = [(0, 1, 1), (1, 3, 1), (1, 3, 2)];
    let mut rows: Vec<_> =
        others.iter().map(|&(family, arm, epoch)| row(family, arm, epoch)).collect();
    rows.extend((1..=301).rev().map(|epoch| row(1, 2, epoch)));
    append(&db.store, sweep, Effects { rows, ..Effects::default() }).await;
    let epochs = async |trial, most| {
        let rows = db.store.curve(sweep, trial, most).await.unwrap();
        assert!(rows.iter().all(|row| row.trial == trial));
        rows.iter().map(|row| row.epoch).collect::<Vec<_>>()
    };
    assert_eq!(epochs(trial(1, 2), 301).await, (1..=301).collect::<Vec<_>>());
    assert_eq!(epochs(trial(1, 2), 4).await, [1, 101, 201, 301]);
    assert_eq!(epochs(trial(1, 3), 60).await, [1, 2]);
    assert_eq!(epochs(trial(0, 0), 60).await, [] as [u32; 0]);
}

async fn a_report_of_ten_thousand_rows_is_one_commit(db: TestDatabase) {
    let rows: Vec<RowUpdate> = (1..=10_000).map(|epoch| row(0, 0, epoch)).collect();
    assert_eq!(written(&db, rows.clone()).await, rows);
}

async fn a_trial_is_made_and_then_changed(db: TestDatabase) {
    use TrialStatus::{Active, Cancelled, Completed, Diverged, Dormant, Failed, Pruned};
    let sweep = create_with(&db.store, vec![segment(0)]).await;
    let lease = leased(&db.store, "w").await;
    let all = [Dormant, Active, Pruned, Completed, Diverged, Failed, Cancelled];
    let made: Vec<TrialUpdate> =
        (0..).zip(all).map(|(arm, status)| TrialUpdate { status, ..trial_at(arm, None) }).collect();
    append(&db.store, sweep, Effects { trials: made.clone(), ..Effects::default() }).await;
    assert_eq!(db.store.trials(sweep).await.unwrap(), made);

    let changed = TrialUpdate {
        trial: trial(0, 1),
        status: Pruned,
        epochs: 33,
        onset_step: Some(910),
        checkpoint: Some(Digest([7; 32])),
        kept: None,
        reason: Some("pruned at rung 1: 1.23 is rank 5 of 9".into()),
    };
    let checkpoint = BlobRow { digest: Digest([7; 32]), size: 1_000 };
    db.store.add_blob(lease.lease, checkpoint).await.unwrap();
    let effects = Effects { trials: vec![changed.clone()], ..Effects::default() };
    append_under(&db.store, sweep, guard(&lease), effects).await.unwrap();
    let trials = db.store.trials(sweep).await.unwrap();
    assert_eq!((trials.len(), &trials[1]), (7, &changed));

    // A state is written whole: what it lacks is gone.
    append(&db.store, sweep, Effects { trials: made.clone(), ..Effects::default() }).await;
    assert_eq!(db.store.trials(sweep).await.unwrap(), made);
}

async fn of_two_words_on_a_trial_in_one_commit_the_last_counts(db: TestDatabase) {
    let sweep = create(&db.store, new_sweep("digits")).await;
    let last = TrialUpdate { status: TrialStatus::Completed, ..trial_at(0, None) };
    let trials = vec![trial_at(0, Some(Digest([1; 32]))), last.clone()];
    append(&db.store, sweep, Effects { trials, ..Effects::default() }).await;
    assert_eq!(db.store.trials(sweep).await.unwrap(), vec![last]);
}

/// Writes rows in one commit and reads them back.
async fn written(db: &TestDatabase, rows: Vec<RowUpdate>) -> Vec<CurveRow> {
    let sweep = create(&db.store, new_sweep("digits")).await;
    append(&db.store, sweep, Effects { rows, ..Effects::default() }).await;
    all_rows(&db.store, sweep, 999).await
}

fn row(family: u16, arm: u16, epoch: u32) -> RowUpdate {
    RowUpdate {
        trial: trial(family, arm),
        epoch,
        step: u64::from(epoch) * 20,
        train_loss: Metric::Finite(1.5),
        metrics: MetricValues::validation(Metric::Finite(0.1 + f64::from(epoch)), Metric::Diverged),
        branch: ArmIx(arm / 2),
        diagnostics: None,
    }
}
