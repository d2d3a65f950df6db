//! Random changes to training images, derived from (seed, epoch, sample).

use crate::seeds::{self, Purpose};
use floodgauge_protocol::{Augment, Image};
use rand::RngExt;

/// How the images of one epoch are changed.
#[derive(Clone, Copy, Debug)]
pub struct Augmentation {
    /// Which changes the recipe asks for.
    pub augment: Augment,
    /// The images' size.
    pub image: Image,
    /// The family's seed.
    pub seed: u32,
    /// The epoch, from 0.
    pub epoch: u64,
}

impl Augmentation {
    /// Appends the features of training sample number `sample`, changed.
    pub fn extend(&self, features: &mut Vec<f32>, image: &[f32], sample: usize) {
        let index = self.epoch << 32 | sample as u64;
        let mut rng = seeds::stream(self.seed, Purpose::Augment, index);
        let mirrored = self.augment.flip && rng.random::<bool>();
        let most = self.augment.crop as i32;
        let [down, across] = [(); 2].map(|()| rng.random_range(-most..=most));
        let [height, width] = [self.image.height, self.image.width].map(|n| n as i32);
        for plane in image.chunks_exact((height * width) as usize) {
            for y in 0..height {
                for x in 0..width {
                    let x = if mirrored { width - 1 - x } else { x };
                    let (y, x) = (y + down, x + across);
                    let inside = (0..height).contains(&y) && (0..width).contains(&x);
                    features.push(if inside { plane[(y * width + x) as usize] } else { 0.0 });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn augmented(augment: Augment, epoch: u64, sample: usize) -> Vec<f32> {
        let image = Image { channels: 2, height: 3, width: 4 };
        let mut features = Vec::new();
        let pixels: Vec<f32> = (1..=24u8).map(f32::from).collect();
        Augmentation { augment, image, seed: 5, epoch }.extend(&mut features, &pixels, sample);
        features
    }

    #[test]
    fn half_of_the_images_are_mirrored_in_all_their_channels() {
        let plain: Vec<f32> = (1..=24u8).map(f32::from).collect();
        let mirrored: Vec<f32> =
            plain.chunks(4).flat_map(|row| row.iter().rev().copied()).collect();
        let flip = Augment { flip: true, crop: 0 };
        let found: Vec<_> = (0..200).map(|sample| augmented(flip, 1, sample)).collect();
        assert!(found.iter().all(|image| [&plain, &mirrored].contains(&image)));
        let count = found.iter().filter(|image| **image == mirrored).count();
        assert!((70..130).contains(&count), "{count} of 200");
    }

    #[test]
    fn images_move_by_every_distance_and_zeros_come_in() {
        let crop = Augment { flip: false, crop: 1 };
        let mut found: Vec<_> = (0..200).map(|sample| augmented(crop, 1, sample)).collect();
        // Both channels move alike.
        for image in &found {
            let (first, second) = image.split_at(12);
            let pairs = first.iter().zip(second);
            assert!(pairs.clone().all(|(a, b)| *b == if *a == 0.0 { 0.0 } else { a + 12.0 }));
        }
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        found.dedup();
        assert_eq!(found.len(), 9);
        let moved = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0];
        assert!(found.iter().any(|image| image[..12] == moved));
    }

    #[test]
    fn changes_repeat_for_an_epoch_and_differ_between_epochs() {
        let both = Augment { flip: true, crop: 1 };
        let all = |epoch| (0..20).map(|sample| augmented(both, epoch, sample)).collect::<Vec<_>>();
        assert_eq!(all(3), all(3));
        assert_ne!(all(3), all(4));
    }
}
