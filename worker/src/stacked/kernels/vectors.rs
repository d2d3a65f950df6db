//! Register blocks: matrices cut into stripes of a few vectors.

use pulp::Simd;

/// A stripe's row: `N` vectors.
pub type Row<S, const N: usize> = [<S as Simd>::f32s; N];

/// How many picture numbers a register block holds at once, so that its sums fit the registers
/// beside what they are made of.
pub fn most_at_once<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 8 } else { 6 }
}

/// The largest part of `n` in a cut into as few, as equal parts of at most `most` as can be.
pub fn part(n: usize, most: usize) -> usize {
    n.div_ceil(n.div_ceil(most).max(1)).max(1)
}

/// The stripes of `N` vectors that `columns` make.
pub fn stripes<S: Simd, const N: usize>(columns: usize) -> usize {
    columns.div_ceil(N * S::F32_LANES)
}

/// Cuts a matrix `[rows, columns]` into stripes, one after the other, the last one filled up with
/// zeros.
#[inline(always)]
pub fn pack<S: Simd, const N: usize>(matrix: &[f32], columns: usize) -> Vec<f32> {
    let (rows, width) = (matrix.len() / columns, N * S::F32_LANES);
    let mut packed = vec![0.0; stripes::<S, N>(columns) * rows * width];
    for (stripe, packed) in packed.chunks_exact_mut(rows * width).enumerate() {
        let from = stripe * width;
        let to = columns.min(from + width);
        for (packed, row) in packed.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
            packed[..to - from].copy_from_slice(&row[from..to]);
        }
    }
    packed
}

/// The inverse of [`pack`].
#[inline(always)]
pub fn unpack<S: Simd, const N: usize>(packed: &[f32], columns: usize, matrix: &mut [f32]) {
    let (rows, width) = (matrix.len() / columns, N * S::F32_LANES);
    for (stripe, packed) in packed.chunks_exact(rows * width).enumerate() {
        let from = stripe * width;
        let to = columns.min(from + width);
        for (packed, row) in packed.chunks_exact(width).zip(matrix.chunks_exact_mut(columns)) {
            row[from..to].copy_from_slice(&packed[..to - from]);
        }
    }
}

/// Packed numbers as rows of stripes.
#[inline(always)]
pub fn rows<S: Simd, const N: usize>(packed: &[f32]) -> &[Row<S, N>] {
    S::as_simd_f32s(packed).0.as_chunks::<N>().0
}

/// The same, to be changed.
#[inline(always)]
pub fn rows_mut<S: Simd, const N: usize>(packed: &mut [f32]) -> &mut [Row<S, N>] {
    S::as_mut_simd_f32s(packed).0.as_chunks_mut::<N>().0
}
