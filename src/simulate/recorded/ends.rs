//! Where arms end that diverged.

use super::RecordedRun;
use crate::{export::MetricBits, simulate::Divergence};
use floodgauge_protocol::{Metric, Metrics};

/// Where each arm of a run diverged, if it did; none if an arm's curves end early otherwise, or at several epochs.
/// Only the training loss and what can be compared count: whatever else is measured may be missing.
///
/// Curves of an arm that diverged end before the others', or have a training loss that isn't finite from there on.
/// Arms before their onset are the plain run, which is trained to the end.
pub(super) fn of(
    run: &RecordedRun,
    declared: &Metrics,
    epochs: u32,
    may_end_early: bool,
) -> Option<Vec<Option<Divergence>>> {
    let compared: Vec<_> =
        declared.compared().filter_map(|metric| run.metrics.get(&metric.name)).collect();
    let end = |arm: usize| {
        let losses = run.train_loss.get(arm)?;
        let length = losses.len();
        if compared.iter().any(|curves| curves.get(arm).is_none_or(|curve| curve.len() != length)) {
            return None;
        }
        let trained = losses.iter().rposition(|loss| is_finite(*loss)).map_or(0, |last| last + 1);
        let values = compared.iter().filter_map(|curves| curves[arm].get(trained.checked_sub(1)?));
        let is_shown = trained > 0 && !values.copied().all(is_finite);
        let end = divergence(run, arm, trained as u32, is_shown);
        match length == epochs as usize {
            // A plain run without finite losses, or an arm that is one, is read as it stands there.
            true => Some(end.filter(|_| trained < length)),
            false => {
                (may_end_early && length < epochs as usize).then_some(end).filter(Option::is_some)
            }
        }
    };
    (0..run.onset_step.len()).map(end).collect()
}

fn is_finite(value: MetricBits) -> bool {
    value.metric().is_some_and(|value| value != Metric::Diverged)
}

/// That an arm diverged after so many epochs: at the end of the last, where that shows it, else in the next.
fn divergence(run: &RecordedRun, arm: usize, epochs: u32, is_shown: bool) -> Option<Divergence> {
    let per_epoch = run.steps_per_epoch;
    let onset = run.onset_step[arm].filter(|_| arm > 0)?;
    let trained = u64::from(epochs).checked_mul(per_epoch)?;
    if onset >= trained.checked_add(per_epoch)? {
        return None;
    }
    let step = if is_shown && onset < trained { trained } else { trained.max(onset) + 1 };
    Some(Divergence { epochs, step })
}
