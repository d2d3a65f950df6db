//! Batch normalisation of columns, forward and back (Ioffe & Szegedy, ICML 2015).

use pulp::Arch;
use rayon::prelude::*;
use std::ops::Range;

/// Rows that are summed one by one before they join the sum of all; fixed, as the sums' bits are.
const ROWS_PER_SUM: usize = 512;

/// Added to the variance before its root, here and by whoever has this arithmetic otherwise: PyTorch's
/// default, which `make check-torch` and the recorded grids compare with.
pub const NORM_EPSILON: f32 = 1e-5;

/// A stacked matrix's sizes.
#[derive(Clone, Copy)]
struct Size {
    members: usize,
    rows: usize,
    columns: usize,
}

impl Size {
    fn of(x: &[f32], scale: &[f32], columns: usize) -> Self {
        let members = scale.len() / columns;
        Self { members, rows: x.len() / (members * columns), columns }
    }

    /// Where some rows of a member lie.
    fn span(self, member: usize, rows: Range<usize>) -> Range<usize> {
        let first = member * self.rows;
        (first + rows.start) * self.columns..(first + rows.end) * self.columns
    }

    /// The inverse of each column's standard deviation.
    fn inverse_deviation(variance: &[f32]) -> Vec<f32> {
        variance.iter().map(|v| 1.0 / (v + NORM_EPSILON).sqrt()).collect()
    }
}

/// A mini-batch normalised, `[K, rows, columns]`, with its columns' statistics, `[K, columns]`.
pub struct Normed {
    pub out: Vec<f32>,
    pub mean: Vec<f32>,
    /// Divided by the number of rows.
    pub variance: Vec<f32>,
}

/// Normalises each column of each member, then scales and shifts it. `x` is `[K, rows, columns]`,
/// `scale` and `shift` are `[K, columns]`.
pub fn normalise(x: &[f32], scale: &[f32], shift: &[f32], columns: usize) -> Normed {
    let size = Size::of(x, scale, columns);
    let count = size.rows as f32;
    let mut mean = sums(size, columns, |member, rows, sums| {
        for row in x[size.span(member, rows)].chunks_exact(columns) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
    });
    mean.iter_mut().for_each(|mean| *mean /= count);
    let mut variance = sums(size, columns, |member, rows, sums| {
        let mean = &mean[member * columns..][..columns];
        for row in x[size.span(member, rows)].chunks_exact(columns) {
            for ((sum, x), mean) in sums.iter_mut().zip(row).zip(mean) {
                *sum += (x - mean) * (x - mean);
            }
        }
    });
    variance.iter_mut().for_each(|variance| *variance /= count);
    let inverse = Size::inverse_deviation(&variance);
    let factor: Vec<f32> =
        scale.iter().zip(inverse).map(|(scale, inverse)| scale * inverse).collect();
    let out = rows(size, |member, rows, out| {
        let own = member * columns..(member + 1) * columns;
        let (mean, factor, shift) = (&mean[own.clone()], &factor[own.clone()], &shift[own]);
        let x = x[size.span(member, rows)].chunks_exact(columns);
        for (out, x) in out.chunks_exact_mut(columns).zip(x) {
            for i in 0..columns {
                out[i] = (x[i] - mean[i]) * factor[i] + shift[i];
            }
        }
    });
    Normed { out, mean, variance }
}

/// Gradients with respect to what [`normalise`] is given.
pub struct Gradients {
    pub x: Vec<f32>,
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

/// The gradients, given that with respect to the result.
pub fn normalise_gradient(
    x: &[f32],
    mean: &[f32],
    variance: &[f32],
    scale: &[f32],
    grad: &[f32],
    columns: usize,
) -> Gradients {
    let size = Size::of(x, scale, columns);
    let inverse = Size::inverse_deviation(variance);
    let found = sums(size, 2 * columns, |member, rows, sums| {
        let own = member * columns..(member + 1) * columns;
        let (mean, inverse) = (&mean[own.clone()], &inverse[own]);
        let (scale, shift) = sums.split_at_mut(columns);
        let span = size.span(member, rows);
        let x = x[span.clone()].chunks_exact(columns);
        for (x, grad) in x.zip(grad[span].chunks_exact(columns)) {
            for i in 0..columns {
                scale[i] += grad[i] * ((x[i] - mean[i]) * inverse[i]);
                shift[i] += grad[i];
            }
        }
    });
    let (mut scale_grad, mut shift_grad) = (Vec::new(), Vec::new());
    for sums in found.chunks_exact(2 * columns) {
        scale_grad.extend_from_slice(&sums[..columns]);
        shift_grad.extend_from_slice(&sums[columns..]);
    }
    let count = size.rows as f32;
    let x = rows(size, |member, rows, out| {
        let own = member * columns..(member + 1) * columns;
        let (mean, inverse, scale) =
            (&mean[own.clone()], &inverse[own.clone()], &scale[own.clone()]);
        let (scale_grad, shift_grad) = (&scale_grad[own.clone()], &shift_grad[own]);
        // dx = a·grad − b·(x − mean) − c, column by column.
        let a: Vec<f32> =
            scale.iter().zip(inverse).map(|(scale, inverse)| scale * inverse).collect();
        let b: Vec<f32> = (0..columns).map(|i| a[i] * inverse[i] * scale_grad[i] / count).collect();
        let c: Vec<f32> = (0..columns).map(|i| a[i] * shift_grad[i] / count).collect();
        let span = size.span(member, rows);
        let x = x[span.clone()].chunks_exact(columns).zip(grad[span].chunks_exact(columns));
        for (out, (x, grad)) in out.chunks_exact_mut(columns).zip(x) {
            for i in 0..columns {
                out[i] = a[i] * grad[i] - b[i] * (x[i] - mean[i]) - c[i];
            }
        }
    });
    Gradients { x, scale: scale_grad, shift: shift_grad }
}

/// Sums of `width` numbers over each member's rows; `add` adds those of some rows.
fn sums(
    size: Size,
    width: usize,
    add: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
) -> Vec<f32> {
    let tasks = size.rows.div_ceil(ROWS_PER_SUM);
    let parts: Vec<Vec<f32>> = (0..size.members * tasks)
        .into_par_iter()
        .map(|task| {
            let (member, first) = (task / tasks, task % tasks * ROWS_PER_SUM);
            let mut sums = vec![0.0; width];
            let rows = first..size.rows.min(first + ROWS_PER_SUM);
            Arch::new().dispatch(|| add(member, rows, &mut sums));
            sums
        })
        .collect();
    let mut all = Vec::with_capacity(size.members * width);
    for parts in parts.chunks(tasks) {
        let from = all.len();
        all.extend_from_slice(&parts[0]);
        for part in &parts[1..] {
            all[from..].iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
    }
    all
}

/// A stacked matrix whose rows `fill` fills, some at a time.
fn rows(size: Size, fill: impl Fn(usize, Range<usize>, &mut [f32]) + Sync) -> Vec<f32> {
    let mut out = vec![0.0; size.members * size.rows * size.columns];
    out.par_chunks_mut(size.rows * size.columns).enumerate().for_each(|(member, out)| {
        out.par_chunks_mut(ROWS_PER_SUM * size.columns).enumerate().for_each(|(task, out)| {
            let rows = task * ROWS_PER_SUM..task * ROWS_PER_SUM + out.len() / size.columns;
            Arch::new().dispatch(|| fill(member, rows, out));
        });
    });
    out
}
