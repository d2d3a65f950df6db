//! What other seeds would show: a hierarchical model of the objectives of one weight decay.
//!
//! `y[seed, arm] = mean of its group + response(b) + seed + deviation(seed, group, b) + noise`
//!
//! The levels of a method are a group with a smooth response, those at or above the loss of guessing another;
//! plain, and each arm without a level, are groups of their own. The response and each seed's deviation from it are Gaussian processes over
//! the levels' places, in the basis of cosines (a reduced-rank process: Solin & Särkkä, *Statistics
//! and Computing*, 2020), so that neighbours lend each other strength. Scales are integrated over a coarse
//! grid, weighed by the marginal likelihood; the noise's variance has Jeffreys' prior and is integrated
//! in closed form, which gives the tails of Student's t.
//!
//! A run whose loss never fell to its level is the plain run with the same seed, bit for bit. It is no
//! observation of the level, and is left out; how many other seeds would reach the level is a question
//! of its own, [`Crossings`]. With a seed that doesn't, the level shows what plain shows.
//!
//! Since all arms are drawn towards what their neighbours and the whole show, the lucky winner of a search is
//! too: no further correction for having been chosen on the same seeds is needed (Gelman, Hill & Yajima,
//! *Journal of Research on Educational Effectiveness*, 2012). What is stated is what can be
//! checked: the means that as many *other* seeds would show.
//!
//! - `design`: the columns. `fits`: their coefficients, at each point of the grid of scales.
//! - `crossing`: which levels other seeds would reach.
//! - `posterior`: expectations, intervals and draws.

mod crossing;
mod design;
mod fits;
mod linear;
mod posterior;

pub use crossing::Crossings;
pub use design::Place;
pub use posterior::Posterior;

use design::Design;
use fits::{Unit, fits, freedom, mean_noise};

/// Columns beyond which there is no model: a bound on cost, which grows with their cube.
const MAX_COLUMNS: usize = 400;

/// What is divided by, or has its logarithm taken, is at least this: in the model's unit, in which numbers
/// are about 1. Chosen, not measured.
const MIN_DIVISOR: f64 = 1e-12;

/// What one seed tells of an arm's objective at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The position of its arm in the list of places.
    pub arm: usize,
    /// The seed, from 0.
    pub seed: usize,
    /// The objective, in its own unit.
    pub value: f64,
    /// How much further than its noise it may be off, as a standard deviation in the same unit: 0 for
    /// a run that was trained to the end.
    pub doubt: f64,
}

/// An expectation, and where the truth lies with the probability of all intervals (`confidence.rs`), in the
/// objective's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The expectation, minimised; of a difference, negative if the first arm is better.
    pub mean: f64,
    /// The lower end; the truth is expected below it as often as above `high`.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether all of it are numbers.
    pub fn is_finite(self) -> bool {
        [self.mean, self.low, self.high].into_iter().all(f64::is_finite)
    }
}

/// Fits the model to the runs of arms at `places` over `seeds` seeds; plain is the first. None if there is
/// too little to tell noise from effects, or too much for this model.
pub fn fit(
    places: Vec<Place>,
    seeds: usize,
    observations: &[Observation],
    crossings: Crossings,
) -> Option<Posterior> {
    let design = Design::new(places, seeds);
    if observations.len() <= design.free() || seeds < 2 || design.columns() > MAX_COLUMNS {
        return None;
    }
    let unit = Unit::of(observations)?;
    let certain: Vec<_> = observations.iter().copied().filter(|o| o.doubt == 0.0).collect();
    // How far a doubtful observation may be off is given in the objective's unit; the noise that it
    // is compared with is first taken from the others.
    let noise = match certain.len() {
        all if all == observations.len() => 1.0,
        _ => mean_noise(&fits(&design, &certain, unit, 1.0)?),
    };
    let fits = fits(&design, observations, unit, noise)?;
    let freedom = freedom(&design, observations, unit, noise);
    Some(Posterior::new(design, fits, unit, freedom, crossings))
}
