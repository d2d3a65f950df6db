//! Cross-entropy and error, never flooded, summed within each member in the order of the samples.

use crate::{data::Samples, models::Network, stacked::to_host};
use burn::tensor::{Device, Tensor, TensorData};
use floodgauge_protocol::Metric;

/// Mean cross-entropy and share of errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// In nats; NaN or infinite when diverged.
    loss: f64,
    error: f64,
}

impl Scores {
    /// Mean cross-entropy, in nats.
    pub fn loss(self) -> Metric {
        Metric::from(self.loss)
    }

    /// Share classified wrongly; diverged where the loss is, since no class is the likeliest then.
    pub fn error(self) -> Metric {
        self.loss().finite().map_or(Metric::Diverged, |_| Metric::from(self.error))
    }
}

/// The scores of each member of `model` on `samples` (`dim` features each).
pub fn scores(
    model: &Network,
    members: usize,
    samples: &Samples,
    dim: usize,
    device: &Device,
) -> Vec<Scores> {
    let mut sums = vec![(0.0, 0u64); members];
    // Fixed for a model, so that figures don't depend on the size of a cohort.
    let chunk = model.chunk();
    for (at, labels) in samples.labels.chunks(chunk).enumerate() {
        let from = at * chunk * dim;
        let features = samples.features.numbers(from..from + labels.len() * dim);
        let logits = to_host(model.forward(batch(features, dim, device)));
        let classes = logits.len() / (members * labels.len());
        for ((loss, errors), logits) in sums.iter_mut().zip(logits.chunks(classes * labels.len())) {
            for (row, &label) in logits.chunks(classes).zip(labels) {
                *loss += f64::from(cross_entropy(row, label));
                *errors += u64::from(argmax(row) != usize::from(label));
            }
        }
    }
    let n = samples.len() as f64;
    sums.into_iter()
        .map(|(loss, errors)| Scores { loss: loss / n, error: errors as f64 / n })
        .collect()
}

/// Features as a tensor `[1, samples, dim]`.
pub fn batch(features: Vec<f32>, dim: usize, device: &Device) -> Tensor<3> {
    let samples = features.len() / dim;
    Tensor::from_data(TensorData::new(features, [1, samples, dim]), device)
}

/// The loss of one sample, in nats.
fn cross_entropy(logits: &[f32], label: u8) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|&logit| (logit - most).exp()).sum();
    // The difference first: small losses of confident samples keep their digits.
    sum.ln() + (most - logits[usize::from(label)])
}

/// The mean loss of a mini-batch in nats; writes each sample's to `losses`, and turns `logits`
/// (`[batch, classes]`) into the gradient of each sample's loss with respect to them,
/// softmax − one-hot.
pub fn losses_and_gradients(logits: &mut [f32], labels: &[u8], losses: &mut [f32]) -> f64 {
    let classes = logits.len() / labels.len();
    let mut sum_of_losses = 0.0;
    for ((row, &label), loss) in logits.chunks_mut(classes).zip(labels).zip(losses) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let target = row[usize::from(label)];
        let mut sum = 0.0;
        for logit in row.iter_mut() {
            *logit = (*logit - most).exp();
            sum += *logit;
        }
        *loss = sum.ln() + (most - target);
        sum_of_losses += f64::from(*loss);
        row.iter_mut().for_each(|p| *p /= sum);
        row[usize::from(label)] -= 1.0;
    }
    sum_of_losses / labels.len() as f64
}

/// The first of the largest.
fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_classes() {
        assert!((cross_entropy(&[0.3; 10], 4) - 10f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn small_losses_keep_their_digits_under_large_logits() {
        let loss = cross_entropy(&[100.0, 90.0], 0);
        assert!((f64::from(loss) / (-10f64).exp().ln_1p() - 1.0).abs() < 2e-3, "{loss}");
    }

    #[test]
    fn a_not_a_number_in_the_logits_reaches_the_loss() {
        assert!(cross_entropy(&[0.0, f32::NAN], 0).is_nan());
        assert!(!cross_entropy(&[f32::INFINITY, 0.0], 1).is_finite());
        assert!(!losses_and_gradients(&mut [f32::NAN, 0.0], &[1], &mut [0.0]).is_finite());
    }

    #[test]
    fn gradients_match_finite_differences() {
        let (logits, labels) = ([0.5, -1.0, 2.0, 0.1, 0.2, 0.3], [0, 2]);
        let mut gradients = logits;
        let mut losses = [0.0; 2];
        let loss = losses_and_gradients(&mut gradients, &labels, &mut losses);
        assert_eq!(losses, [cross_entropy(&logits[..3], 0), cross_entropy(&logits[3..], 2)]);
        let mean = |logits: &[f32; 6]| {
            let rows = logits.chunks(3).zip(labels);
            rows.map(|(row, y)| f64::from(cross_entropy(row, y))).sum::<f64>() / 2.0
        };
        assert_eq!(loss, mean(&logits));
        for (i, gradient) in gradients.into_iter().enumerate() {
            let moved = |by| std::array::from_fn(|j| logits[j] + if i == j { by } else { 0.0 });
            let slope = (mean(&moved(0.01)) - mean(&moved(-0.01))) / 0.02;
            assert!((slope - f64::from(gradient) / 2.0).abs() < 1e-4);
        }
    }
}
