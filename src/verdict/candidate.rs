//! Every arm, and what each seed has of it.

use super::{Evidence, leader::Contender};
use floodgauge_protocol::{ArmIx, Method, Metric};

/// One arm under one weight decay, however far it was trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which weight decay, by position.
    pub bracket: usize,
    /// The arm.
    pub arm: ArmIx,
    /// Its method.
    pub method: Method,
    /// Its weight decay.
    pub weight_decay: f64,
    /// What each seed has, in the order of the seeds.
    pub runs: Vec<Run>,
}

/// One arm with one seed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Run {
    /// Epochs that it has.
    pub epochs: u32,
    /// Whether it was trained to the end.
    pub completed: bool,
    /// Whether it ever departed from plain.
    pub crossed: bool,
    /// Its objective so far.
    pub score: Option<Metric>,
    /// The other metric, read alike.
    pub other: Option<Metric>,
    /// Whether a loss was not finite.
    pub diverged: bool,
    /// What a run that was trained for a while says of its end.
    pub probe: Option<Probe>,
}

/// What a run that ended early says of the objective that it would have at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// The objective to expect.
    pub value: f64,
    /// How far it may be off, as a standard deviation.
    pub doubt: f64,
}

impl Candidate {
    /// Whether it is this contender.
    pub fn is(&self, contender: &Contender) -> bool {
        (self.bracket, self.arm) == (contender.bracket, contender.arm)
    }

    /// The objective of each seed with which it was trained to the end; none for the others.
    pub fn scores(&self) -> impl Iterator<Item = Option<Metric>> + '_ {
        self.runs.iter().map(|run| run.score.filter(|_| run.completed))
    }

    /// With how many seeds it was trained to the end.
    pub fn seeds(&self) -> u32 {
        self.runs.iter().filter(|run| run.completed).count() as u32
    }

    /// Its mean objective over the seeds with which it was trained to the end.
    pub fn mean(&self) -> Option<Metric> {
        let scores = self.scores().flatten();
        (self.seeds() > 0).then(|| Metric::mean(scores))
    }

    /// The other metric's mean, if it was trained to the end with every seed.
    pub fn other(&self) -> Option<Metric> {
        let whole = self.seeds() as usize == self.runs.len();
        whole.then(|| Metric::mean(self.runs.iter().filter_map(|run| run.other)))
    }

    /// How far it was trained.
    pub fn evidence(&self) -> Evidence {
        if self.seeds() > 0 {
            Evidence::Trained
        } else if self.runs.iter().any(|run| run.epochs > 0) {
            Evidence::Probed
        } else {
            Evidence::Untrained
        }
    }
}
