//! Dense symmetric systems, small ones.

/// The lower factor `L` of `L Lᵀ = A`, row by row, packed: row `i` has `i + 1` entries.
#[derive(Clone, Debug)]
pub struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// Factors a symmetric matrix, of which the lower triangle is read; none if it isn't
    /// positive definite.
    pub fn of(matrix: &[Vec<f64>]) -> Option<Self> {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
        for (i, given) in matrix.iter().enumerate() {
            let mut row = Vec::with_capacity(i + 1);
            for j in 0..i {
                let other: &Vec<f64> = &rows[j];
                row.push((given[j] - dot(&row, other)) / other[j]);
            }
            let pivot = given[i] - dot(&row, &row);
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            row.push(pivot.sqrt());
            rows.push(row);
        }
        Some(Self { rows })
    }

    /// `ln det A`.
    pub fn ln_det(&self) -> f64 {
        2.0 * self.rows.iter().enumerate().map(|(i, row)| libm::log(row[i])).sum::<f64>()
    }

    /// The factor of the inverse's last `count` rows and columns, inverted: it's the last part of
    /// `L` itself.
    pub fn last(&self, count: usize) -> Self {
        let from = self.rows.len() - count;
        Self { rows: self.rows[from..].iter().map(|row| row[from..].to_vec()).collect() }
    }

    /// `L⁻¹ v`.
    pub fn forward(&self, vector: &[f64]) -> Vec<f64> {
        let mut solved = Vec::with_capacity(vector.len());
        for (i, row) in self.rows.iter().enumerate() {
            solved.push((vector[i] - dot(&solved, row)) / row[i]);
        }
        solved
    }

    /// `L⁻ᵀ v`.
    pub fn backward(&self, mut vector: Vec<f64>) -> Vec<f64> {
        for (i, row) in self.rows.iter().enumerate().rev() {
            vector[i] /= row[i];
            let value = vector[i];
            for (entry, factor) in vector.iter_mut().zip(&row[..i]) {
                *entry -= factor * value;
            }
        }
        vector
    }
}

/// The sum of products, as far as the shorter of the two goes.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factored_matrix_solves_what_it_makes() {
        let matrix = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let factor = Cholesky::of(&matrix).unwrap();
        let x = [1.0, -2.0, 0.5];
        let b: Vec<f64> = matrix.iter().map(|row| dot(row, &x)).collect();
        let solved = factor.backward(factor.forward(&b));
        assert!(solved.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12), "{solved:?}");
        // 4·(5·3 − 1) − 2·(2·3 − 0.6) + 0.6·(2 − 3) = 44.6
        let det: f64 = 4.0 * 14.0 - 2.0 * 5.4 + 0.6 * (2.0 - 3.0);
        assert!((factor.ln_det() - det.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_last_part_gives_the_last_of_the_inverse() {
        let matrix = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let factor = Cholesky::of(&matrix).unwrap();
        let whole = factor.backward(factor.forward(&[0.0, 0.0, 1.0]));
        let last = factor.last(2);
        let part = last.backward(last.forward(&[0.0, 1.0]));
        assert!(part.iter().zip(&whole[1..]).all(|(a, b)| (a - b).abs() < 1e-12), "{part:?}");
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Cholesky::of(&[vec![1.0, 2.0], vec![2.0, 1.0]]).is_none());
        assert!(Cholesky::of(&[vec![f64::NAN]]).is_none());
    }
}
