//! What a sweep's table reads of its trials, and which arms stand in it.

use crate::{
    scheduler::{
        facts::{Bracket, Criterion, Facts, Trial},
        status::TrialStatus,
    },
    verdict::{Figure, Table, TableCell, TableRow},
};
use floodgauge_protocol::{
    Arm, ArmIx, At, Method, Metric, MetricInfo, MetricName, TrialKey, work::TestMetrics,
};
use std::collections::BTreeMap;

/// The two read-outs of a run, without early stopping first.
pub(super) const READ_OUTS: [At; 2] = [At::Last, At::Best];

/// The sweep's table, as far as it is known.
pub fn table(facts: &Facts) -> Table {
    let read_outs = READ_OUTS.into_iter().enumerate();
    let rows = read_outs.flat_map(|(i, at)| {
        facts.brackets().iter().map(move |bracket| {
            let mut row = TableRow {
                early_stopping: i == 1,
                weight_decay: facts.space().families[bracket.families[0].ix()].weight_decay,
                without: None,
                with: None,
                others: vec![],
            };
            for arm in table_arms(facts, bracket, at) {
                let cell = cell(facts, bracket, arm, at);
                match facts.space().arms[arm.ix()] {
                    Method::Plain => row.without = Some(cell),
                    Method::Flood { .. } => row.with = Some(cell),
                    _ => row.others.push(cell),
                }
            }
            row
        })
    });
    Table {
        metric: facts.criteria().objective.metric,
        metrics: compared(facts).cloned().collect(),
        rows: rows.collect(),
    }
}

/// The metrics that stand in the table: those by which arms can be compared.
fn compared(facts: &Facts) -> impl Iterator<Item = &MetricInfo> {
    facts.criteria().metrics.compared()
}

/// The arms of a weight decay that stand in the table for a read-out: of each method, in the
/// order of the arms, the best by validation among those that every seed trained to the end.
pub(super) fn table_arms(facts: &Facts, bracket: &Bracket, at: At) -> Vec<ArmIx> {
    let objective = facts.criteria().objective.read(at);
    let mut best: Vec<(&str, ArmIx, Metric)> = vec![];
    for (arm, method) in facts.space().arm_ids().zip(&facts.space().arms) {
        let keys = bracket.families.iter().map(|&family| TrialKey::new(family, arm));
        let values: Option<Vec<Metric>> = keys
            .map(|key| {
                let trial = facts.trial(key)?;
                let whole = trial.status == TrialStatus::Completed;
                whole.then(|| trial.minimised(objective, facts.spec().recipe.epochs))?
            })
            .collect();
        let Some(values) = values else { continue };
        let mean = Metric::mean(values);
        match best.iter_mut().find(|(name, ..)| *name == method.name()) {
            Some(known) if mean.order(known.2).is_lt() => (known.1, known.2) = (arm, mean),
            Some(_) => {}
            None => best.push((method.name(), arm, mean)),
        }
    }
    best.into_iter().map(|(_, arm, _)| arm).collect()
}

fn cell(facts: &Facts, bracket: &Bracket, arm: ArmIx, at: At) -> TableCell {
    let keys = bracket.families.iter().map(|&family| TrialKey::new(family, arm));
    let trials: Vec<&Trial> = keys.filter_map(|key| facts.trial(key)).collect();
    let figure = |metric: &MetricInfo| {
        let criterion = facts.criteria().criterion(metric.name)?.read(at);
        // A metric that came with a later release than the runs is in none of their rows.
        trials.iter().find(|trial| trial.curve.iter().any(|point| criterion.is_in(point)))?;
        let values = trials.iter().filter_map(|trial| reading(facts, trial, criterion));
        Some((metric.name, Figure::of(&values.collect::<Vec<_>>())))
    };
    let tests: Option<Vec<TestMetrics>> =
        trials.iter().map(|trial| trial.test(at, facts.steps_per_epoch())).collect();
    let test = |metric: fn(&TestMetrics) -> Metric| {
        tests.as_ref().map(|tests| Figure::of(&tests.iter().map(metric).collect::<Vec<_>>()))
    };
    let method = facts.space().arms[arm.ix()];
    let metrics: BTreeMap<MetricName, Figure> = compared(facts).filter_map(figure).collect();
    TableCell {
        arm: Arm::new(arm, method),
        seeds: trials.len() as u32,
        val_loss: metrics.get(&MetricName::val_loss()).copied(),
        val_error: metrics.get(&MetricName::val_error()).copied(),
        metrics,
        test_loss: test(|test| test.loss),
        test_error: test(|test| test.error),
    }
}

/// A metric of a run that was trained to the end, at its end or at its best epoch by the
/// objective's metric.
fn reading(facts: &Facts, trial: &Trial, metric: Criterion) -> Option<Metric> {
    let minimised = match (metric.at, trial.best) {
        (At::Best, Some(best)) => {
            metric.of(trial.curve.get((best.epoch as usize).checked_sub(1)?)?)
        }
        _ => trial.minimised(metric, facts.spec().recipe.epochs)?,
    };
    Some(metric.as_measured(minimised))
}
