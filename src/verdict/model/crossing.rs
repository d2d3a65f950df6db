//! Which levels other seeds would reach.
//!
//! The lower a level, the later a training loss falls below it; so what a seed tells of a ladder of levels
//! is one number, its lowest level that was reached. Other seeds are drawn from those that were seen by a
//! Bayesian bootstrap (Rubin, *Annals of Statistics*, 1981), with one seed beside them that nobody saw: any
//! of those seen, a level lower or higher. Without that, three seeds that agree would leave no doubt.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};

/// How many levels the seed beside those that were seen lies lower or higher, each as likely. Chosen on
/// recorded grids, by the interval score: docs/results.md, *How sure*.
const SHIFTS: [isize; 3] = [-1, 0, 1];

/// The lowest levels that some seeds reached, and what others would reach.
#[derive(Clone, Debug)]
pub struct Crossings {
    /// Of each ladder and seed, the rank of the lowest level reached; as many as there are levels where
    /// none was.
    lowest: Vec<Vec<usize>>,
    /// Of each arm, its ladder and its rank there; none for one that needs no level reached.
    ranks: Vec<Option<(usize, usize)>>,
}

/// Another seed: as one that was seen, so many levels lower or higher.
#[derive(Clone, Copy, Debug)]
pub struct Alike {
    seed: usize,
    shift: isize,
}

impl Crossings {
    /// Those of seeds that each reached their `lowest` of each ladder, for arms at `ranks`: a ladder, and a
    /// place in it from 0.
    pub fn new(lowest: Vec<Vec<usize>>, ranks: Vec<Option<(usize, usize)>>) -> Self {
        Self { lowest, ranks }
    }

    /// The share of other seeds to expect that reach an arm's level. 0 where no seed did.
    pub fn share(&self, arm: usize) -> f64 {
        let Some((ladder, _)) = self.ranks[arm] else { return 1.0 };
        let seeds = 0..self.lowest[ladder].len();
        let reach = |shifts: &[isize]| {
            let all = seeds.clone().flat_map(|seed| shifts.iter().map(move |&s| (seed, s)));
            let reached = all.filter(|&(seed, shift)| self.reaches(Alike { seed, shift }, arm));
            reached.count() as f64 / shifts.len() as f64
        };
        let (seen, n) = (reach(&[0]), seeds.len() as f64);
        // Every seed weighs as much as any other, on average, the one that nobody saw among them.
        (seen + reach(&SHIFTS) / n) / (n + 1.0)
    }

    /// The variance of that share, by what the seeds seen leave open.
    pub fn share_variance(&self, arm: usize) -> f64 {
        let Some((ladder, _)) = self.ranks[arm] else { return 0.0 };
        let share = self.share(arm);
        share * (1.0 - share) / (self.lowest[ladder].len() as f64 + 2.0)
    }

    /// Draws `count` other seeds.
    pub fn draw(&self, count: usize, rng: &mut impl Rng) -> Vec<Alike> {
        let seeds = self.lowest.first().map_or(0, Vec::len);
        if seeds == 0 {
            return vec![Alike { seed: 0, shift: 0 }; count];
        }
        let weights: Vec<f64> = (0..=seeds).map(|_| Exp1.sample(rng)).collect();
        let total: f64 = weights.iter().sum();
        (0..count)
            .map(|_| {
                let mut left = total * rng.random::<f64>();
                let seed = weights[..seeds].iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                });
                match seed {
                    Some(seed) => Alike { seed, shift: 0 },
                    None => Alike {
                        seed: rng.random_range(0..seeds),
                        shift: SHIFTS[rng.random_range(0..SHIFTS.len())],
                    },
                }
            })
            .collect()
    }

    /// Whether another seed reaches an arm's level. None reaches lower than all that were seen; and how far below
    /// the lowest level one that reached it lies isn't known, so that a level higher tells nothing.
    pub fn reaches(&self, other: Alike, arm: usize) -> bool {
        let Some((ladder, rank)) = self.ranks[arm] else { return true };
        let seen = &self.lowest[ladder];
        let floor = seen.iter().copied().min().unwrap_or(0);
        let lowest = match seen[other.seed] {
            0 => 0,
            lowest => lowest.saturating_add_signed(other.shift),
        };
        lowest.max(floor) <= rank
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// A ladder of some levels beside plain, of which seeds reached these and above.
    fn crossings(levels: usize, lowest: &[usize]) -> Crossings {
        let ranks = [None].into_iter().chain((0..levels).map(|rank| Some((0, rank))));
        Crossings::new(vec![lowest.to_vec()], ranks.collect())
    }

    #[test]
    fn what_no_seed_reached_no_other_does_and_what_needs_no_level_each_does() {
        let none = crossings(3, &[3, 3]);
        assert_eq!([0, 1, 2, 3].map(|arm| none.share(arm)), [1.0, 0.0, 0.0, 0.0]);
        let some = crossings(3, &[1, 1]);
        assert_eq!([some.share(1), some.share(3)], [0.0, 1.0]);
        // One of three seeds is the one that nobody saw, and one in three of those lies a level higher.
        assert!((some.share(2) - 8.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn a_seed_that_reached_the_lowest_level_leaves_no_doubt_of_the_one_above() {
        let all = crossings(3, &[0, 0]);
        assert_eq!([1, 2, 3].map(|arm| all.share(arm)), [1.0; 3]);
    }

    proptest! {
        #[test]
        fn the_share_rises_with_the_level_and_is_that_of_the_draws(
            lowest in proptest::collection::vec(0usize..7, 2..6), stream in any::<u64>()
        ) {
            let crossings = crossings(6, &lowest);
            let shares: Vec<f64> = (1..=6).map(|arm| crossings.share(arm)).collect();
            prop_assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]));
            let mut rng = ChaCha8Rng::seed_from_u64(stream);
            let mut reached = [0u32; 6];
            for _ in 0..2_000 {
                let other = crossings.draw(1, &mut rng)[0];
                for (arm, count) in reached.iter_mut().enumerate() {
                    *count += u32::from(crossings.reaches(other, arm + 1));
                }
            }
            for (count, share) in reached.iter().zip(&shares) {
                // Seven standard errors.
                let tolerance = 7.0 * (0.25f64 / 2_000.0).sqrt();
                prop_assert!((f64::from(*count) / 2_000.0 - share).abs() < tolerance);
            }
        }
    }
}
