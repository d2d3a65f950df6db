//! The synthetic sets of the paper (Ishida et al., 2020, §4.1).

use super::{Data, Features, Samples};
use crate::seeds::{self, Purpose};
use floodgauge_protocol::DatasetName;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::PI;

/// Samples in a test set.
const N_TEST: usize = 20_000;

/// Draws training, validation and test samples, all labels clean.
pub(super) fn draw(name: &DatasetName, n_train: usize, n_val: usize, seed: u32) -> Data {
    // A stream for each part: the size of one doesn't move the others.
    let part = |n, index| samples(name, n, &mut seeds::stream(seed, Purpose::Samples, index));
    Data {
        dim: if *name == DatasetName::TwoGaussians { 10 } else { 2 },
        image: None,
        classes: 2,
        train: part(n_train, 0),
        val: part(n_val, 1),
        test: part(N_TEST, 2),
    }
}

fn samples(name: &DatasetName, n: usize, rng: &mut impl Rng) -> Samples {
    let (mut features, mut labels) = (Vec::new(), Vec::with_capacity(n));
    for i in 0..n {
        // Classes alternate where the set says how each is drawn, so that they are balanced.
        let class = (i % 2) as u8;
        let label = match name {
            DatasetName::TwoGaussians => {
                two_gaussians(class, rng, &mut features);
                class
            }
            DatasetName::Spiral => {
                spiral(class, rng, &mut features);
                class
            }
            _ => sinusoid(rng, &mut features),
        };
        labels.push(label);
    }
    Samples { features: Features::Floats(features), labels }
}

/// Identity covariance in ten dimensions, means 0 and 1.
fn two_gaussians(class: u8, rng: &mut impl Rng, features: &mut Vec<f32>) {
    features.extend((0..10).map(|_| (normal(rng) + f64::from(class)) as f32));
}

/// Uniform in the disc of radius 2; positive where w₁·x + sin(w₂·x) is, W = 1.5·I.
fn sinusoid(rng: &mut impl Rng, features: &mut Vec<f32>) -> u8 {
    // Two coordinates of a uniform point on the 3-sphere are uniform in the disc.
    let point: [f64; 4] = std::array::from_fn(|_| normal(rng));
    let norm = point.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (x, y) = (2.0 * point[0] / norm, 2.0 * point[1] / norm);
    features.extend([x as f32, y as f32]);
    u8::from(1.5 * x + (1.5 * y).sin() > 0.0)
}

/// Angle a uniform in [0, 4π]; radius a for the positive class, a + π for the negative one;
/// plus N(0, I).
fn spiral(class: u8, rng: &mut impl Rng, features: &mut Vec<f32>) {
    let angle = rng.random_range(0.0..4.0 * PI);
    let radius = if class == 1 { angle } else { angle + PI };
    let (x, y) = (radius * angle.cos() + normal(rng), radius * angle.sin() + normal(rng));
    features.extend([x as f32, y as f32]);
}

fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: DatasetName) -> Data {
        draw(&name, 100, 100, 7)
    }

    #[test]
    fn every_set_has_the_papers_sizes_and_both_classes() {
        for name in [DatasetName::TwoGaussians, DatasetName::Sinusoid, DatasetName::Spiral] {
            let data = of(name);
            assert_eq!((data.train.len(), data.val.len(), data.test.len()), (100, 100, 20_000));
            assert_eq!(data.test.features.len(), 20_000 * data.dim);
            let ones: usize = data.test.labels.iter().map(|&y| usize::from(y)).sum();
            assert!((9_500..10_500).contains(&ones), "{ones} of class 1");
        }
    }

    #[test]
    fn the_two_gaussians_have_means_zero_and_one() {
        let mut test = of(DatasetName::TwoGaussians).test;
        let features = test.features.to_floats();
        for class in 0..2 {
            let rows = test.labels.iter().zip(features.chunks(10));
            let of_class: Vec<f32> =
                rows.filter(|(y, _)| **y == class).flat_map(|(_, x)| x.to_vec()).collect();
            let mean = of_class.iter().sum::<f32>() / of_class.len() as f32;
            assert!((mean - f32::from(class)).abs() < 0.02, "class {class}: {mean}");
        }
    }

    #[test]
    fn the_sinusoid_fills_its_disc_evenly() {
        let mut test = of(DatasetName::Sinusoid).test;
        let features = test.features.to_floats();
        let inside = features.chunks(2).filter(|x| x[0].hypot(x[1]) < 1.0).count();
        assert!(features.chunks(2).all(|x| x[0].hypot(x[1]) <= 2.0));
        assert!((inside as f64 / 20_000.0 - 0.25).abs() < 0.02);
    }

    #[test]
    fn the_negative_spiral_lies_further_out() {
        let mut test = of(DatasetName::Spiral).test;
        let features = test.features.to_floats();
        let mean_radius = |class| {
            let rows = test.labels.iter().zip(features.chunks(2));
            let radii: Vec<f32> =
                rows.filter(|(y, _)| **y == class).map(|(_, x)| x[0].hypot(x[1])).collect();
            radii.iter().sum::<f32>() / radii.len() as f32
        };
        assert!((mean_radius(0) - mean_radius(1) - std::f32::consts::PI).abs() < 0.3);
    }
}
