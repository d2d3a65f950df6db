//! Methods that take two gradients of one mini-batch.
//!
//! The rules are functions of weights and of a closure that gives the gradient there, so that
//! what trains is also what the tests hold against formulas on small smooth losses.

mod tensors;

pub use tensors::Pairs;

use floodgauge_protocol::Method;

/// What one member does with two gradients of one mini-batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pair {
    /// `θ ← θ − ε₁ (g(θ) + decay·θ)`, then `θ ← θ + ε₂ (g(θ) − decay·θ)`: two steps of plain SGD,
    /// the second with the weight −1, each with its own L2, which shrinks the weights as it does
    /// in the ascending steps of flooding.
    Alternating {
        /// The learning rate ε₁ of the step down, at this step of the schedule.
        descent: f32,
        /// The learning rate ε₂ of the step up, likewise.
        ascent: f32,
        /// L2, the family's weight decay.
        decay: f32,
    },
    /// The gradient `g + λ (g(θ + r g) − g) / r` for the recipe's optimiser, by finite difference
    /// that of `L + (λ/2)·‖∇L‖²`.
    Penalty {
        /// The weight λ of the penalty.
        lambda: f32,
        /// The factor r = ρ / ‖g‖; infinite where the gradient vanishes, and the penalty with it.
        radius: f32,
    },
}

impl Pair {
    /// The pair that `method` makes of a first gradient of norm `norm`, if it takes two. The rates
    /// of alternating steps are multiplied by `rate`, the schedule's factor.
    pub fn of(method: Method, norm: f64, rate: f64, decay: f32) -> Option<Self> {
        match method {
            Method::Alternating { descent, ascent } => Some(Self::Alternating {
                descent: (rate * descent) as f32,
                ascent: (rate * ascent) as f32,
                decay,
            }),
            Method::GradientPenalty { lambda, rho } => {
                Some(Self::Penalty { lambda: lambda as f32, radius: (rho / norm) as f32 })
            }
            _ => None,
        }
    }

    /// Where the second gradient is taken, from weights and the first one.
    fn point(self, theta: f32, first: f32) -> f32 {
        match self {
            Self::Alternating { descent, decay, .. } => theta - descent * (first + decay * theta),
            Self::Penalty { radius, .. } if radius.is_infinite() => theta,
            Self::Penalty { radius, .. } => theta + radius * first,
        }
    }

    /// Ends the step on one weight: moves it (alternating), or turns its first gradient into the
    /// optimiser's (penalty).
    fn close(self, theta: &mut f32, first: &mut f32, point: f32, second: f32) {
        match self {
            Self::Alternating { ascent, decay, .. } => {
                *theta = point + ascent * (second - decay * point);
            }
            Self::Penalty { radius, .. } if radius.is_infinite() => {}
            Self::Penalty { lambda, radius } => *first += lambda * (second - *first) / radius,
        }
    }
}

/// Takes the second gradient of several members, at least one, at once.
///
/// `theta` and `first` hold an array for each parameter, with as many equal parts as there are
/// `pairs`; `gradient` gives the gradients, in the same form, at weights in that form. Afterwards
/// `theta` holds the weights of alternating members, moved, and `first` the gradients of penalised
/// ones, for the optimiser.
pub fn take_second(
    pairs: &[Pair],
    theta: &mut [Vec<f32>],
    first: &mut [Vec<f32>],
    gradient: impl FnOnce(&[Vec<f32>]) -> Vec<Vec<f32>>,
) {
    let part = |values: &[f32]| (values.len() / pairs.len()).max(1);
    let mut points = Vec::with_capacity(theta.len());
    for (theta, first) in theta.iter().zip(first.iter()) {
        let members = theta.chunks(part(theta)).zip(first.chunks(part(first))).zip(pairs);
        let point = members.flat_map(|((theta, first), pair)| {
            theta.iter().zip(first).map(|(&theta, &first)| pair.point(theta, first))
        });
        points.push(point.collect());
    }
    let seconds = gradient(&points);
    for (i, second) in seconds.iter().enumerate() {
        let part = part(second);
        let changed = theta[i].chunks_mut(part).zip(first[i].chunks_mut(part));
        let given = points[i].chunks(part).zip(second.chunks(part));
        for (((theta, first), (point, second)), pair) in changed.zip(given).zip(pairs) {
            let changed = theta.iter_mut().zip(first);
            for ((theta, first), (&point, &second)) in changed.zip(point.iter().zip(second)) {
                pair.close(theta, first, point, second);
            }
        }
    }
}

/// The norm of gradients given in parts, summed in their order.
pub fn norm<'a>(parts: impl IntoIterator<Item = &'a [f32]>) -> f64 {
    let squares = parts.into_iter().flatten().map(|&value| f64::from(value) * f64::from(value));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ ½ aᵢ xᵢ² + ¼ cᵢ xᵢ⁴ + ½ m (Σ xᵢ)², and what can be derived from it by hand.
    const A: [f64; 3] = [0.5, 1.0, -0.3];
    const C: [f64; 3] = [0.4, 0.2, 0.6];
    const M: f64 = 0.3;
    const AT: [f32; 3] = [0.9, -0.7, 1.1];

    fn gradient(x: &[f32]) -> Vec<f32> {
        let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let sum: f64 = x.iter().sum();
        (0..3).map(|i| (A[i] * x[i] + C[i] * x[i].powi(3) + M * sum) as f32).collect()
    }

    /// The Hessian at `AT` times `v`, exactly; `2 H g` is the gradient of `‖g‖²`.
    fn hessian_times(v: &[f32]) -> Vec<f64> {
        let v: Vec<f64> = v.iter().map(|&v| f64::from(v)).collect();
        let sum: f64 = v.iter().sum();
        let curve = |i: usize| A[i] + 3.0 * C[i] * f64::from(AT[i]).powi(2);
        (0..3).map(|i| curve(i) * v[i] + M * sum).collect()
    }

    /// One step by `pair` from `AT`: the weights and the gradient that are left.
    fn step(pair: Pair) -> (Vec<f32>, Vec<f32>) {
        let mut theta = [AT.to_vec()];
        let mut first = [gradient(&AT)];
        take_second(&[pair], &mut theta, &mut first, |points| vec![gradient(&points[0])]);
        let ([theta], [first]) = (theta, first);
        (theta, first)
    }

    fn distance(a: &[f32], b: impl Iterator<Item = f64>) -> f64 {
        a.iter().zip(b).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum::<f64>().sqrt()
    }

    /// Halving the step must divide a residual of third order by eight.
    fn assert_third_order(residual: impl Fn(f64) -> f64) {
        for rate in [0.2, 0.1] {
            let ratio = residual(rate) / residual(rate / 2.0);
            assert!((6.5..9.5).contains(&ratio), "{ratio} at {rate}");
        }
    }

    fn alternating(descent: f64, ascent: f64) -> Vec<f32> {
        let method = Method::Alternating { descent, ascent };
        step(Pair::of(method, 1.0, 1.0, 0.0).unwrap()).0
    }

    #[test]
    fn a_descent_and_an_ascent_walk_down_the_squared_norm_of_the_gradient() {
        let slope = hessian_times(&gradient(&AT));
        assert_third_order(|rate| {
            let moved = alternating(rate, rate);
            // ε²/2 · ∇‖g‖² = ε² H g.
            let expected = (0..3).map(|i| f64::from(AT[i]) - rate * rate * slope[i]);
            distance(&moved, expected)
        });
    }

    #[test]
    fn alternating_steps_are_one_step_on_the_penalised_loss() {
        let g = gradient(&AT);
        let slope = hessian_times(&g);
        assert_third_order(|rate| {
            let (descent, ascent) = (rate, 0.6 * rate);
            let moved = alternating(descent, ascent);
            let size = descent - ascent;
            let penalty = descent * ascent / (2.0 * size);
            let expected = (0..3).map(|i| {
                let gradient = f64::from(g[i]) + penalty * 2.0 * slope[i];
                f64::from(AT[i]) - size * gradient
            });
            distance(&moved, expected)
        });
    }

    #[test]
    fn the_penalty_is_a_hessian_vector_product_up_to_first_order_in_its_distance() {
        let g = gradient(&AT);
        let (lambda, exact) = (0.7, hessian_times(&g));
        let error = |rho| {
            let method = Method::GradientPenalty { lambda, rho };
            let (theta, gradient) = step(Pair::of(method, norm([&g[..]]), 1.0, 0.0).unwrap());
            assert_eq!(theta, AT);
            let expected = (0..3).map(|i| f64::from(g[i]) + lambda * exact[i]);
            distance(&gradient, expected)
        };
        assert!(error(0.01) < 0.01, "{}", error(0.01));
        let ratio = error(0.2) / error(0.1);
        assert!((1.7..2.3).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_vanishing_gradient_has_no_penalty() {
        let pair = Pair::of(Method::GradientPenalty { lambda: 1.0, rho: 0.05 }, 0.0, 1.0, 0.0);
        let (mut theta, mut first) = ([vec![1.0]], [vec![0.0]]);
        take_second(&[pair.unwrap()], &mut theta, &mut first, |points| {
            assert_eq!(points, [[1.0]]);
            vec![vec![0.0]]
        });
        assert_eq!((theta, first), ([vec![1.0]], [vec![0.0]]));
    }

    #[test]
    fn each_member_keeps_to_its_own_rule() {
        let g = gradient(&AT);
        let pairs = [
            Pair::Alternating { descent: 0.1, ascent: 0.05, decay: 0.01 },
            Pair::Penalty { lambda: 0.3, radius: 0.2 },
        ];
        let mut theta = [[AT, AT].concat()];
        let mut first = [[&g[..], &g[..]].concat()];
        take_second(&pairs, &mut theta, &mut first, |points| {
            vec![points[0].chunks(3).flat_map(gradient).collect()]
        });
        let ((moved, _), (_, penalised)) = (step(pairs[0]), step(pairs[1]));
        assert_eq!(theta[0], [&moved[..], &AT].concat());
        assert_eq!(first[0], [&g[..], &penalised].concat());
    }
}
