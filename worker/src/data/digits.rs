//! The built-in 8×8 optical digits of the UCI repository; see `data/README.md`.

use floodgauge_datasets::{Features, Pool, Set};
use floodgauge_protocol::Image;
use std::{io::Read, sync::OnceLock};

/// Pixels per image.
const PIXELS: usize = 64;
/// The value of the brightest pixel, by which all are divided.
const WHITE: f32 = 16.0;

/// One record per image: 64 pixels of one byte, then the class.
static PACKED: &[u8] = include_bytes!("../../data/digits.bin.gz");

/// All 1,797 images.
pub(super) fn all() -> &'static Set {
    static SET: OnceLock<Set> = OnceLock::new();
    SET.get_or_init(|| {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(PACKED)
            .read_to_end(&mut bytes)
            .expect("the built-in digits unpack: a test has read them");
        let records = bytes.chunks_exact(PIXELS + 1);
        let pixels = records.clone().flat_map(|record| record[..PIXELS].iter().copied()).collect();
        Set {
            dim: PIXELS,
            image: Some(Image::square(1, 8)),
            classes: 10,
            train: Pool {
                features: Features::Bytes(pixels, WHITE),
                labels: records.map(|record| record[PIXELS]).collect(),
            },
            test: None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_digits_are_the_1797_of_the_repository() {
        let pool = &all().train;
        let Features::Bytes(pixels, _) = &pool.features else { panic!("{:?}", pool.features) };
        assert_eq!(pool.len(), 1_797);
        assert_eq!(pixels.len(), 1_797 * PIXELS);
        assert!(pixels.iter().all(|&pixel| pixel <= 16));
        let count = |class| pool.labels.iter().filter(|&&label| label == class).count();
        assert_eq!(
            (0..10).map(count).collect::<Vec<_>>(),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
        assert_eq!(pixels[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    }
}
