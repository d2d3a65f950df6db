//! The same weights by operations of the device, for several members at once.

use super::SOFTAD_SIGMA;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use floodgauge_protocol::{Method, below::in_training};

/// The methods of several members.
#[derive(Clone, Debug)]
pub struct Weights {
    /// The levels of members, 0 where they have none, `[K, 1]`.
    levels: Tensor<2>,
    /// Which members a kind of weight is for, `[K, 1]`; none where it is for none.
    flood: Option<Tensor<2, Bool>>,
    iflood: Option<Tensor<2, Bool>>,
    softad: Option<Tensor<2, Bool>>,
}

impl Weights {
    /// Those of `methods`, one for each member.
    pub fn of(methods: &[Method], device: &Device) -> Self {
        let shape = [methods.len(), 1];
        let which = |is: fn(&Method) -> bool| {
            let which: Vec<_> = methods.iter().map(is).collect();
            let any = which.contains(&true);
            any.then(|| Tensor::from_data(TensorData::new(which, shape), device))
        };
        let level = |method: &Method| method.level().map_or(0.0, in_training);
        let levels: Vec<_> = methods.iter().map(level).collect();
        Self {
            levels: Tensor::from_data(TensorData::new(levels, shape), device),
            flood: which(|method| matches!(method, Method::Flood { .. })),
            iflood: which(|method| matches!(method, Method::Iflood { .. })),
            softad: which(|method| matches!(method, Method::Softad { .. })),
        }
    }

    /// The weight of each sample `[K, batch]`, as [`weight`](super::weight) tells it: `means`
    /// `[K, 1]` and `losses` `[K, batch]` in nats. On the device, `lower` of two tensors of 32 bits is
    /// what [`is_below`](floodgauge_protocol::below::is_below) is of two numbers.
    pub fn weigh(&self, means: Tensor<2>, losses: Tensor<2>) -> Tensor<2> {
        let shape = losses.dims();
        let levels = self.levels.clone().expand(shape);
        let mut weights = losses.ones_like();
        if let Some(flood) = &self.flood {
            let below = means.lower(self.levels.clone()).bool_and(flood.clone());
            weights = weights.mask_fill(below.expand(shape), -1.0);
        }
        if let Some(iflood) = &self.iflood {
            let iflood = iflood.clone().expand(shape);
            let below = losses.clone().lower(levels.clone()).bool_and(iflood);
            weights = weights.mask_fill(below, -1.0);
        }
        if let Some(softad) = &self.softad {
            let x = (losses - levels) / SOFTAD_SIGMA;
            let soft = x.clone() / (x.clone() * x + 1.0).sqrt();
            weights = weights.mask_where(softad.clone().expand(shape), soft);
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{flood::weight, stacked::to_host};

    #[test]
    fn every_method_weighs_as_it_does_sample_by_sample() {
        let device = Device::flex();
        let methods = [
            Method::Plain,
            Method::Flood { b: 0.3 },
            Method::Flood { b: 0.31 },
            Method::Iflood { b: 0.3 },
            Method::Softad { b: 0.3 },
            Method::Alternating { descent: 0.1, ascent: 0.05 },
            Method::GradientPenalty { lambda: 0.1, rho: 0.05 },
        ];
        let losses = [0.0f32, 0.3, 0.31, 0.59];
        let mean = 0.3f32;
        let all: Vec<_> = methods.iter().flat_map(|_| losses).collect();
        let losses_of_all = Tensor::from_data(TensorData::new(all, [methods.len(), 4]), &device);
        let means = Tensor::full([methods.len(), 1], mean, &device);
        let found = to_host(Weights::of(&methods, &device).weigh(means, losses_of_all));
        let expected =
            methods.iter().flat_map(|&method| losses.map(|loss| weight(method, mean, loss)));
        for (i, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-6, "{}: {found}, not {expected}", methods[i / 4]);
        }
    }
}
