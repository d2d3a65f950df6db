//! What the model is made of: columns for means, seeds and smooth curves, and how much each may vary.
//!
//! Cosines, exponentials and logarithms of this model are `libm`'s, and powers are products: what it expects chooses
//! what is tested, so every machine must come to the same bits.

use super::linear::dot;
use std::f64::consts::PI;

/// Cosines of the mean response: at [`RESPONSE_LENGTH`] further ones would vary by little. Chosen, not
/// measured.
const RESPONSE_COSINES: usize = 8;

/// Cosines of how a seed deviates from it: a smoother curve, so fewer. Chosen, not measured.
const DEVIATION_COSINES: usize = 5;

/// How smooth the mean response is: the length of its kernel, as a share of a method's ladder. Chosen on
/// six recorded tasks, by coverage and logarithmic score (docs/results.md, *How sure*).
const RESPONSE_LENGTH: f64 = 0.5;

/// How smooth a seed's deviation is, likewise, and chosen there too.
const DEVIATION_LENGTH: f64 = 0.6;

/// Where an arm stands in the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its group: the levels of a method are one, or two where some lie beyond guessing; plain and each arm without a
    /// level are one each.
    pub group: usize,
    /// Its place among the levels of its group, from 0 to 1; none for a group of one.
    pub position: Option<f64>,
}

/// How much of the noise of a single run the parts of the model vary by; one point of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// The mean response of a method, about its mean.
    pub response: f64,
    /// A seed's deviation from it.
    pub deviation: f64,
    /// A seed's deviation for a group as a whole.
    pub offset: f64,
}

/// The scales of the grid, as standard deviations in units of a single run's noise: from well below it to
/// far above, evenly spaced in the logarithm but for the last offset. 48 points in all (docs/results.md,
/// *How sure*); the values are chosen, not measured.
const RESPONSE_SCALES: [f64; 4] = [0.5, 2.0, 8.0, 32.0];
const DEVIATION_SCALES: [f64; 3] = [0.3, 1.5, 7.5];
const OFFSET_SCALES: [f64; 4] = [0.3, 1.5, 7.5, 25.0];

/// How much more likely larger scales are beforehand: the scale to this power, in its logarithm. 0 is even in the
/// logarithm, 1 even in the scale itself (Gelman, *Bayesian Analysis*, 2006). Levels mostly differ, and three seeds of
/// which none falls out of line say little of how far a fourth may: so larger ones are likelier. Held to recorded
/// grids: docs/results.md, *Of `halving`*.
const RESPONSE_PRIOR_POWER: f64 = 0.5;
const DEVIATION_PRIOR_POWER: f64 = 0.25;
const OFFSET_PRIOR_POWER: f64 = 0.6;

impl Scales {
    /// How likely it is beforehand: a logarithm, up to a constant.
    pub fn ln_prior(self) -> f64 {
        RESPONSE_PRIOR_POWER * libm::log(self.response)
            + DEVIATION_PRIOR_POWER * libm::log(self.deviation)
            + OFFSET_PRIOR_POWER * libm::log(self.offset)
    }

    /// A coarse grid, whose points are weighed by `ln_prior` beforehand.
    pub fn grid() -> impl Iterator<Item = Self> {
        RESPONSE_SCALES.into_iter().flat_map(|response| {
            DEVIATION_SCALES.into_iter().flat_map(move |deviation| {
                OFFSET_SCALES.into_iter().map(move |offset| Self { response, deviation, offset })
            })
        })
    }
}

/// What one seed adds to the means of arms, in units of the noise; its noise aside.
#[derive(Clone, Debug)]
pub struct SeedEffect {
    offsets: Vec<f64>,
    ladders: Vec<[f64; DEVIATION_COSINES]>,
}

/// An arm's row in what a seed adds.
#[derive(Clone, Debug)]
pub struct SeedRow {
    group: usize,
    /// Its ladder, and the cosines there.
    smooth: Option<(usize, [f64; DEVIATION_COSINES])>,
}

impl SeedEffect {
    /// What it adds to an arm.
    pub fn at(&self, row: &SeedRow) -> f64 {
        let smooth = row.smooth.as_ref();
        let smooth = smooth.map_or(0.0, |(ladder, cosines)| dot(cosines, &self.ladders[*ladder]));
        self.offsets[row.group] + smooth
    }
}

/// The columns of the model: contrasts of seeds, the offsets of each seed, each seed's deviations from
/// the responses; at last what seeds have in common: the means of groups, and the methods' responses.
/// All but contrasts and means are drawn to 0.
#[derive(Clone, Debug)]
pub struct Design {
    seeds: usize,
    places: Vec<Place>,
    groups: usize,
    /// The groups that are methods with levels.
    ladders: Vec<usize>,
}

impl Design {
    /// The columns for arms at `places`, whose groups count from 0, over `seeds` seeds.
    pub fn new(places: Vec<Place>, seeds: usize) -> Self {
        let groups = places.iter().map(|place| place.group + 1).max().unwrap_or(0);
        let mut ladders: Vec<usize> =
            places.iter().filter(|p| p.position.is_some()).map(|place| place.group).collect();
        ladders.sort_unstable();
        ladders.dedup();
        Self { seeds, places, groups, ladders }
    }

    /// Where the arms stand, in their order.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// How many columns nothing draws to 0.
    pub fn free(&self) -> usize {
        self.groups + self.seeds - 1
    }

    /// How many columns all seeds have in common: the last ones.
    pub fn common(&self) -> usize {
        self.groups + self.ladders.len() * RESPONSE_COSINES
    }

    /// How many columns are of single seeds: the first ones.
    fn own(&self) -> usize {
        self.seeds - 1 + self.seeds * (self.groups + self.ladders.len() * DEVIATION_COSINES)
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.own() + self.common()
    }

    /// The row of an arm's mean over all seeds there could be, in the common columns.
    pub fn mean(&self, arm: usize) -> Vec<f64> {
        let mut row = vec![0.0; self.common()];
        let place = &self.places[arm];
        row[place.group] = 1.0;
        if let Some((ladder, cosines)) = self.cosines::<RESPONSE_COSINES>(place) {
            let from = self.groups + ladder * RESPONSE_COSINES;
            row[from..from + RESPONSE_COSINES].copy_from_slice(&cosines);
        }
        row
    }

    /// The row of an arm's run with one seed, in all columns.
    pub fn run(&self, arm: usize, seed: usize) -> Vec<f64> {
        let mut row = vec![0.0; self.own()];
        let place = &self.places[arm];
        let contrasts = self.seeds - 1;
        // The effects of the seeds add up to 0.
        match seed.checked_sub(1) {
            Some(contrast) => row[contrast] = 1.0,
            None => row[..contrasts].fill(-1.0),
        }
        row[contrasts + seed * self.groups + place.group] = 1.0;
        if let Some((ladder, cosines)) = self.cosines::<DEVIATION_COSINES>(place) {
            let before = contrasts + self.seeds * self.groups;
            let from = before + (seed * self.ladders.len() + ladder) * DEVIATION_COSINES;
            row[from..from + DEVIATION_COSINES].copy_from_slice(&cosines);
        }
        row.extend(self.mean(arm));
        row
    }

    /// The variance of each column beforehand, in units of the noise; 0 for those that are free.
    pub fn variances(&self, scales: Scales) -> Vec<f64> {
        let mut variances = vec![0.0; self.seeds - 1];
        variances.resize(variances.len() + self.seeds * self.groups, scales.offset * scales.offset);
        for _ in 0..self.seeds * self.ladders.len() {
            variances.extend(spectrum::<DEVIATION_COSINES>(DEVIATION_LENGTH, scales.deviation));
        }
        variances.resize(variances.len() + self.groups, 0.0);
        for _ in &self.ladders {
            variances.extend(spectrum::<RESPONSE_COSINES>(RESPONSE_LENGTH, scales.response));
        }
        variances
    }

    /// Draws what a seed that nobody saw adds to the means, by normal deviates of `normal`, in units of the
    /// noise.
    pub fn draw_seed(&self, scales: Scales, normal: &mut impl FnMut() -> f64) -> SeedEffect {
        let spectrum = spectrum::<DEVIATION_COSINES>(DEVIATION_LENGTH, scales.deviation);
        SeedEffect {
            offsets: (0..self.groups).map(|_| scales.offset * normal()).collect(),
            ladders: (self.ladders.iter())
                .map(|_| spectrum.map(|variance| variance.sqrt() * normal()))
                .collect(),
        }
    }

    /// The rows of all arms in what a seed adds, in their order.
    pub fn seed_rows(&self) -> Vec<SeedRow> {
        let row = |place: &Place| SeedRow { group: place.group, smooth: self.cosines(place) };
        self.places.iter().map(row).collect()
    }

    /// The ladder that a place is on, and the cosines there.
    fn cosines<const N: usize>(&self, place: &Place) -> Option<(usize, [f64; N])> {
        let x = place.position?;
        let ladder = self.ladders.iter().position(|group| *group == place.group)?;
        let cosine = |j: usize| 2f64.sqrt() * libm::cos((j + 1) as f64 * PI * x);
        Some((ladder, std::array::from_fn(cosine)))
    }
}

/// Variances of cosines that make a curve of standard deviation `scale`, as smooth as a Gaussian
/// process with a Matérn 3/2 kernel of this length on the unit interval.
fn spectrum<const N: usize>(length: f64, scale: f64) -> [f64; N] {
    let density = |j: usize| {
        let frequency = (j + 1) as f64 * PI * length;
        let drop = 1.0 + frequency * frequency / 3.0;
        1.0 / (drop * drop)
    };
    let total: f64 = (0..N).map(density).sum();
    std::array::from_fn(|j| scale * scale * density(j) / total)
}
