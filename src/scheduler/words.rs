//! Reasons in words: the one place where a sentence is made of what was decided.

use super::reason::{
    Arrived, AtRung, BeyondAnEnd, Cause, Fate, Probed, Promising, Purpose, Reason, RungOf, Testing,
    Training, Woken,
};
use crate::counting::count;
use floodgauge_protocol::{Metric, Shown};
use std::fmt::{Display, Formatter, Result};

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Training(training) => training.fmt(f),
            Self::Testing(testing) => testing.fmt(f),
            Self::AtRung(at_rung) => at_rung.fmt(f),
            Self::Arrived(arrived) => arrived.fmt(f),
            Self::Probed(probed) => probed.fmt(f),
            Self::Overtaken { rung } => {
                write!(f, "pruned at {rung}: others were better when they came")
            }
            Self::NothingToCompare => f.write_str("pruned: not trained on every seed"),
            Self::Woken(woken) => woken.fmt(f),
            Self::SharesTrunk { added: false } => {
                f.write_str("the training loss never fell below it")
            }
            Self::SharesTrunk { added: true } => {
                f.write_str("added; so far the training loss never fell below it")
            }
            Self::LeftToNeighbours => f.write_str("not trained: estimated from its neighbours"),
            Self::NotTrained => f.write_str("not trained"),
            Self::BeatenWithOtherSeeds => {
                f.write_str("not trained: with other seeds others did better")
            }
            Self::Promising(promising) => promising.fmt(f),
            Self::BeyondAnEnd(beyond) => beyond.fmt(f),
            Self::AllEpochs { is_plain: true, .. } => {
                f.write_str("the training loss never fell below it, so it equals plain")
            }
            Self::AllEpochs { epochs: 1, .. } => f.write_str("trained its only epoch"),
            Self::AllEpochs { epochs, .. } => write!(f, "trained all {epochs} epochs"),
            Self::NotFinite { step: Some(step) } => {
                write!(f, "a loss was not finite after step {step}")
            }
            Self::NotFinite { step: None } => f.write_str("a loss was not finite"),
            Self::Retry { failures, at_most, message } => {
                write!(f, "failed, {failures} of at most {at_most} times: {message}")
            }
            Self::Damaged => {
                f.write_str("a checkpoint is damaged; it is trained again from the last good state")
            }
            Self::StartedOver => f.write_str(
                "the kind of machine that trained it is gone; its seed starts over on another",
            ),
            Self::TrainedAgain => f.write_str("trained again to where it was"),
            Self::FromSaved { message: Some(message) } => {
                write!(f, "failed: {message}; resumes from what it saved")
            }
            Self::FromSaved { message: None } => {
                f.write_str("its worker was lost; resumes from what it saved")
            }
            Self::MachineTrouble { worker, message } => {
                write!(
                    f,
                    "the machine of worker {worker} is in trouble: {message}; others continue"
                )
            }
            Self::FailedTooOften { failures, message } => {
                write!(f, "failed {failures} times, at last: {message}")
            }
            Self::LostTooOften { losses } => write!(f, "its workers were lost {losses} times"),
            Self::Paused => f.write_str("the sweep is paused; the worker hands in what it has"),
            Self::CancelledInTraining => {
                f.write_str("the sweep was cancelled; the worker hands in what it has")
            }
            Self::CancelledInQueue => {
                f.write_str("the sweep was cancelled before a worker took this")
            }
            Self::SweepCancelled => f.write_str("the sweep was cancelled"),
            Self::Asked => f.write_str("by a user"),
            Self::AskedUnreplayed => {
                f.write_str("by a user; the log before can't be replayed by this server")
            }
            Self::NoAnswer { first } => {
                f.write_str("no arm was trained to the end with every seed")?;
                match first {
                    Some(first) => write!(f, "; the first reason: {first}"),
                    None => Ok(()),
                }
            }
            Self::Answered { verdict } => f.write_str(verdict),
        }
    }
}

/// Epochs as they are told everywhere: counted from 1, the last one too.
pub fn epochs(first: u64, last: u64) -> String {
    if first == last { format!("epoch {last}") } else { format!("epochs {first}–{last}") }
}

impl Display for Promising {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { metric, expected, leader, of_leader } = self;
        write!(
            f,
            "with other seeds {metric} {expected} is expected, against {of_leader} of {leader}"
        )
    }
}

impl Display for BeyondAnEnd {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { arm, levels } = self;
        write!(f, "the response of the probes is best at {arm}, an end of the levels: ")?;
        write!(f, "{} more added", levels.len())?;
        match &levels[..] {
            [first, .., last] | [first @ last] => {
                write!(f, ", from {} to {}", Shown(*first), Shown(*last))
            }
            [] => Ok(()),
        }
    }
}

impl Display for RungOf {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "rung {} of {} (epoch {})", self.rung + 1, self.count, self.epoch)
    }
}

impl Display for Fate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Promoted => "promoted",
            Self::Pruned => "pruned",
            Self::AtRest => "at rest, indistinguishable from the one that continues",
        })
    }
}

impl Display for AtRung {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { fate, rung, comparison, kept, tied, exposure } = self;
        write!(f, "{fate} at {rung}: ")?;
        match comparison.value {
            Metric::Finite(_) => {
                write!(f, "{} {}", comparison.metric, comparison.value)?;
            }
            Metric::Diverged => f.write_str("no finite mean over seeds")?,
        }
        write!(f, " is rank {} of {}, {kept} kept", comparison.rank, comparison.count)?;
        if *tied > 1 {
            write!(f, ", a tie of {tied} kept in order of level")?;
        }
        write!(f, "; exposure {exposure:.1} epochs")
    }
}

impl Display for Arrived {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { rung, comparison, as_the_last } = self;
        write!(f, "promoted at {rung}: {} {} ", comparison.metric, comparison.value)?;
        match as_the_last {
            true => f.write_str("is the best of the highest rung so far"),
            false => {
                let (rank, count) = (comparison.rank, comparison.count);
                write!(f, "is rank {rank} of the {count} that got there so far")
            }
        }
    }
}

impl Display for Probed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { fate, comparison, chosen } = self;
        write!(f, "{fate}: {} {}", comparison.metric, comparison.value)?;
        if comparison.seeds != 1 {
            write!(f, " as a mean over {} seeds", comparison.seeds)?;
        }
        write!(
            f,
            " in {}, after its onset, is rank {} of {} probes; {chosen} is trained to the end",
            epochs(comparison.from_epoch.into(), comparison.to_epoch.into()),
            comparison.rank,
            comparison.count,
        )
    }
}

impl Display for Woken {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let cause = match self.cause {
            Cause::Reached => "probed, as the plain run reached it",
            Cause::BeyondAnEnd => "probed, beyond an end of the levels",
            Cause::Chosen => "the response of the probes is best here",
            Cause::Promising => "other seeds are expected to do best here",
            Cause::Added => "added",
            Cause::Asked => "asked for, to the end",
        };
        let Self { onset, epochs, .. } = self;
        write!(f, "{cause}; it starts after {onset:.1} epochs and ")?;
        match epochs {
            0 => f.write_str("is trained from the start"),
            epochs => write!(f, "resumes after epoch {epochs}"),
        }
    }
}

impl Display for Purpose {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Rung { rung, count } => write!(f, "rung {} of {count}", rung + 1),
            Self::Asynchronous => f.write_str("asynchronous halving"),
            Self::PlainAndProbes => f.write_str("the plain run and its probes"),
            Self::MoreProbes => f.write_str("more probes"),
            Self::ToTheEnd => f.write_str("to the end"),
            Self::Extension => f.write_str("extension"),
        }
    }
}

impl Display for Training {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { purpose, arms, runs, seed, from_epoch, to_epoch } = self;
        write!(f, "{purpose}: {}", count(*arms as usize, "arm"))?;
        if runs < arms {
            write!(f, " in {}", count(*runs as usize, "run"))?;
        }
        write!(f, ", seed {seed}, {}", epochs(from_epoch + 1, *to_epoch))
    }
}

impl Display for Testing {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { arms, epoch, seed } = self;
        let names: Vec<_> = arms.iter().map(|arm| arm.name.as_str()).collect();
        write!(f, "test metrics of {} after epoch {epoch}, seed {seed}", names.join(" and "))
    }
}
