//! Random streams derived from what they are for.
//!
//! Every draw comes from a ChaCha8 stream keyed by (seed, purpose, index): a resume needs no
//! generator state, and no draw depends on how many others came before it elsewhere.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Which samples train, which validate.
    Split = 1,
    /// Which labels are flipped, and to what.
    Noise = 2,
    /// Initial weights; the index is the layer.
    Weights = 3,
    /// The order of an epoch's samples; the index is the epoch, from 0.
    Batches = 4,
    /// The samples of a synthetic data set.
    Samples = 5,
    /// How a training image is changed; the index is epoch · 2³² + sample, both from 0.
    Augment = 6,
}

/// The stream of `purpose` number `index` under a family's `seed`.
pub fn stream(seed: u32, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..10].copy_from_slice(b"floodgauge");
    key[12..16].copy_from_slice(&seed.to_le_bytes());
    key[16] = purpose as u8;
    key[24..].copy_from_slice(&index.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_differ_by_seed_purpose_and_index_and_repeat() {
        let draw = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let first = draw(1, Purpose::Split, 0);
        assert_eq!(first, draw(1, Purpose::Split, 0));
        for other in
            [draw(2, Purpose::Split, 0), draw(1, Purpose::Noise, 0), draw(1, Purpose::Split, 1)]
        {
            assert_ne!(first, other);
        }
    }
}
