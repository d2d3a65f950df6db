//! What the sweeps train on: a table that is fetched, so that a worker needs its disk.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;

/// What it is called.
pub const NAME: &str = "signs";

/// As many rows as make it larger than a broken disk takes.
const ROWS: usize = 3_000;
const FEATURES: usize = 24;

/// One label of five says nothing, so that levels are crossed late and only by learning by heart.
const NOISE: f64 = 0.2;

/// Rows of features between -1 and 1; the class is the sign of their sum, but for the noise.
pub fn table() -> String {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut table = String::new();
    for _ in 0..ROWS {
        let features: [f64; FEATURES] = std::array::from_fn(|_| random.random_range(-1.0..1.0));
        features.iter().for_each(|feature| write!(table, "{feature:.4},").unwrap());
        let class = features.iter().sum::<f64>() > 0.0;
        writeln!(table, "{}", u8::from(class != random.random_bool(NOISE))).unwrap();
    }
    table
}
