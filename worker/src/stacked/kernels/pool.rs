//! Max-pooling of 2 × 2 pixels, forward and back.

use crate::stacked::shapes::PoolShape;
use pulp::Arch;
use rayon::prelude::*;

/// The largest of each 2 × 2 pixels, `[pictures, height / 2, width / 2, channels]`; an odd last
/// row or column is left out. NaN is larger than any number.
pub fn pool(x: &[f32], shape: PoolShape) -> Vec<f32> {
    let mut out = vec![0.0; shape.pictures * shape.pooled()];
    let pictures = out.par_chunks_mut(shape.pooled()).zip(x.par_chunks(shape.picture()));
    pictures.for_each(|(out, x)| Arch::new().dispatch(|| pool_one(x, out, shape)));
    out
}

/// The gradient with respect to the input: that of a result goes to the first of its largest.
pub fn pool_gradient(x: &[f32], grad: &[f32], shape: PoolShape) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let pictures = out.par_chunks_mut(shape.picture()).zip(x.par_chunks(shape.picture()));
    pictures.zip(grad.par_chunks(shape.pooled())).for_each(|((out, x), grad)| {
        Arch::new().dispatch(|| gradient_of_one(x, grad, out, shape));
    });
    out
}

#[inline(always)]
fn pool_one(x: &[f32], out: &mut [f32], shape: PoolShape) {
    let (row, c) = (shape.width * shape.channels, shape.channels);
    let rows = out.chunks_exact_mut(shape.width / 2 * c).zip(x.chunks_exact(2 * row));
    for (out, x) in rows {
        let (upper, lower) = x.split_at(row);
        let pairs = upper.chunks_exact(2 * c).zip(lower.chunks_exact(2 * c));
        for (out, (upper, lower)) in out.chunks_exact_mut(c).zip(pairs) {
            let ((a, b), (d, e)) = (upper.split_at(c), lower.split_at(c));
            let values = a.iter().zip(b).zip(d.iter().zip(e));
            for (out, ((a, b), (d, e))) in out.iter_mut().zip(values) {
                *out = larger(larger(*a, *b), larger(*d, *e));
            }
        }
    }
}

#[inline(always)]
fn gradient_of_one(x: &[f32], grad: &[f32], out: &mut [f32], shape: PoolShape) {
    let (row, c) = (shape.width * shape.channels, shape.channels);
    let rows = x.chunks_exact(2 * row).zip(grad.chunks_exact(shape.width / 2 * c));
    for (out, (x, grad)) in out.chunks_exact_mut(2 * row).zip(rows) {
        let ((upper, lower), (upper_out, lower_out)) = (x.split_at(row), out.split_at_mut(row));
        let pairs = upper.chunks_exact(2 * c).zip(lower.chunks_exact(2 * c));
        let outs = upper_out.chunks_exact_mut(2 * c).zip(lower_out.chunks_exact_mut(2 * c));
        for ((grad, pair), out) in grad.chunks_exact(c).zip(pairs).zip(outs) {
            let ((a, b), (d, e)) = (pair.0.split_at(c), pair.1.split_at(c));
            let ((to_a, to_b), (to_d, to_e)) = (out.0.split_at_mut(c), out.1.split_at_mut(c));
            // One length for all: the loop then needs no checks and runs in vectors.
            let (b, d, e, grad) = (&b[..c], &d[..c], &e[..c], &grad[..c]);
            let (to_a, to_b, to_d, to_e) =
                (&mut to_a[..c], &mut to_b[..c], &mut to_d[..c], &mut to_e[..c]);
            for i in 0..c {
                let most = larger(larger(a[i], b[i]), larger(d[i], e[i]));
                let at_a = a[i] == most;
                let at_b = !at_a & (b[i] == most);
                let at_d = !(at_a | at_b) & (d[i] == most);
                let at_e = !(at_a | at_b | at_d);
                to_a[i] = if at_a { grad[i] } else { 0.0 };
                to_b[i] = if at_b { grad[i] } else { 0.0 };
                to_d[i] = if at_d { grad[i] } else { 0.0 };
                to_e[i] = if at_e { grad[i] } else { 0.0 };
            }
        }
    }
}

/// The larger of two; a NaN where there is one, so that a run that diverged shows it.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}
