//! The same rules by operations of the device, for several members at once.

use super::Pair;
use burn::tensor::{Bool, Tensor, TensorData};
use floodgauge_protocol::Method;

/// What several members do with two gradients of one mini-batch; a number of each is `[K, 1, 1]`.
pub struct Pairs {
    /// Whether a member takes alternating steps; else it penalises.
    alternating: Tensor<3, Bool>,
    descent: Tensor<3>,
    ascent: Tensor<3>,
    decay: f32,
    lambda: Tensor<3>,
    /// 0 where the gradient vanishes, and the penalty with it.
    radius: Tensor<3>,
}

impl Pairs {
    /// See [`Pair::of`]: `methods` all take two gradients, and `norms` are those of the first.
    pub fn of(methods: &[Method], norms: Tensor<3>, rate: f64, decay: f32) -> Self {
        let device = norms.device();
        // The norm comes later, on the device.
        let pairs: Vec<_> =
            methods.iter().filter_map(|&method| Pair::of(method, 1.0, rate, decay)).collect();
        let shape = [pairs.len(), 1, 1];
        let numbers = |number: fn(Pair) -> f32| {
            let values: Vec<_> = pairs.iter().map(|&pair| number(pair)).collect();
            Tensor::<3>::from_data(TensorData::new(values, shape), &device)
        };
        let alternating: Vec<_> =
            pairs.iter().map(|pair| matches!(pair, Pair::Alternating { .. })).collect();
        let rho =
            numbers(|pair| if let Pair::Penalty { radius, .. } = pair { radius } else { 0.0 });
        let vanishes = norms.clone().equal_elem(0.0);
        Self {
            alternating: Tensor::from_data(TensorData::new(alternating, shape), &device),
            descent: numbers(|pair| match pair {
                Pair::Alternating { descent, .. } => descent,
                Pair::Penalty { .. } => 0.0,
            }),
            ascent: numbers(|pair| match pair {
                Pair::Alternating { ascent, .. } => ascent,
                Pair::Penalty { .. } => 0.0,
            }),
            decay,
            lambda: numbers(|pair| match pair {
                Pair::Alternating { .. } => 0.0,
                Pair::Penalty { lambda, .. } => lambda,
            }),
            radius: (rho / norms).mask_fill(vanishes, 0.0),
        }
    }

    /// Where the second gradients are taken, from weights and the first ones.
    pub fn point(&self, theta: &Tensor<3>, first: &Tensor<3>) -> Tensor<3> {
        let decayed = first.clone() + theta.clone() * self.decay;
        let down = theta.clone() - decayed * self.descent.clone();
        let away = theta.clone() + first.clone() * self.radius.clone();
        away.mask_where(self.alternating.clone().expand(theta.dims()), down)
    }

    /// Ends the step: moves the weights of alternating members, and turns the first gradients of
    /// penalised ones into the optimiser's.
    pub fn close(
        &self,
        theta: &mut Tensor<3>,
        first: &mut Tensor<3>,
        point: Tensor<3>,
        second: Tensor<3>,
    ) {
        let alternating = self.alternating.clone().expand(theta.dims());
        let up = second.clone() - point.clone() * self.decay;
        let moved = point + up * self.ascent.clone();
        theta.inplace(|theta| theta.mask_where(alternating.clone(), moved));
        // The others have no radius.
        let none = self.radius.clone().equal_elem(0.0).expand(first.dims());
        let slope = (second - first.clone()) / self.radius.clone();
        let penalised = first.clone() + slope * self.lambda.clone();
        first.inplace(|first| penalised.mask_where(none, first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pair::take_second, stacked::to_host};
    use burn::tensor::Device;

    #[test]
    fn members_move_as_they_do_by_themselves() {
        let methods = [
            Method::Alternating { descent: 0.1, ascent: 0.06 },
            Method::GradientPenalty { lambda: 0.4, rho: 0.05 },
            Method::GradientPenalty { lambda: 0.4, rho: 0.05 },
        ];
        // The last gradient vanishes.
        let (theta, first) =
            ([0.5f32, -1.0, 2.0, 0.3, 0.7, -0.2], [3.0f32, 4.0, 0.6, -0.8, 0.0, 0.0]);
        let second = [2.0f32, 4.5, 0.5, -0.9, 0.1, 0.2];
        let norms = [5.0f32, 1.0, 0.0];
        let pairs: Vec<_> = methods
            .iter()
            .zip(norms)
            .filter_map(|(&method, norm)| Pair::of(method, f64::from(norm), 0.5, 0.01))
            .collect();
        let (mut moved, mut gradient) = ([theta.to_vec()], [first.to_vec()]);
        let mut points = vec![];
        take_second(&pairs, &mut moved, &mut gradient, |at| {
            points = at[0].clone();
            vec![second.to_vec()]
        });

        let device = Device::flex();
        let tensor = |values: &[f32]| {
            Tensor::<3>::from_data(
                TensorData::new(values.to_vec(), [3, 1, values.len() / 3]),
                &device,
            )
        };
        let rules = Pairs::of(&methods, tensor(&norms), 0.5, 0.01);
        let (mut theta, mut first) = (tensor(&theta), tensor(&first));
        let point = rules.point(&theta, &first);
        rules.close(&mut theta, &mut first, point.clone(), tensor(&second));
        for (found, expected) in [(point, &points), (theta, &moved[0]), (first, &gradient[0])] {
            for (found, expected) in to_host(found).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
            }
        }
    }
}
