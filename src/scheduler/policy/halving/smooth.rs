//! A smooth curve through a few noisy values.
//!
//! The cubic smoothing spline (Reinsch, Numerische Mathematik 10, 1967; the algorithm of Green &
//! Silverman, 1994, section 2.3): of all curves `g` it minimises `Σ wᵢ (yᵢ − g(xᵢ))² + α ∫ g″²`. It
//! takes additions, multiplications and divisions alone, so that every machine draws the same curve.

/// A value at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Knot {
    /// The place.
    pub x: f64,
    /// The value there.
    pub y: f64,
    /// How much it counts; above 0.
    pub weight: f64,
}

/// A smooth curve: a cubic between knots, a line beyond them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    x: Vec<f64>,
    /// Its values at the knots.
    y: Vec<f64>,
    /// Its second derivatives there; 0 at both ends.
    bend: Vec<f64>,
}

impl Curve {
    /// The curve through `knots`, in rising order of place; the larger `alpha`, the smoother. None
    /// without a knot.
    pub fn through(knots: &[Knot], alpha: f64) -> Option<Self> {
        let n = knots.len();
        if n == 0 {
            return None;
        }
        let x: Vec<f64> = knots.iter().map(|knot| knot.x).collect();
        let y: Vec<f64> = knots.iter().map(|knot| knot.y).collect();
        if n < 3 {
            return Some(Self { x, y, bend: vec![0.0; n] });
        }
        let gap: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // Column j of Q has three entries, at rows j to j + 2.
        let column = |j: usize| {
            let (left, right) = (1.0 / gap[j], 1.0 / gap[j + 1]);
            [left, -left - right, right]
        };
        let inner = n - 2;
        let mut matrix = vec![vec![0.0; inner]; inner];
        let mut right = vec![0.0; inner];
        for j in 0..inner {
            let own = column(j);
            right[j] = (0..3).map(|i| own[i] * y[j + i]).sum();
            matrix[j][j] += (gap[j] + gap[j + 1]) / 3.0;
            if j + 1 < inner {
                matrix[j][j + 1] += gap[j + 1] / 6.0;
                matrix[j + 1][j] += gap[j + 1] / 6.0;
            }
            for k in j..inner.min(j + 3) {
                let other = column(k);
                let shared = (k - j..3).map(|i| own[i] * other[i + j - k] / knots[j + i].weight);
                let overlap: f64 = alpha * shared.sum::<f64>();
                matrix[j][k] += overlap;
                if k > j {
                    matrix[k][j] += overlap;
                }
            }
        }
        let solved = solve(matrix, right);
        let mut smooth = y;
        for (j, second) in solved.iter().enumerate() {
            for (i, entry) in column(j).into_iter().enumerate() {
                smooth[j + i] -= alpha * entry * second / knots[j + i].weight;
            }
        }
        let bend = [&[0.0], &solved[..], &[0.0]].concat();
        Some(Self { x, y: smooth, bend })
    }

    /// The curve's value at a place.
    pub fn at(&self, x: f64) -> f64 {
        let last = self.x.len() - 1;
        if last == 0 {
            return self.y[0];
        }
        // The piece that holds x; the outermost ones reach on as lines.
        let i = self.x[1..last].iter().take_while(|knot| **knot <= x).count();
        let gap = self.x[i + 1] - self.x[i];
        let slope = (self.y[i + 1] - self.y[i]) / gap;
        if x <= self.x[0] {
            return self.y[0] + (slope - gap / 6.0 * self.bend[1]) * (x - self.x[0]);
        }
        if x >= self.x[last] {
            return self.y[last] + (slope + gap / 6.0 * self.bend[last - 1]) * (x - self.x[last]);
        }
        let (a, b) = (x - self.x[i], self.x[i + 1] - x);
        let line = (a * self.y[i + 1] + b * self.y[i]) / gap;
        let arch = (1.0 + a / gap) * self.bend[i + 1] + (1.0 + b / gap) * self.bend[i];
        line - a * b / 6.0 * arch
    }
}

/// Solves a symmetric positive definite system by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for pivot in 0..n {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let above = &above[pivot];
        for (row, entries) in (pivot + 1..).zip(below) {
            let factor = entries[pivot] / above[pivot];
            for (entry, over) in entries.iter_mut().zip(above).skip(pivot) {
                *entry -= factor * over;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(values: &[(f64, f64)], alpha: f64) -> Curve {
        let knots: Vec<_> = values.iter().map(|&(x, y)| Knot { x, y, weight: 1.0 }).collect();
        Curve::through(&knots, alpha).unwrap()
    }

    #[test]
    fn without_a_penalty_it_passes_through_every_value() {
        let values = [(0.0, 1.0), (0.3, 0.2), (0.7, 0.5), (1.0, 2.0)];
        let curve = curve(&values, 0.0);
        assert!(values.iter().all(|&(x, y)| (curve.at(x) - y).abs() < 1e-12));
    }

    #[test]
    fn a_large_penalty_leaves_the_line_of_least_squares() {
        let curve = curve(&[(0.0, 0.0), (1.0, 3.0), (2.0, 0.0), (3.0, 3.0)], 1e9);
        let line = |x: f64| 0.6 + 0.6 * x;
        for x in [-1.0, 0.0, 0.5, 2.0, 4.0] {
            assert!((curve.at(x) - line(x)).abs() < 1e-6, "{x}: {}", curve.at(x));
        }
    }

    #[test]
    fn a_weighty_value_draws_the_curve_nearer() {
        let at = |weight| {
            let knot = |x, y, weight| Knot { x, y, weight };
            let knots = [knot(0.0, 0.0, 1.0), knot(0.5, 1.0, weight), knot(1.0, 0.0, 1.0)];
            Curve::through(&knots, 0.01).unwrap().at(0.5)
        };
        assert!(at(1.0) < at(4.0) && at(4.0) < 1.0);
    }

    #[test]
    fn one_value_is_the_same_everywhere_and_two_are_a_line() {
        assert_eq!(curve(&[(0.4, 2.0)], 1.0).at(0.9), 2.0);
        assert_eq!(curve(&[(0.0, 2.0), (0.5, 3.0)], 1.0).at(1.0), 4.0);
        assert_eq!(Curve::through(&[], 1.0), None);
    }

    proptest! {
        #[test]
        fn lines_are_left_as_they_are(
            gaps in proptest::collection::vec(0.05f64..1.0, 2..8), slope in -3.0f64..3.0, alpha in 0.0f64..10.0
        ) {
            let mut x = 0.0;
            let values: Vec<_> = gaps.iter().map(|gap| { x += gap; (x, 1.0 + slope * x) }).collect();
            let curve = curve(&values, alpha);
            for place in [0.0, 0.2, x / 2.0, x, x + 1.0] {
                prop_assert!((curve.at(place) - 1.0 - slope * place).abs() < 1e-9);
            }
        }
    }
}
