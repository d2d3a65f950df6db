//! States saved on the way are those in which the segment would have ended, had it been cut there.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Recorder, World};
use floodgauge_protocol::{
    ArmIx, Branch, Digest, Method, Recipe, Start,
    work::{BestEpoch, Minimum, ReportRow, Stop, Waypoint},
};
use floodgauge_worker::cohort::{Ended, Progress};
use proptest::prelude::*;
use std::collections::BTreeSet;

const PER_EPOCH: u64 = 7;
const EPOCHS: u32 = 6;

fn recipe() -> Recipe {
    let text = format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.4, "n_train": 203, "n_val": 50}},
            "model": {{"kind": "mlp", "hidden": [24], "batch_norm": true}},
            "optimizer": {{"kind": "sgd", "lr": 0.2, "momentum": 0.9}},
            "batch_size": 32, "epochs": {EPOCHS}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// Plain, and the levels 2.0, 1.9, … 0.2; every fourth is trained, the others lie dormant.
fn world(seed: u32) -> World {
    let levels = (0..19).map(|i| Method::Flood { b: 2.0 - 0.1 * f64::from(i) });
    let arms: Vec<_> = [Method::Plain].into_iter().chain(levels).collect();
    World::new(&recipe(), seed, &arms)
}

fn branches(exposure: Option<u32>) -> Vec<Branch> {
    let ids = |wanted: fn(u16) -> bool| (0..20).filter(|&arm| wanted(arm)).map(ArmIx).collect();
    let trained = Branch::new(ids(|arm| arm % 4 == 0), Start::Init);
    vec![Branch { watch: ids(|arm| arm % 4 != 0), exposure, ..trained }]
}

/// Saves after some of the epochs.
struct Saver {
    after: BTreeSet<u32>,
    epoch: u32,
    rows: Recorder,
    saved: Vec<(u32, Vec<Ended>)>,
}

impl Progress for Saver {
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop> {
        self.epoch = rows[0].epoch;
        self.rows.epoch(rows)
    }

    fn saves(&self) -> bool {
        self.after.contains(&self.epoch)
    }

    fn saved(&mut self, runs: Vec<Ended>) {
        self.saved.push((self.epoch, runs));
    }
}

/// What is known of an arm from all that was saved or handed in.
fn known(saved: &[&[Ended]], arm: ArmIx) -> (Option<u64>, Option<(BestEpoch, Digest)>, u64) {
    let of_arm = |runs: &&[Ended]| {
        runs.iter().find(|run| run.branch.arms.contains(&arm)).map(|run| run.branch.clone())
    };
    let all: Vec<_> = saved.iter().filter_map(of_arm).collect();
    let last = all.last().unwrap();
    let best = all.iter().rev().find_map(|branch| branch.best);
    (last.onset_step, best.zip(last.checkpoint), last.step)
}

/// The log of minima and the waypoints of the trunk, as a server joins them.
fn trunk(saved: &[&[Ended]]) -> (Vec<Minimum>, Vec<Waypoint>) {
    let (mut minima, mut waypoints): (Vec<Minimum>, Vec<Waypoint>) = (vec![], vec![]);
    let mut best = None;
    for run in saved.iter().flat_map(|runs| runs.iter()) {
        if !run.branch.arms.contains(&ArmIx::PLAIN) {
            continue;
        }
        for minimum in &run.branch.minima {
            if minima.last().is_none_or(|least| minimum.loss < least.loss) {
                minima.push(*minimum);
            }
        }
        let whole = |saved: &Waypoint| Waypoint { best: saved.best.or(best), ..*saved };
        waypoints.extend(run.branch.waypoints.iter().map(whole));
        best = run.branch.best.or(best);
    }
    (minima, waypoints)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_saved_is_how_the_segment_would_have_ended_there(
        seed in 0u32..100,
        after in proptest::collection::btree_set(1..EPOCHS, 1..4),
        exposure in proptest::option::of(1u32..4),
    ) {
        let mut world = world(seed);
        let mut saver =
            Saver { after: after.clone(), epoch: 0, rows: Recorder::default(), saved: vec![] };
        let ended = world.run(0..PER_EPOCH * u64::from(EPOCHS), branches(exposure), &mut saver);
        let times: Vec<_> = saver.saved.iter().map(|(epoch, _)| *epoch).collect();
        prop_assert_eq!(&times, &after.into_iter().take(times.len()).collect::<Vec<_>>());
        let mut saved: Vec<&[Ended]> = vec![];
        let all = saver.saved.iter().map(|(epoch, runs)| (*epoch, runs));
        for (epoch, runs) in all.chain([(EPOCHS, &ended)]) {
            let uploaded =
                |run: &Ended| run.branch.checkpoints().all(|digest| run.blobs.contains_key(&digest));
            prop_assert!(runs.iter().all(uploaded));
            saved.push(runs);
            let mut rows = Recorder::default();
            let cut = world.run(0..PER_EPOCH * u64::from(epoch), branches(exposure), &mut rows);
            for arm in cut.iter().flat_map(|run| run.branch.arms.clone()) {
                prop_assert_eq!(known(&saved, arm), known(&[&cut], arm), "{:?}", arm);
            }
            prop_assert_eq!(trunk(&saved), trunk(&[&cut]));
            if epoch == EPOCHS {
                prop_assert_eq!(&saver.rows.rows, &rows.rows);
            }
        }
    }
}
