//! How large features are, measured as they come by.

use floodgauge_protocol::{FeatureScale, Image, Scales};

/// Measures features a piece at a time, however the pieces are cut; holds a few numbers of each feature and no sample.
#[derive(Clone, Debug)]
pub struct Gauge {
    /// How many features a sample has; those that have come are held, whatever a file says that it has.
    count: usize,
    features: Vec<Running>,
    /// How many numbers in a row of a sample are one feature's: of images, those of a channel.
    width: usize,
    /// The feature whose number comes next, and how many of its row have come.
    at: (usize, usize),
}

impl Gauge {
    /// Of samples of `dim` numbers; of images, the channels are measured.
    pub fn new(dim: usize, image: Option<Image>) -> Self {
        let count = image.map_or(dim, |image| image.channels as usize).max(1);
        let width = (dim / count).max(1);
        Self { count, features: Vec::new(), width, at: (0, 0) }
    }

    /// Takes the next numbers, sample after sample.
    pub fn take(&mut self, mut numbers: &[f32]) {
        while !numbers.is_empty() {
            let (feature, past) = self.at;
            let (row, rest) = numbers.split_at((self.width - past).min(numbers.len()));
            if feature == self.features.len() {
                self.features.push(Running::NONE);
            }
            let running = &mut self.features[feature];
            row.iter().for_each(|&number| running.take(number));
            self.at = match past + row.len() {
                past if past < self.width => (feature, past),
                _ if feature + 1 < self.count => (feature + 1, 0),
                _ => (0, 0),
            };
            numbers = rest;
        }
    }

    /// What was found; `column` says which column a feature is. None before the first sample.
    pub fn scales(&self, column: impl Fn(usize) -> usize) -> Option<Scales> {
        let found = self.features.iter().enumerate();
        let found: Vec<_> = found.map(|(i, running)| running.scale(column(i) as u32)).collect();
        let size = FeatureScale::root_mean_square;
        // The first of equals.
        let larger = |a: FeatureScale, b: FeatureScale| if size(&b) > size(&a) { b } else { a };
        let narrower = |a: FeatureScale, b: FeatureScale| match b.half_span() < a.half_span() {
            true => b,
            false => a,
        };
        let varying = || found.iter().copied().filter(|feature| feature.min < feature.max);
        Some(Scales {
            largest: found.iter().copied().reduce(larger)?,
            narrowest: varying().reduce(narrower),
            constant: (found.len() - varying().count()) as u32,
        })
    }
}

/// What is known of a feature's numbers so far: Welford's recurrence (B. P. Welford, Technometrics 4 (3), 1962), which
/// loses no digits to large sums, on the distances to the first number, so that it loses none to a large mean either.
#[derive(Clone, Copy, Debug)]
struct Running {
    count: u64,
    first: f32,
    min: f32,
    max: f32,
    /// The mean distance to the first number.
    mean: f64,
    /// The sum of squared distances to the mean.
    squares: f64,
}

impl Running {
    const NONE: Self = Self {
        count: 0,
        first: 0.0,
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
        mean: 0.0,
        squares: 0.0,
    };

    fn take(&mut self, number: f32) {
        if self.count == 0 {
            self.first = number;
        }
        self.count += 1;
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        let distance = f64::from(number) - f64::from(self.first);
        let before = distance - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (distance - self.mean);
    }

    fn scale(&self, column: u32) -> FeatureScale {
        FeatureScale {
            column,
            min: self.min,
            max: self.max,
            mean: f64::from(self.first) + self.mean,
            deviation: (self.squares / self.count.max(1) as f64).max(0.0).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn measured(dim: usize, image: Option<Image>, numbers: &[f32]) -> Scales {
        let mut gauge = Gauge::new(dim, image);
        gauge.take(numbers);
        gauge.scales(|feature| feature).unwrap()
    }

    /// Mean and deviation in two passes over the numbers.
    fn two_passes(numbers: &[f32]) -> (f64, f64) {
        let (count, numbers) = (numbers.len() as f64, || numbers.iter().map(|&x| f64::from(x)));
        let mean = numbers().sum::<f64>() / count;
        let variance = numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    }

    fn near(found: f64, expected: f64, within: f64) -> bool {
        (found - expected).abs() <= 1e-9 * within
    }

    proptest! {
        #[test]
        fn what_comes_by_is_measured_as_two_passes_would(
            // Numbers far from 0, near to it, and some of either.
            offset in prop::sample::select(vec![0.0f32, 1.0, -2_000.0, 1e5, 1e20]),
            spread in prop::sample::select(vec![1e-3f32, 1.0, 3e4, 1e18]),
            parts in prop::collection::vec((-1.0f32..1.0, prop::bool::weighted(0.05)), 1..300),
            cut in 0usize..300,
        ) {
            let numbers: Vec<f32> = parts
                .iter()
                .map(|&(part, far)| offset + part * spread * if far { 1e3 } else { 1.0 })
                .collect();
            let mut gauge = Gauge::new(1, None);
            let (head, tail) = numbers.split_at(cut.min(numbers.len()));
            gauge.take(head);
            gauge.take(tail);
            let found = gauge.scales(|feature| feature).unwrap().largest;
            let (mean, deviation) = two_passes(&numbers);
            let (min, max) = (found.min, found.max);
            prop_assert!(numbers.iter().all(|x| (min..=max).contains(x)));
            prop_assert!(numbers.contains(&min) && numbers.contains(&max));
            // A mean near 0 is a difference of numbers as large as these.
            let size = f64::from(min.abs().max(max.abs()));
            prop_assert!(near(found.mean, mean, size), "{} {}", found.mean, mean);
            // What a constant's sums leave in two passes is no deviation.
            let expected = if min == max { 0.0 } else { deviation };
            prop_assert!(
                near(found.deviation, expected, expected),
                "{} {}", found.deviation, expected
            );
        }

        #[test]
        fn pieces_may_be_cut_anywhere(
            numbers in prop::collection::vec(-1e3f32..1e3, 24),
            mut cuts in prop::collection::vec(0usize..=24, 0..6),
            channels in prop::sample::select(vec![None, Some(1), Some(3)]),
        ) {
            let image = channels.map(|channels| Image { channels, height: 2, width: 3 / channels });
            cuts.extend([0, 24]);
            cuts.sort_unstable();
            let mut gauge = Gauge::new(6, image);
            cuts.windows(2).for_each(|piece| gauge.take(&numbers[piece[0]..piece[1]]));
            prop_assert_eq!(gauge.scales(|feature| feature), Some(measured(6, image, &numbers)));
        }
    }

    #[test]
    fn the_largest_and_the_narrowest_feature_are_told_and_constant_ones_counted() {
        let rows = [[0.5, 7.0, 1e5, -2.0], [0.25, 7.0, 0.0, 2.0], [0.5, 7.0, 5e4, -2.0]];
        let scales = measured(4, None, rows.as_flattened());
        let FeatureScale { column, min, max, mean, deviation } = scales.largest;
        assert_eq!((column, min, max), (2, 0.0, 1e5));
        assert!(near(mean, 5e4, 5e4) && near(deviation, (5e9f64 / 3.0).sqrt(), 5e4));
        let narrowest = scales.narrowest.unwrap();
        assert_eq!((narrowest.column, narrowest.min, narrowest.max), (0, 0.25, 0.5));
        assert_eq!(scales.constant, 1);
        let constant = measured(2, None, &[-3.0, 0.0, -3.0, 0.0]);
        assert_eq!((constant.largest.column, constant.narrowest, constant.constant), (0, None, 2));
        assert_eq!((constant.largest.mean, constant.largest.deviation), (-3.0, 0.0));
    }

    #[test]
    fn the_numbers_of_a_channel_are_one_feature() {
        let image = Some(Image { channels: 2, height: 1, width: 2 });
        let scales = measured(4, image, &[0.0, 1.0, 10.0, 30.0, 0.5, 0.0, 20.0, 40.0]);
        assert_eq!(
            (scales.largest.column, scales.largest.min, scales.largest.max),
            (1, 10.0, 40.0)
        );
        assert_eq!((scales.largest.mean, scales.constant), (25.0, 0));
        let narrowest = scales.narrowest.unwrap();
        assert_eq!((narrowest.column, narrowest.min, narrowest.max), (0, 0.0, 1.0));
    }

    #[test]
    fn a_column_whose_mean_is_huge_keeps_its_deviation() {
        let numbers: Vec<f32> = (0..100_000).map(|i| 16_777_214.0 + (i % 2) as f32).collect();
        let scales = measured(1, None, &numbers);
        assert!(near(scales.largest.deviation, 0.5, 0.5), "{}", scales.largest.deviation);
    }

    #[test]
    fn nothing_is_said_of_no_samples() {
        assert_eq!(Gauge::new(3, None).scales(|feature| feature), None);
    }
}
