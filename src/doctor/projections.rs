//! That trials, curves, segments and answers are what the log says, by a replay of each.

use super::{Finding, Opened, finding::or_ok};
use crate::{
    counting::count,
    driver::{DriverError, Projected},
    store::{CurveRow, RowRange, SegmentRow, StoreError, SweepRow, TrialRow},
    upcast,
};
use floodgauge_protocol::{Digest, TrialKey};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How often to read a sweep anew whose log grows meanwhile.
const TRIES: usize = 20;

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let sweeps = of.sweeps().await?;
    let mut found = vec![];
    for sweep in &sweeps {
        found.extend(of_sweep(of, sweep).await?);
    }
    Ok(or_ok(found, || match sweeps.len() {
        0 => "there are no sweeps yet".into(),
        1 => "the log of 1 sweep replays to what is stored of it".into(),
        sweeps => format!("the logs of {sweeps} sweeps replay to what is stored of them"),
    }))
}

/// What is stored of a sweep beside its log.
struct Stored {
    row: SweepRow,
    trials: Vec<TrialRow>,
    kept: BTreeMap<TrialKey, BTreeSet<Digest>>,
    curves: Vec<CurveRow>,
    segments: Vec<SegmentRow>,
}

async fn of_sweep(of: &Opened<'_>, listed: &SweepRow) -> anyhow::Result<Option<Finding>> {
    let (id, name) = (listed.sweep, &listed.name);
    for _ in 0..TRIES {
        let Some((stored, projected)) = read(of, listed).await? else { return Ok(None) };
        let projected = match projected {
            Ok(projected) => projected,
            // The versions are looked at apart.
            Err(DriverError::Version { .. }) => return Ok(None),
            Err(DriverError::Store(error)) => return Err(error.into()),
            Err(error) => {
                return Ok(Some(Finding::fail(
                    format!("sweep {id} (`{name}`) can't be replayed: {error}"),
                    "restore the database from a backup, or cancel and delete the sweep (`floodgauge cancel`, `delete`)",
                )));
            }
        };
        let head = of.store.sweep(id).await?.map(|row| row.head_seq);
        if head != Some(stored.row.head_seq) {
            // It is being worked on.
            continue;
        }
        let wrong = if projected.seq == stored.row.head_seq {
            differences(&stored, &projected)
        } else {
            let (ends, head) = (projected.seq, stored.row.head_seq);
            vec![format!(
                "the log ends at entry {ends}, and should at {head}: what followed is lost"
            )]
        };
        if wrong.is_empty() {
            return Ok(None);
        }
        let finding = Finding::fail(
            format!(
                "what is stored of sweep {id} (`{name}`) differs from its log: {}",
                wrong.join(", ")
            ),
            "stop the server and run `floodgauge doctor --repair`, which writes what is stored anew \
             from the log",
        );
        if !of.patient.repair {
            return Ok(Some(finding));
        }
        let rebuilt = async {
            of.store.rebuild(stored.row.head_seq, projected.rebuilt(id)?).await?;
            Ok("it was written anew from its log".to_owned())
        };
        return Ok(Some(finding.after(rebuilt.await)));
    }
    Ok(None)
}

/// Reads a sweep both ways; none if it is gone.
async fn read(
    of: &Opened<'_>,
    listed: &SweepRow,
) -> Result<Option<(Stored, Result<Projected, DriverError>)>, StoreError> {
    let sweep = listed.sweep;
    let Some(row) = of.store.sweep(sweep).await? else { return Ok(None) };
    let stored = Stored {
        trials: of.store.trials(sweep).await?,
        kept: of.store.kept(sweep).await?,
        curves: of.store.curves(sweep, RowRange::default(), u32::MAX).await?,
        segments: of.store.segment_rows(sweep).await?,
        row,
    };
    let mut projected = Projected::of(&of.reader, sweep).await;
    if let (true, Ok(projected)) = (stored.row.checkpoints_dropped, &mut projected) {
        projected.drop_checkpoints();
    }
    Ok(Some((stored, projected)))
}

/// How what is stored differs from what the log says, in words.
fn differences(stored: &Stored, projected: &Projected) -> Vec<String> {
    let row = &stored.row;
    let facts = projected.state.facts();
    let mut wrong = vec![];
    if row.status != projected.state.status() {
        let is = projected.state.status().as_str();
        wrong.push(format!("it is {is}, not {}", row.status.as_str()));
    }
    let spec = row.read_spec().ok();
    let space = row.read_space().ok();
    if spec.as_ref() != Some(facts.spec())
        || space.as_ref() != Some(facts.space())
        || row.grown_seq != projected.grown_seq
    {
        wrong.push("recipe or arms differ".into());
    }
    if let Some(best) = of_best(row, projected) {
        wrong.push(best);
    }
    let trials = stored.trials.iter().map(|trial| (trial.trial, told(trial)));
    let expected = projected.trials.iter().map(|(key, trial)| (*key, told(trial)));
    wrong.extend(compare(trials, expected, |n| count(n, "trial")));
    let kept = stored.kept.clone().into_iter();
    wrong.extend(compare(kept, projected.kept.clone().into_iter(), |n| {
        format!("kept checkpoints of {}", count(n, "trial"))
    }));
    let rows = stored.curves.iter().map(|row| ((row.trial, row.epoch), row));
    let expected = projected.rows.iter().map(|(key, row)| (*key, row));
    wrong.extend(compare(rows, expected, |n| count(n, "epoch")));
    let segments = stored.segments.iter().map(|row| (row.id, (row.segment.as_ref(), row.is_open)));
    let expected = projected.segments.iter();
    let expected = expected.map(|(id, of)| (*id, (Some(&of.segment), of.is_open)));
    wrong.extend(compare(segments, expected, |n| count(n, "segment")));
    wrong
}

/// A trial without the words of why it ended, which may change with a release.
fn told(trial: &TrialRow) -> TrialRow {
    TrialRow { reason: None, kept: None, ..trial.clone() }
}

/// How many are missing, superfluous and different.
fn compare<K: Ord, V: PartialEq>(
    stored: impl Iterator<Item = (K, V)>,
    expected: impl Iterator<Item = (K, V)>,
    words: impl Fn(usize) -> String,
) -> Vec<String> {
    let stored: BTreeMap<K, V> = stored.collect();
    let expected: BTreeMap<K, V> = expected.collect();
    let missing = expected.keys().filter(|key| !stored.contains_key(key)).count();
    let extra = stored.keys().filter(|key| !expected.contains_key(key)).count();
    let other = expected
        .iter()
        .filter(|(key, value)| stored.get(key).is_some_and(|stored| stored != *value));
    let counts = [(missing, "missing"), (extra, "superfluous"), (other.count(), "different")];
    let counts = counts.into_iter().filter(|(n, _)| *n > 0);
    counts.map(|(n, how)| format!("{} {how}", words(n))).collect()
}

/// What is otherwise of the answer in lists: the figures that a wording stands on may change with a
/// release, which arm it is and what that came to may not.
fn of_best(row: &SweepRow, projected: &Projected) -> Option<String> {
    let arms = &projected.state.facts().space().arms;
    let now = match projected.seq {
        0 | 1 => None,
        _ => serde_json::to_value(projected.state.best()).ok(),
    };
    let stored = row.best.as_ref().map(|best| upcast::arms(best, arms).into_owned());
    let chosen =
        |best: &Value| [&best["best"]["arm"], &best["best"]["objective"]].map(Clone::clone);
    let (stored, now) = (stored.as_ref().map(chosen), now.as_ref().map(chosen));
    (stored != now).then(|| "the answer shown in lists differs".into())
}
