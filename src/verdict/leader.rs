//! What is judged, and who is ahead.

use super::{RunEquivalents, candidate::Candidate};
use floodgauge_protocol::{ArmIx, Method, Metric, Objective, work::TestMetrics};

/// A sweep as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What makes an arm the best.
    pub objective: Objective,
    /// The levels of the grid.
    pub levels: Vec<f64>,
    /// How many arms there are, of all weight decays together.
    pub arms: usize,
    /// How many levels nobody trained, since those beside them tell what they do.
    pub untrained: usize,
    /// How many seeds were asked for.
    pub seeds: u32,
    /// Whether nothing more will be trained.
    pub ended: bool,
    /// The arms of each weight decay that every seed has reported of.
    pub contenders: Vec<Contender>,
    /// All arms of each weight decay, one weight decay after the other.
    pub candidates: Vec<Candidate>,
    /// What no model can do better than on labels as noisy as these.
    pub noise_floor: Option<f64>,
    /// Epochs of a full run.
    pub epochs: u32,
    /// The training loss of the plain runs over their closing epochs, in nats, a mean over seeds; none
    /// before they have ended.
    pub train_loss: Option<f64>,
    /// What it has cost.
    pub run_equivalents: RunEquivalents,
}

/// One arm under one weight decay.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Which weight decay, by position.
    pub bracket: usize,
    /// The arm.
    pub arm: ArmIx,
    /// Its method.
    pub method: Method,
    /// Its weight decay.
    pub weight_decay: f64,
    /// Epochs that every seed has.
    pub epochs: u32,
    /// Whether every seed was trained to the end.
    pub finished: bool,
    /// Whether any seed departed from plain: fell below its level, for flooding.
    pub crossed: bool,
    /// Whether others were trained on in its place.
    pub pruned: bool,
    /// The objective of each seed, in the order of the seeds.
    pub scores: Vec<Metric>,
    /// The test metrics of each seed that has them.
    pub tests: Vec<TestMetrics>,
}

/// An end of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The lowest level, above 0.
    Lowest,
    /// The highest level.
    Highest,
}

impl Standing {
    /// The end of the grid at which a contender lies.
    pub fn edge(&self, contender: &Contender) -> Option<Edge> {
        let level = contender.method.level()?;
        let (first, last) = (*self.levels.first()?, *self.levels.last()?);
        if self.levels.len() < 2 {
            None
        } else if level == last {
            Some(Edge::Highest)
        } else {
            (level == first && first > 0.0).then_some(Edge::Lowest)
        }
    }

    /// The position of a contender among the candidates.
    pub fn place(&self, contender: &Contender) -> Option<usize> {
        self.candidates.iter().position(|candidate| candidate.is(contender))
    }

    /// How many arms of a weight decay were pruned before any seed's loss fell below their level.
    pub fn unseen(&self, bracket: usize) -> usize {
        let unseen = |c: &&Contender| c.bracket == bracket && c.pruned && !c.crossed;
        self.contenders.iter().filter(unseen).count()
    }

    /// Whether any arm of a weight decay that was trained to the end departed from plain.
    pub fn any_crossed(&self, bracket: usize) -> bool {
        let of = self.contenders.iter().filter(|c| c.bracket == bracket && c.arm != ArmIx::PLAIN);
        of.filter(|other| other.finished).any(|other| other.crossed)
    }
}

impl Contender {
    /// Its objective: the mean over seeds.
    pub fn mean(&self) -> Metric {
        Metric::mean(self.scores.iter().copied())
    }
}

/// The position of the contender with the lowest mean: among those trained to the end or,
/// before there are any, among those trained furthest. A tie goes to plain, then to the
/// lower level. None if no mean is finite.
pub fn leader(contenders: &[Contender]) -> Option<usize> {
    let in_running = comparable(contenders);
    let finite = in_running.filter(|&ix| contenders[ix].mean() != Metric::Diverged);
    finite.min_by(|&a, &b| {
        let (a, b) = (&contenders[a], &contenders[b]);
        a.mean().order(b.mean()).then(a.arm.cmp(&b.arm)).then(a.bracket.cmp(&b.bracket))
    })
}

/// The positions of the contenders that can be compared with each other.
fn comparable(contenders: &[Contender]) -> impl Iterator<Item = usize> + Clone + '_ {
    let any_finished = contenders.iter().any(|contender| contender.finished);
    let furthest = contenders.iter().map(|contender| contender.epochs).max().unwrap_or(0);
    (0..contenders.len()).filter(move |&ix| {
        let contender = &contenders[ix];
        if any_finished { contender.finished } else { contender.epochs == furthest }
    })
}
