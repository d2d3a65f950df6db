//! What is judged: a sweep as it stands, with every arm of every weight decay and what each seed has of
//! it. What these say by themselves are verbs here; what follows from them is judged elsewhere.

use super::{Difference, RunEquivalents};
use crate::beyond::Edge;
use floodgauge_protocol::{
    Arm, ArmIx, At, Direction, Method, Metric, MetricName, work::TestMetrics,
};

/// A metric that is judged. All that is judged is *minimised*: negated where higher is better, so that
/// lower is always better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Its name.
    pub name: MetricName,
    /// Which way it is better, as it was measured.
    pub direction: Direction,
}

impl Judged {
    /// A minimised value as it was measured.
    pub fn as_measured(self, minimised: Metric) -> Metric {
        self.direction.minimised(minimised)
    }

    /// A minimised number, likewise.
    pub fn number(self, minimised: f64) -> f64 {
        self.direction.minimised_f64(minimised)
    }

    /// An interval, from its lower end to its upper.
    pub fn interval(self, low: f64, high: f64) -> (f64, f64) {
        self.direction.interval(low, high)
    }

    /// A minimised difference, likewise.
    pub fn difference(self, of: Difference) -> Difference {
        let interval = of.low.zip(of.high).map(|(low, high)| self.interval(low, high));
        Difference {
            mean: self.number(of.mean),
            expected: of.expected.map(|expected| self.number(expected)),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            ..of
        }
    }
}

/// A sweep as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What makes an arm the best.
    pub objective: Judged,
    /// Where on the curve it is read.
    pub at: At,
    /// Another metric, of which is told whether it agrees; none where there is no other.
    pub other: Option<Judged>,
    /// The levels of all methods, in nats, rising, each once; empty where no method has levels.
    pub levels: Vec<f64>,
    /// How many levels nobody trained, since those beside them tell what they do; one that two methods have
    /// counts twice.
    pub untrained: usize,
    /// How many seeds were asked for.
    pub seeds: u32,
    /// How many other seeds the answer is of: what it states is what the mean over them would show. As many
    /// as were asked for, unless it is to be held against others.
    pub others: u32,
    /// Whether all was trained that is to be compared; before, nothing is the best yet.
    pub decided: bool,
    /// Whether all that was asked for is trained.
    pub ended: bool,
    /// Whether it was cancelled or failed: nothing more will be trained, and what was trained can't be compared.
    pub given_up: bool,
    /// Every arm of each weight decay, one weight decay after the other; in each, methods in the order
    /// of their first arms, and the arms of a method by level.
    pub candidates: Vec<Candidate>,
    /// The least cross-entropy, in nats, that a model can have on labels as noisy as these; none
    /// without label noise, and where the data set doesn't tell its classes.
    pub noise_floor: Option<f64>,
    /// The cross-entropy, in nats, of a model that calls all classes as likely; none where the data set
    /// doesn't tell its classes, and where the metrics are the sweep's own.
    pub guessing: Option<f64>,
    /// How many samples are validated on; none where that isn't known.
    pub validation_samples: Option<u32>,
    /// Epochs of a full run.
    pub epochs: u32,
    /// What it has cost.
    pub run_equivalents: RunEquivalents,
}

/// One arm under one weight decay, however far it was trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which weight decay, by position; the families of one compare their arms as means over seeds.
    pub bracket: usize,
    /// Its index in the sweep's plan: the one that all its arms are known by.
    pub arm: ArmIx,
    /// What it trains, with its parameter.
    pub method: Method,
    /// The weight decay of its families.
    pub weight_decay: f64,
    /// What each seed has of it, in the order of the bracket's families.
    pub trials: Vec<TrialSummary>,
}

/// What one seed has of an arm; the default is that of a trial that nothing was reported of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrialSummary {
    /// Epochs reported, those that it shares with the plain run included.
    pub epochs: u32,
    /// Whether it was trained to the end.
    pub completed: bool,
    /// Whether others were trained on in its place.
    pub pruned: bool,
    /// Whether it ended since a loss was not finite.
    pub diverged: bool,
    /// Whether its onset came, from which on it isn't the plain run: for flooding, the first
    /// mini-batch loss below its level.
    pub past_onset: bool,
    /// The sweep's objective, minimised, read of the epochs so far; none before the first.
    pub objective: Option<Metric>,
    /// The training loss over its closing epochs, in nats; none before it was trained to the end, and where
    /// it isn't finite.
    pub train_loss: Option<f64>,
    /// The objective, minimised, at the epoch that is best by it: what early stopping would have had.
    /// None where the objective is read so anyway, and while the sweep runs.
    pub early_stopped: Option<Metric>,
    /// The other metric, minimised and read alike.
    pub other: Option<Metric>,
    /// Its test metrics after the epoch at which the objective is read; none where it wasn't tested.
    pub test: Option<TestMetrics>,
    /// The objective to expect at its end, where it ended early and another run tells; none before
    /// all was trained.
    pub extrapolation: Option<Extrapolation>,
}

/// What a trial that ended early says of the objective that it would have at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolation {
    /// The objective to expect, minimised, in its unit.
    pub value: f64,
    /// How far it may be off beyond the noise of a run, as a standard deviation in the same unit;
    /// above 0.
    pub doubt: f64,
}

impl TrialSummary {
    /// Whether it was trained to the end, and is the plain run: its onset never came.
    pub fn is_plain(&self) -> bool {
        self.completed && !self.past_onset
    }
}

impl Standing {
    /// The arms that can be compared: those that every seed has reported of.
    pub fn competing(&self) -> impl Iterator<Item = &Candidate> + Clone {
        self.candidates.iter().filter(|candidate| candidate.competes())
    }

    /// The other arms that an arm can be compared with: trained as far with every seed.
    pub fn beside<'a>(&'a self, arm: &'a Candidate) -> impl Iterator<Item = &'a Candidate> {
        let as_far = |other: &&Candidate| {
            (other.finished(), other.epochs()) == (arm.finished(), arm.epochs())
        };
        self.competing().filter(|other| !other.is(arm)).filter(as_far)
    }

    /// Those of one weight decay.
    pub fn competing_in(&self, bracket: usize) -> impl Iterator<Item = &Candidate> + Clone {
        self.competing().filter(move |candidate| candidate.bracket == bracket)
    }

    /// The arms of each weight decay, one after the other.
    pub fn brackets(&self) -> impl Iterator<Item = &[Candidate]> {
        self.candidates.chunk_by(|a, b| a.bracket == b.bracket)
    }

    /// How many levels there are, those of each method counted.
    pub fn arms_with_level(&self) -> usize {
        // All weight decays have the same arms.
        let arms = self.brackets().next().unwrap_or_default();
        arms.iter().filter(|candidate| candidate.method.level().is_some()).count()
    }

    /// The position of an arm among all.
    pub fn position(&self, candidate: &Candidate) -> Option<usize> {
        self.candidates.iter().position(|other| other.is(candidate))
    }

    /// The end of the grid at which an arm lies; none of a grid of one level.
    pub fn edge(&self, candidate: &Candidate) -> Option<Edge> {
        let level = candidate.method.level()?;
        let (first, last) = (*self.levels.first()?, *self.levels.last()?);
        if self.levels.len() < 2 {
            None
        } else if level == last {
            Some(Edge::Highest)
        } else {
            (level == first && first > 0.0).then_some(Edge::Lowest)
        }
    }

    /// How many arms of a weight decay were pruned before any seed's loss fell below their level.
    pub fn pruned_before_onset(&self, bracket: usize) -> usize {
        let early = |c: &&Candidate| c.pruned() && !c.past_onset();
        self.competing_in(bracket).filter(early).count()
    }

    /// Whether any arm of a weight decay that was trained to the end is another run than plain.
    pub fn any_past_onset(&self, bracket: usize) -> bool {
        self.competing_in(bracket).any(|c| !c.is_plain() && c.finished() && c.past_onset())
    }

    /// Whether in each weight decay all arms that were trained to the end, of which there are several,
    /// have the same objectives, bit for bit.
    pub fn all_tie(&self) -> bool {
        self.brackets().all(|of| {
            let whole = || of.iter().filter(|c| c.finished());
            let first: Vec<_> = whole().take(1).flat_map(Candidate::end_objectives).collect();
            whole().count() > 1 && whole().all(|c| c.end_objectives().eq(first.iter().copied()))
        })
    }
}

impl Candidate {
    /// Whether it is the same arm under the same weight decay.
    pub fn is(&self, other: &Self) -> bool {
        (self.bracket, self.arm) == (other.bracket, other.arm)
    }

    /// The arm, described.
    pub fn described(&self) -> Arm {
        Arm::new(self.arm, self.method)
    }

    /// Whether it is the baseline.
    pub fn is_plain(&self) -> bool {
        self.arm == ArmIx::PLAIN
    }

    /// Whether every seed has an objective of it, so that its mean can be compared with others.
    pub fn competes(&self) -> bool {
        self.trials.iter().all(|trial| trial.objective.is_some())
    }

    /// Its objective so far, minimised: the mean over all seeds; diverged where a seed's is, or has none.
    pub fn objective(&self) -> Metric {
        Metric::mean(self.trials.iter().map(|trial| trial.objective.unwrap_or(Metric::Diverged)))
    }

    /// Epochs that every seed has.
    pub fn epochs(&self) -> u32 {
        self.trials.iter().map(|trial| trial.epochs).min().unwrap_or(0)
    }

    /// With how many seeds it was trained to the end.
    pub fn seeds_at_end(&self) -> u32 {
        self.trials.iter().filter(|trial| trial.completed).count() as u32
    }

    /// Whether every seed trained it to the end.
    pub fn finished(&self) -> bool {
        self.trials.iter().all(|trial| trial.completed)
    }

    /// Whether some seed has more to train of it, which an extension by its level takes on: neither is its run
    /// at its end, nor did it diverge.
    pub fn can_be_finished(&self) -> bool {
        self.method.level().is_some() && self.trials.iter().any(|t| !t.completed && !t.diverged)
    }

    /// The objective of each seed that trained it to the end; none for the others.
    pub fn end_objectives(&self) -> impl Iterator<Item = Option<Metric>> + '_ {
        self.trials.iter().map(|trial| trial.objective.filter(|_| trial.completed))
    }

    /// The training loss that it ends at, in nats: a mean over all seeds; none unless each has one.
    pub fn train_loss(&self) -> Option<f64> {
        let losses: Option<Vec<f64>> = self.trials.iter().map(|trial| trial.train_loss).collect();
        let losses = losses.filter(|losses| !losses.is_empty())?;
        Metric::mean(losses.into_iter().map(Metric::from)).finite()
    }

    /// What early stopping would have had of the objective, minimised: the mean over all seeds; none unless every
    /// seed trained it to the end.
    pub fn early_stopped(&self) -> Option<Metric> {
        let values: Option<Vec<_>> = self.trials.iter().map(|trial| trial.early_stopped).collect();
        values.filter(|_| self.finished()).map(Metric::mean)
    }

    /// Its mean objective over the seeds that trained it to the end; none if there are none.
    pub fn end_objective(&self) -> Option<Metric> {
        (self.seeds_at_end() > 0).then(|| Metric::mean(self.end_objectives().flatten()))
    }

    /// The other metric's mean, if every seed trained it to the end.
    pub fn other(&self) -> Option<Metric> {
        let whole = || Metric::mean(self.trials.iter().filter_map(|trial| trial.other));
        self.finished().then(whole)
    }

    /// Whether others were trained on in its place, with any seed.
    pub fn pruned(&self) -> bool {
        self.trials.iter().any(|trial| trial.pruned)
    }

    /// Whether its onset came with any seed.
    pub fn past_onset(&self) -> bool {
        self.trials.iter().any(|trial| trial.past_onset)
    }

    /// Whether it turned out to be the plain run with every seed: trained to the end, without onset.
    pub fn equals_plain(&self) -> bool {
        !self.is_plain() && self.trials.iter().all(TrialSummary::is_plain)
    }

    /// Whether it diverged with any seed.
    pub fn diverged(&self) -> bool {
        self.end_objectives().flatten().any(|objective| objective == Metric::Diverged)
            || self.trials.iter().any(|trial| trial.diverged)
    }

    /// The mean test metrics over the seeds that have them; none if there are none.
    pub fn test(&self) -> Option<TestMetrics> {
        let tests = || self.trials.iter().filter_map(|trial| trial.test);
        tests().next().map(|_| TestMetrics {
            loss: Metric::mean(tests().map(|test| test.loss)),
            error: Metric::mean(tests().map(|test| test.error)),
        })
    }
}
