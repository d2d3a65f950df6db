//! The built-in 8×8 optical digits of the UCI repository; see `data/README.md`.

use super::Pool;
use std::{io::Read, sync::OnceLock};

/// Pixels per image.
pub(super) const DIM: usize = 64;
/// The brightest pixel.
pub(super) const SCALE: f32 = 16.0;

/// One record per image: 64 pixels of one byte, then the class.
static PACKED: &[u8] = include_bytes!("../../data/digits.bin.gz");

/// All 1,797 images.
pub(super) fn all() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(PACKED)
            .read_to_end(&mut bytes)
            .expect("the built-in digits unpack: a test has read them");
        let records = bytes.chunks_exact(DIM + 1);
        Pool {
            dim: DIM,
            labels: records.clone().map(|record| record[DIM]).collect(),
            features: records.flat_map(|record| record[..DIM].iter().copied()).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_digits_are_the_1797_of_the_repository() {
        let pool = all();
        assert_eq!(pool.len(), 1_797);
        assert_eq!(pool.features.len(), 1_797 * DIM);
        assert!(pool.features.iter().all(|&pixel| pixel <= 16));
        let count = |class| pool.labels.iter().filter(|&&label| label == class).count();
        assert_eq!(
            (0..10).map(count).collect::<Vec<_>>(),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
        assert_eq!(pool.features[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    }
}
