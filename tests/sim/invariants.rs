//! What must hold of every log. Each has a number, so that a broken one can be named.

use crate::world::World;
use floodgauge::scheduler::{Action, Decision, Reason, Trial, TrialEnd, TrialStatus, bound};
use floodgauge_protocol::{Digest, SchedulerKind, TrialKey, work::BestEpoch};
use std::collections::{BTreeMap, BTreeSet};

type Invariant = fn(&World, &World) -> Result<(), String>;

const ALL: [(&str, Invariant); 9] = [
    ("1: every sweep ends, with nothing left open", ends),
    ("2: every trial ends once", trials_end_once),
    ("3: a replay of the log gives the same decisions and the same state", replays),
    ("4: nothing is pruned without information", prunes_on_information),
    ("5: the cost lies within the plan", costs_as_planned),
    ("6: workers and their order don't change the answer, but for asha", same_answer),
    ("7: every epoch of a trial is taken in once, in order", epochs_once),
    ("8: segments are numbered in the order in which they are queued", segments_in_order),
    ("9: what comes late or twice changes nothing", nothing_wrong),
];

/// The invariants that a world broke; `calm` is the same case with one obedient worker.
pub fn broken(world: &World, calm: &World) -> Vec<String> {
    let check = |(name, holds): &(&str, Invariant)| {
        holds(world, calm).err().map(|why| format!("invariant {name}: {why}"))
    };
    ALL.iter().filter_map(check).collect()
}

/// Those that a world broke in which something had to be trained again.
pub fn broken_again(world: &World, calm: &World) -> Vec<String> {
    let check = |(name, holds): &(&str, Invariant)| {
        holds(world, calm).err().map(|why| format!("invariant {name}: {why}"))
    };
    // What was trained twice costs more than was planned; answers are compared below.
    let holds = ALL.iter().filter(|(name, _)| !name.starts_with(['5', '6']));
    let mut broken: Vec<_> = holds.filter_map(check).collect();
    broken.extend(same_answer_again(world, calm).err());
    let cost = world.sweep.run_equivalents();
    if cost.left_behind > cost.spent {
        broken.push(format!("{} were left behind of {}", cost.left_behind, cost.spent));
    }
    broken
}

fn decisions(world: &World) -> impl Iterator<Item = &Decision> {
    world.log.iter().flat_map(|(_, decisions)| decisions)
}

fn gave_up(world: &World) -> bool {
    world.sweep.facts().trials().any(|(_, trial)| trial.status == TrialStatus::Failed)
}

fn cut_short(world: &World) -> bool {
    let early = [TrialStatus::Failed, TrialStatus::Diverged];
    world.sweep.facts().trials().any(|(_, trial)| early.contains(&trial.status))
}

fn ends(world: &World, _: &World) -> Result<(), String> {
    let last = decisions(world).last().map(|decision| &decision.action);
    if !matches!(last, Some(Action::Complete { .. } | Action::Fail)) {
        return Err(format!("the last action is {last:?}"));
    }
    match world
        .enqueued
        .iter()
        .find(|segment| world.sweep.facts().segments().get_open(**segment).is_some())
    {
        Some(segment) => Err(format!("segment {segment} is open")),
        None => Ok(()),
    }
}

fn trials_end_once(world: &World, _: &World) -> Result<(), String> {
    let mut ended: BTreeSet<TrialKey> = BTreeSet::new();
    for decision in decisions(world) {
        if let Action::Again { trial } | Action::Resume { trial } = decision.action {
            ended.remove(&trial);
        }
        let (Action::End { trial, .. }
        | Action::Prune { trial, .. }
        | Action::AsBefore { trial, status: TrialStatus::Completed | TrialStatus::Pruned }) =
            decision.action
        else {
            continue;
        };
        if !ended.insert(trial) {
            return Err(format!("trial {trial:?} ended twice, at last: {}", decision.reason));
        }
    }
    let active =
        world.sweep.facts().trials().find(|(_, trial)| trial.status == TrialStatus::Active);
    match active {
        Some((key, _)) => Err(format!("trial {key:?} never ended")),
        None => Ok(()),
    }
}

fn replays(world: &World, _: &World) -> Result<(), String> {
    let mut sweep = world.case.sweep();
    for (seq, (event, decisions)) in (1..).zip(&world.log) {
        if sweep.step(event) != *decisions {
            return Err(format!("entry {seq}, {}, was decided otherwise", event.name()));
        }
    }
    if sweep == world.sweep { Ok(()) } else { Err("the state is another".into()) }
}

/// For halving: past its onset, probed as long as any, and not the equal of who goes on.
fn prunes_on_information(world: &World, _: &World) -> Result<(), String> {
    let spec = &world.case.spec;
    if spec.scheduler.kind != SchedulerKind::Halving {
        return Ok(());
    }
    let full = spec.recipe.epochs;
    let share = (f64::from(full) * 0.15).round().max(2.0) as u32;
    let exposure = spec.scheduler.first_rung.unwrap_or(share).min(full);
    for decision in decisions(world) {
        let Action::Prune { trial: key, .. } = decision.action else { continue };
        let trial = world.sweep.facts().trial(key).ok_or("no such trial")?;
        let Some(onset) = trial.onset_step else {
            return Err(format!("trial {key:?} was pruned while it rode"));
        };
        let until = (onset / world.sweep.facts().steps_per_epoch()) as u32 + exposure;
        if trial.epochs() < until.min(full) && !cut_short(world) {
            return Err(format!("trial {key:?} was pruned after {} epochs", trial.epochs()));
        }
        if !matches!(decision.why, Some(Reason::Probed(_))) && !cut_short(world) {
            return Err(format!("no figures in: {}", decision.reason));
        }
    }
    Ok(())
}

fn costs_as_planned(world: &World, _: &World) -> Result<(), String> {
    let plan = bound(&world.case.spec);
    let spent = world.sweep.run_equivalents().spent;
    let cut_short = world
        .sweep
        .facts()
        .trials()
        .any(|(_, trial)| matches!(trial.status, TrialStatus::Failed | TrialStatus::Diverged));
    if spent > plan.high + 1e-9 || (spent < plan.low - 1e-9 && !cut_short) {
        return Err(format!("{spent} is not from {} to {}", plan.low, plan.high));
    }
    Ok(())
}

fn same_answer(world: &World, calm: &World) -> Result<(), String> {
    if world.case.spec.scheduler.kind.depends_on_arrival() || gave_up(world) {
        return Ok(());
    }
    let (best, other) = (world.sweep.best(), calm.sweep.best());
    let best = floodgauge::verdict::Best { run_equivalents: other.run_equivalents, ..best };
    if best != other {
        return Err(format!("{:?} is not {:?}", best.best, other.best));
    }
    let differs =
        world.sweep.facts().trials().zip(calm.sweep.facts().trials()).find(|(a, b)| a != b);
    match differs {
        Some(((key, trial), (_, other))) => {
            Err(format!("trial {key:?} is another: {} is not {}", told(trial), told(other)))
        }
        None => Ok(()),
    }
}

/// As [`same_answer`], but for the states of trials: see [`without_states`].
fn same_answer_again(world: &World, calm: &World) -> Result<(), String> {
    if world.case.spec.scheduler.kind.depends_on_arrival() || gave_up(world) {
        return Ok(());
    }
    let trials = |world: &World| -> Vec<_> {
        let facts = world.sweep.facts();
        facts.trials().map(|(key, trial)| (key, without_states(trial))).collect()
    };
    // A virtual worker doesn't say which epoch was the best before a level was woken; who trains again from
    // the start knows.
    let alike = |(a, b): &(&(TrialKey, Trial), &(TrialKey, Trial))| {
        let known = b.1.best.is_some();
        let (best, tests) = (b.1.best, b.1.tests.clone());
        let a = if known { a.1.clone() } else { Trial { best, tests, ..a.1.clone() } };
        a == b.1
    };
    let (ours, calm_ones) = (trials(world), trials(calm));
    if let Some(((key, trial), (_, other))) = ours.iter().zip(&calm_ones).find(|pair| !alike(pair))
    {
        return Err(format!("trial {key:?} is another: {} is not {}", told(trial), told(other)));
    }
    let (best, other) = (world.sweep.best(), calm.sweep.best());
    let best = floodgauge::verdict::Best { run_equivalents: other.run_equivalents, ..best };
    if best != other {
        return Err(format!("{:?} is not {:?}", best.best, other.best));
    }
    Ok(())
}

/// A trial without what depends on where segments were cut and who shared a run (here that shows in the
/// digests), a goal that it was given only to be trained again, and the states of one that nobody trains
/// on or tests: they may be lost for good.
fn without_states(trial: &Trial) -> Trial {
    const NONE: Digest = Digest([0; 32]);
    let mut trial = Trial { goal: Default::default(), ..trial.clone() };
    trial.checkpoint = trial.checkpoint.map(|_| NONE);
    trial.best = trial.best.map(|best| BestEpoch { checkpoint: NONE, ..best });
    if trial.status != TrialStatus::Completed {
        (trial.checkpoint, trial.saved_step, trial.best) = (None, 0, None);
    }
    trial
}

/// What there is to see of a trial beside its curve.
fn told(trial: &Trial) -> String {
    let Trial { status, onset_step, saved_step, goal, reason, until_again, tests, best, .. } =
        trial;
    format!(
        "{} epochs {status:?} {onset_step:?} saved {saved_step} {goal:?} {reason:?} {until_again:?} \
         {} tests {best:?}",
        trial.epochs(),
        tests.len()
    )
}

fn epochs_once(world: &World, _: &World) -> Result<(), String> {
    let mut known: BTreeMap<TrialKey, u32> = BTreeMap::new();
    for decision_or_row in &world.taken {
        let (segment, row) = decision_or_row;
        for &arm in &row.arms {
            let key = TrialKey::new(segment.family, arm);
            let before = known.insert(key, row.epoch);
            // A woken arm begins where it left its trunk.
            if before.is_some_and(|before| row.epoch != before + 1) {
                return Err(format!("trial {key:?}: epoch {} after {before:?}", row.epoch));
            }
        }
    }
    for (key, epoch) in known {
        let trial = world.sweep.facts().trial(key).ok_or("no such trial")?;
        if trial.epochs() < epoch && trial.status != TrialStatus::Failed {
            return Err(format!("trial {key:?} has {} of {epoch} epochs", trial.epochs()));
        }
    }
    Ok(())
}

fn segments_in_order(world: &World, _: &World) -> Result<(), String> {
    let numbers = world.enqueued.iter().map(|segment| segment.0);
    match numbers.zip(0..).find(|(number, place)| number != place) {
        Some((number, place)) => Err(format!("segment {number} came as number {place}")),
        None => Ok(()),
    }
}

fn nothing_wrong(world: &World, calm: &World) -> Result<(), String> {
    let failed =
        |decision: &&Decision| matches!(decision.action, Action::End { end: TrialEnd::Failed, .. });
    if let Some(decision) = decisions(world).find(failed).filter(|_| !world.manners.hostile) {
        return Err(format!("given up: {}", decision.reason));
    }
    match world.wrong.iter().chain(&calm.wrong).next() {
        Some(wrong) => Err(wrong.clone()),
        None => Ok(()),
    }
}
