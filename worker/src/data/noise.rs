//! Label noise.

use rand::{Rng, RngExt};

/// Flips each label, independently with probability `rate`, to another class drawn uniformly.
pub(super) fn flip(labels: &mut [u8], classes: usize, rate: f64, rng: &mut impl Rng) {
    if classes < 2 {
        return;
    }
    for label in labels {
        // Both draws are made for every label, so that a higher rate flips a superset.
        let (chance, shift) = (rng.random::<f64>(), rng.random_range(1..classes));
        if chance < rate {
            *label = ((usize::from(*label) + shift) % classes) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{Purpose, stream};

    #[test]
    fn the_stated_fraction_of_labels_flips_to_every_other_class() {
        let mut labels = vec![3; 100_000];
        flip(&mut labels, 10, 0.2, &mut stream(0, Purpose::Noise, 0));
        let count = |class| labels.iter().filter(|&&label| label == class).count() as f64;
        assert!((count(3) / 100_000.0 - 0.8).abs() < 0.005);
        for class in (0..10).filter(|&class| class != 3) {
            assert!((count(class) / 100_000.0 - 0.2 / 9.0).abs() < 0.002);
        }
    }

    #[test]
    fn no_noise_changes_nothing_and_full_noise_keeps_nothing() {
        let clean: Vec<u8> = (0..100).map(|i| i % 2).collect();
        let mut labels = clean.clone();
        flip(&mut labels, 2, 0.0, &mut stream(0, Purpose::Noise, 0));
        assert_eq!(labels, clean);
        flip(&mut labels, 2, 1.0, &mut stream(0, Purpose::Noise, 0));
        assert!(labels.iter().zip(&clean).all(|(a, b)| a != b));
    }
}
