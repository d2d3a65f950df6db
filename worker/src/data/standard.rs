//! Standardisation: each feature of mean 0 and deviation 1, as training sees it.

use super::Data;

/// Shifts and scales each feature, of images each channel, by the mean and the deviation of the
/// training samples; validation and test samples by the same figures, of which they are no part.
/// A feature that doesn't vary is shifted alone.
pub(super) fn ize(data: &mut Data) {
    let groups = data.image.map_or(data.dim, |image| image.channels as usize).max(1);
    let width = (data.dim / groups).max(1);
    let train = data.train.features.to_floats();
    let figures: Vec<_> =
        (0..groups).map(|group| figures(train, data.dim, group * width, width)).collect();
    for part in [&mut data.train, &mut data.val, &mut data.test] {
        for sample in part.features.to_floats().chunks_exact_mut(data.dim) {
            for (values, (mean, scale)) in sample.chunks_exact_mut(width).zip(&figures) {
                for value in values {
                    *value = ((f64::from(*value) - mean) * scale) as f32;
                }
            }
        }
    }
}

/// The mean of so many features, and what makes their deviation 1.
fn figures(features: &[f32], dim: usize, from: usize, width: usize) -> (f64, f64) {
    let values = || {
        let rows = features.chunks_exact(dim);
        rows.flat_map(|row| &row[from..from + width]).map(|&value| f64::from(value))
    };
    let count = (features.len() / dim.max(1) * width).max(1) as f64;
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    // What the sums' rounding leaves of a constant feature is no deviation.
    let varies = deviation > 1e-9 * mean.abs().max(f64::MIN_POSITIVE);
    (mean, if varies { 1.0 / deviation } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Features, Samples},
        *,
    };
    use floodgauge_protocol::Image;

    fn data(dim: usize, image: Option<Image>, train: &[f32], val: &[f32]) -> Data {
        let samples = |features: &[f32]| Samples {
            features: Features::Floats(features.to_vec()),
            labels: vec![0; features.len() / dim],
        };
        let (train, val) = (samples(train), samples(val));
        Data { dim, image, classes: 2, train, test: val.clone(), val }
    }

    #[test]
    fn each_feature_gets_mean_0_and_deviation_1_in_training() {
        let mut data = data(2, None, &[1.0, 10.0, 3.0, 30.0], &[2.0, 50.0]);
        ize(&mut data);
        assert_eq!(*data.train.features.to_floats(), [-1.0, -1.0, 1.0, 1.0]);
        assert_eq!(*data.val.features.to_floats(), [0.0, 3.0]);
        assert_eq!(*data.test.features.to_floats(), [0.0, 3.0]);
    }

    #[test]
    fn other_samples_take_no_part_in_the_figures() {
        let train = [0.5, 1.5, -2.0, 7.0];
        let mut calm = data(2, None, &train, &[1.0, 1.0]);
        let mut wild = data(2, None, &train, &[1e9, -1e9]);
        ize(&mut calm);
        ize(&mut wild);
        assert_eq!(calm.train, wild.train);
    }

    #[test]
    fn the_pixels_of_a_channel_share_their_figures() {
        let image = Some(Image { channels: 2, height: 1, width: 2 });
        let mut data = data(4, image, &[1.0, 3.0, 0.0, 40.0], &[2.0, 2.0, 20.0, 60.0]);
        ize(&mut data);
        assert_eq!(*data.train.features.to_floats(), [-1.0, 1.0, -1.0, 1.0]);
        assert_eq!(*data.val.features.to_floats(), [0.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn a_feature_that_does_not_vary_is_shifted_alone() {
        let mut data = data(1, None, &[0.1, 0.1, 0.1], &[0.6]);
        ize(&mut data);
        assert!(data.train.features.to_floats().iter().all(|value| value.abs() < 1e-6));
        assert!((data.val.features.to_floats()[0] - 0.5).abs() < 1e-6);
    }
}
