//! What is stored of a sweep beside what its log says: read by pages, and compared row by row.

use crate::{
    counting::count,
    doctor::Opened,
    driver::Projected,
    store::{RowRange, StoreError, SweepRow, TrialRow},
    upcast,
    verdict::{ArmOutlook, Best},
};
use floodgauge_protocol::TrialKey;
use serde_json::Value;

/// Epochs that are read at once: half a MiB or so.
const EPOCHS_AT_ONCE: u32 = 1_000;

/// Segments that are read at once. One of the largest takes some 20 KiB.
const SEGMENTS_AT_ONCE: u32 = 100;

/// How what is stored differs from what the log says, in words.
pub(super) async fn differences(
    of: &Opened<'_>,
    row: &SweepRow,
    projected: &Projected,
) -> Result<Vec<String>, StoreError> {
    let mut wrong = of_row(row, projected);
    wrong.extend(of_trials(of, row, projected).await?);
    wrong.extend(of_epochs(of, row, projected).await?);
    wrong.extend(of_segments(of, row, projected).await?);
    Ok(wrong)
}

/// What has to be compared of rows that are told apart by a key, as they come.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    known: usize,
    extra: usize,
    other: usize,
}

impl Tally {
    /// Takes a stored row in, by whether it is the one of the log; none where the log has none.
    fn take(&mut self, is_same: Option<bool>) {
        match is_same {
            Some(is_same) => {
                self.known += 1;
                self.other += usize::from(!is_same);
            }
            None => self.extra += 1,
        }
    }

    /// How many are missing, superfluous and different, where the log has so many.
    fn told(self, expected: usize, words: impl Fn(usize) -> String) -> Vec<String> {
        let missing = expected.saturating_sub(self.known);
        let counts = [(missing, "missing"), (self.extra, "superfluous"), (self.other, "different")];
        let counts = counts.into_iter().filter(|(n, _)| *n > 0);
        counts.map(|(n, how)| format!("{} {how}", words(n))).collect()
    }
}

/// The sweep itself.
fn of_row(row: &SweepRow, projected: &Projected) -> Vec<String> {
    let facts = projected.state().facts();
    let mut wrong = vec![];
    if row.status != projected.state().status() {
        let is = projected.state().status().as_str();
        wrong.push(format!("it is {is}, not {}", row.status.as_str()));
    }
    if row.read_spec().ok().as_ref() != Some(facts.spec())
        || row.read_space().ok().as_ref() != Some(facts.space())
        || row.grown_seq != projected.grown_seq
    {
        wrong.push("recipe or arms differ".into());
    }
    wrong.extend(of_best(row, projected));
    wrong
}

/// Its trials, and what they keep.
async fn of_trials(
    of: &Opened<'_>,
    row: &SweepRow,
    projected: &Projected,
) -> Result<Vec<String>, StoreError> {
    let mut trials = Tally::default();
    for stored in of.store.trials(row.sweep).await? {
        let of_log = projected.trial(stored.trial);
        trials.take(of_log.map(|of_log| told(stored) == told(of_log)));
    }
    let mut wrong = trials.told(projected.trial_count(), |n| count(n, "trial"));
    let mut kept = Tally::default();
    for (trial, stored) in of.store.kept(row.sweep).await? {
        kept.take(projected.kept(trial).map(|of_log| stored == of_log));
    }
    wrong.extend(
        kept.told(projected.kept_count(), |n| format!("kept checkpoints of {}", count(n, "trial"))),
    );
    Ok(wrong)
}

/// A trial without the words of why it ended, which may change with a release.
fn told(trial: TrialRow) -> TrialRow {
    TrialRow { reason: None, kept: None, ..trial }
}

/// Its epochs.
async fn of_epochs(
    of: &Opened<'_>,
    row: &SweepRow,
    projected: &Projected,
) -> Result<Vec<String>, StoreError> {
    let (mut epochs, mut after) = (Tally::default(), None);
    // Behind the last that there should be, there may be others.
    let ends = ends(projected.epochs.extents()).into_iter().map(Some).chain([None]);
    for to in ends {
        loop {
            let range = RowRange { after, to };
            let page = of.store.curves(row.sweep, range, EPOCHS_AT_ONCE).await?;
            page.iter().for_each(|stored| epochs.take(projected.epochs.is_reported(stored)));
            after = page.last().map(|last| (last.trial, last.epoch)).or(after);
            if page.len() < EPOCHS_AT_ONCE as usize {
                break;
            }
        }
        after = to;
    }
    Ok(epochs.told(projected.epochs.count(), |n| count(n, "epoch")))
}

/// Where ranges of epochs end that are read one after another: of trials with a page in all, or of one that
/// has more.
fn ends(extents: impl Iterator<Item = (TrialKey, usize)>) -> Vec<(TrialKey, u32)> {
    let (mut ends, mut last, mut epochs) = (vec![], None, 0);
    for (trial, more) in extents {
        if epochs > 0 && epochs + more > EPOCHS_AT_ONCE as usize {
            ends.extend(last.replace(trial));
            epochs = 0;
        }
        (last, epochs) = (Some(trial), epochs + more);
    }
    ends.extend(last);
    ends.into_iter().map(|trial| (trial, u32::MAX)).collect()
}

/// Its segments.
async fn of_segments(
    of: &Opened<'_>,
    row: &SweepRow,
    projected: &Projected,
) -> Result<Vec<String>, StoreError> {
    let (mut segments, mut after) = (Tally::default(), None);
    loop {
        let page = of.store.segment_rows(row.sweep, after, SEGMENTS_AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for stored in &page {
            let of_log = projected.segment(stored.id);
            let stored = (stored.segment.as_ref(), stored.is_open);
            segments.take(of_log.map(|(of_log, is_open)| stored == (Some(of_log), is_open)));
        }
    }
    Ok(segments.told(projected.segment_count(), |n| count(n, "segment")))
}

/// What is otherwise of the answer in lists: the arm that is named and the figures that a wording stands on may
/// change with a release, whether there is an answer and what an arm came to may not.
fn of_best(row: &SweepRow, projected: &Projected) -> Option<String> {
    let state = projected.state();
    let now = (projected.seq() > 1).then(|| state.best());
    let arms = &state.facts().space().arms;
    let stored = row.best.as_ref().map(|best| upcast::arms(best, arms).into_owned());
    let differs = match (&stored, &now) {
        // Of what an earlier version stored, lists ask the log.
        (Some(stored), Some(now))
            if stored["before_extension"]
                .as_bool()
                .is_some_and(|is| is != now.before_extension) =>
        {
            true
        }
        (Some(stored), Some(now)) => {
            let seeds = state.facts().spec().search.seeds.len();
            came_to(now, seeds, &stored["best"])
                .is_some_and(|now| now != stored["best"]["objective"])
        }
        (stored, now) => stored.is_some() != now.is_some(),
    };
    differs.then(|| "the answer shown in lists differs".into())
}

/// What the arm came to that a stored answer names, as JSON; none unless all `seeds` trained it to the end.
fn came_to(now: &Best, seeds: usize, named: &Value) -> Option<Value> {
    let is_it = |of: &&ArmOutlook| {
        named["arm"] == of.arm.ix.0 && named["weight_decay"].as_f64() == Some(of.weight_decay)
    };
    let of = now.probabilities.iter().find(is_it).filter(|of| of.seeds as usize == seeds)?;
    serde_json::to_value(of.objective?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::{ArmIx, FamilyIx};

    #[test]
    fn rows_are_missing_superfluous_or_different() {
        let mut tally = Tally::default();
        [Some(true), Some(false), None, Some(true)].into_iter().for_each(|row| tally.take(row));
        assert_eq!(tally, Tally { known: 3, extra: 1, other: 1 });
        let told = tally.told(5, |n| count(n, "trial"));
        assert_eq!(told, ["2 trials missing", "1 trial superfluous", "1 trial different"]);
        assert!(Tally { known: 5, extra: 0, other: 0 }.told(5, |n| count(n, "trial")).is_empty());
    }

    #[test]
    fn a_range_of_epochs_is_a_page_or_one_trial_and_all_trials_are_in_one() {
        let trial = |arm| TrialKey::new(FamilyIx(0), ArmIx(arm));
        let ends_of = |epochs: &[usize]| {
            let extents = (0..).zip(epochs).map(|(arm, epochs)| (trial(arm), *epochs));
            ends(extents).into_iter().map(|(trial, _)| trial.arm.0).collect::<Vec<_>>()
        };
        assert!(ends_of(&[]).is_empty());
        assert_eq!(ends_of(&[500, 500]), [1]);
        assert_eq!(ends_of(&[500, 501]), [0, 1]);
        assert_eq!(ends_of(&[1, 70_000, 1]), [0, 1, 2]);
        assert_eq!(ends_of(&[400; 7]), [1, 3, 5, 6]);
    }
}
