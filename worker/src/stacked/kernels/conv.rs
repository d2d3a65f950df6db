//! Convolution, forward and back.
//!
//! Pictures are `[height, width, channels]`. A sample is copied into a frame of zeros, and then
//! every window row of `kernel · channels` numbers lies in one piece. A register block holds the
//! sums of a few pixels by a stripe of filters; each sum is one chain of fused multiply-adds, over
//! the window's rows, columns and channels in this order.

use super::vectors::{Row, most_at_once, pack, part, rows, rows_mut, stripes, unpack};
use crate::stacked::shapes::ConvShape;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::array;

/// Samples that one task takes; fixed, since the weight gradient is summed task by task.
const SAMPLES_PER_TASK: usize = 8;

/// `x` `[1 or K, samples · height · width, channels]` and `weight`
/// `[K, kernel² · channels, filters]` give `[K, samples · out_height · out_width, filters]`.
pub fn convolve(x: &[f32], weight: &[f32], members: usize, shape: ConvShape) -> Vec<f32> {
    let window = Window::of(shape);
    let w_part = weight.len() / members;
    slide(
        window,
        members,
        shape.samples,
        |member| weight[member * w_part..][..w_part].to_vec(),
        |member, sample, frame| {
            let x = &input_of(x, member, shape)[sample * shape.picture()..][..shape.picture()];
            window.fill(frame, x, shape.width, 1);
        },
    )
}

/// A member's part of an input, which all may share.
fn input_of(x: &[f32], member: usize, shape: ConvShape) -> &[f32] {
    let part = shape.samples * shape.picture();
    if x.len() == part { x } else { &x[member * part..][..part] }
}

/// The gradient with respect to the input, `[K, samples · height · width, channels]`: a
/// convolution of the gradient `[K, samples · out_height · out_width, filters]`, spread out by the
/// stride, with the weight turned round.
pub fn input_gradient(weight: &[f32], grad: &[f32], members: usize, shape: ConvShape) -> Vec<f32> {
    let window = Window {
        height: shape.height,
        width: shape.width,
        stride: 1,
        kernel: shape.kernel,
        channels: shape.filters,
        filters: shape.channels,
    };
    let (w_part, picture) = (weight.len() / members, grad.len() / (members * shape.samples));
    slide(
        window,
        members,
        shape.samples,
        |member| turned(&weight[member * w_part..][..w_part], shape),
        |member, sample, frame| {
            let grad = &grad[(member * shape.samples + sample) * picture..][..picture];
            window.fill(frame, grad, shape.out_width(), shape.stride);
        },
    )
}

/// One member's weight as `[kernel² · filters, channels]`, the last tap first.
fn turned(weight: &[f32], shape: ConvShape) -> Vec<f32> {
    let ConvShape { channels, filters, .. } = shape;
    let mut turned = vec![0.0; weight.len()];
    let taps = weight.chunks_exact(channels * filters).rev();
    for (tap, turned) in taps.zip(turned.chunks_exact_mut(channels * filters)) {
        for (channel, row) in tap.chunks_exact(filters).enumerate() {
            for (filter, &value) in row.iter().enumerate() {
                turned[filter * channels + channel] = value;
            }
        }
    }
    turned
}

/// The gradient with respect to the weight, `[K, kernel² · channels, filters]`: summed over the
/// pixels of a sample, then over the samples of a task, then over the tasks.
pub fn weight_gradient(x: &[f32], grad: &[f32], members: usize, shape: ConvShape) -> Vec<f32> {
    let window = Window::of(shape);
    let (picture, out_picture) = (shape.picture(), window.pixels() * shape.filters);
    let tasks = shape.samples.div_ceil(SAMPLES_PER_TASK);
    let parts: Vec<Vec<f32>> = (0..members * tasks)
        .into_par_iter()
        .map(|task| {
            let (member, first) = (task / tasks, task % tasks * SAMPLES_PER_TASK);
            let last = shape.samples.min(first + SAMPLES_PER_TASK);
            let grad = &grad[member * shape.samples * out_picture..];
            Arch::new().dispatch(Correlate {
                window,
                x: &input_of(x, member, shape)[first * picture..last * picture],
                picture: (shape.height, shape.width),
                grad: &grad[first * out_picture..last * out_picture],
            })
        })
        .collect();
    let size = window.taps() * shape.filters;
    let mut gradients = Vec::with_capacity(members * size);
    for parts in parts.chunks(tasks) {
        let from = gradients.len();
        gradients.resize(from + size, 0.0);
        for part in parts {
            gradients[from..].iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
    }
    gradients
}

/// A window that goes over framed pictures.
#[derive(Clone, Copy)]
struct Window {
    /// Of the result.
    height: usize,
    width: usize,
    stride: usize,
    kernel: usize,
    /// Of the framed pictures.
    channels: usize,
    filters: usize,
}

impl Window {
    fn of(shape: ConvShape) -> Self {
        Self {
            height: shape.out_height(),
            width: shape.out_width(),
            stride: shape.stride,
            kernel: shape.kernel,
            channels: shape.channels,
            filters: shape.filters,
        }
    }

    fn pixels(self) -> usize {
        self.height * self.width
    }

    fn taps(self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// The pixels of a framed picture, across and down: it reaches as far as the last window, and
    /// as a picture whose last pixels no window meets.
    fn frame(self) -> [usize; 2] {
        [self.width, self.height].map(|n| (n - 1) * self.stride + self.kernel + self.stride - 1)
    }

    fn pitch(self) -> usize {
        self.frame()[0] * self.channels
    }

    fn empty_frame(self) -> Vec<f32> {
        vec![0.0; self.pitch() * self.frame()[1]]
    }

    /// Puts a picture `width` pixels wide into a frame that held one of the same size or none,
    /// its pixels `spread` apart.
    fn fill(self, frame: &mut [f32], picture: &[f32], width: usize, spread: usize) {
        let (border, pitch) = (self.kernel / 2, self.pitch());
        for (y, row) in picture.chunks_exact(width * self.channels).enumerate() {
            let start = (border + y * spread) * pitch + border * self.channels;
            if spread == 1 {
                frame[start..start + row.len()].copy_from_slice(row);
            } else {
                for (x, pixel) in row.chunks_exact(self.channels).enumerate() {
                    let start = start + x * spread * self.channels;
                    frame[start..start + self.channels].copy_from_slice(pixel);
                }
            }
        }
    }
}

/// Moves `window` over all samples of all members. `weight` gives a member's weight; `fill` puts
/// the sample of a member into a frame.
fn slide(
    window: Window,
    members: usize,
    samples: usize,
    weight: impl Fn(usize) -> Vec<f32> + Sync,
    fill: impl Fn(usize, usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let picture = window.pixels() * window.filters;
    let mut out = vec![0.0; members * samples * picture];
    out.par_chunks_mut(samples * picture).enumerate().for_each(|(member, out)| {
        let weight = weight(member);
        out.par_chunks_mut(SAMPLES_PER_TASK * picture).enumerate().for_each(|(task, out)| {
            let fill = |i, frame: &mut [f32]| fill(member, task * SAMPLES_PER_TASK + i, frame);
            Arch::new().dispatch(Slide { window, weight: &weight, out, fill });
        });
    });
    out
}

/// The way of a window over the samples of a task.
struct Slide<'a, F> {
    window: Window,
    weight: &'a [f32],
    out: &'a mut [f32],
    fill: F,
}

impl<F: Fn(usize, &mut [f32])> WithSimd for Slide<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.window.filters <= S::F32_LANES {
            self.run::<S, 1>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

impl<F: Fn(usize, &mut [f32])> Slide<'_, F> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let w = self.window;
        let packed = pack::<S, N>(self.weight, w.filters);
        let at_once = part(w.width, most_at_once::<S>());
        let mut frame = w.empty_frame();
        for (i, out) in self.out.chunks_exact_mut(w.pixels() * w.filters).enumerate() {
            (self.fill)(i, &mut frame);
            for (stripe, weight) in rows::<S, N>(&packed).chunks_exact(w.taps()).enumerate() {
                let from = stripe * N * S::F32_LANES;
                for (y, out) in out.chunks_exact_mut(w.width * w.filters).enumerate() {
                    for (i, out) in out.chunks_mut(at_once * w.filters).enumerate() {
                        let (frame, at) = (&frame, (y, i * at_once));
                        match out.len() / w.filters {
                            1 => block::<S, N, 1>(simd, w, frame, weight, at, out, from),
                            2 => block::<S, N, 2>(simd, w, frame, weight, at, out, from),
                            3 => block::<S, N, 3>(simd, w, frame, weight, at, out, from),
                            4 => block::<S, N, 4>(simd, w, frame, weight, at, out, from),
                            5 => block::<S, N, 5>(simd, w, frame, weight, at, out, from),
                            6 => block::<S, N, 6>(simd, w, frame, weight, at, out, from),
                            7 => block::<S, N, 7>(simd, w, frame, weight, at, out, from),
                            _ => block::<S, N, 8>(simd, w, frame, weight, at, out, from),
                        }
                    }
                }
            }
        }
    }
}

/// `M` pixels of a row by a stripe of filters, put at filter `from` of `out`, which begins at the
/// first of the pixels.
#[inline(always)]
fn block<S: Simd, const N: usize, const M: usize>(
    simd: S,
    window: Window,
    frame: &[f32],
    weight: &[Row<S, N>],
    (y, x): (usize, usize),
    out: &mut [f32],
    from: usize,
) {
    let width = window.kernel * window.channels;
    let (step, pitch) = (window.stride * window.channels, window.pitch());
    let mut sums = [[simd.splat_f32s(0.0); N]; M];
    for ky in 0..window.kernel {
        let start = (y * window.stride + ky) * pitch + x * step;
        let pixels: [&[f32]; M] = array::from_fn(|m| &frame[start + m * step..][..width]);
        let weight = &weight[ky * width..][..width];
        for j in 0..width {
            for m in 0..M {
                let value = simd.splat_f32s(pixels[m][j]);
                for n in 0..N {
                    sums[m][n] = simd.mul_add_f32s(value, weight[j][n], sums[m][n]);
                }
            }
        }
    }
    for (m, sums) in sums.into_iter().enumerate() {
        for (n, sum) in sums.into_iter().enumerate() {
            let from = from + n * S::F32_LANES;
            if from < window.filters {
                let to = window.filters.min(from + S::F32_LANES);
                let out = &mut out[m * window.filters..];
                simd.partial_store_f32s(&mut out[from..to], sum);
            }
        }
    }
}

/// The weight gradient of a few samples.
struct Correlate<'a> {
    window: Window,
    x: &'a [f32],
    /// The height and width of one.
    picture: (usize, usize),
    grad: &'a [f32],
}

impl WithSimd for Correlate<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        if self.window.filters <= S::F32_LANES {
            self.correlate::<S, 1>(simd)
        } else {
            self.correlate::<S, 2>(simd)
        }
    }
}

impl Correlate<'_> {
    #[inline(always)]
    fn correlate<S: Simd, const N: usize>(self, simd: S) -> Vec<f32> {
        let w = self.window;
        let (pixels, taps, width) = (w.pixels(), w.taps(), w.kernel * w.channels);
        let (in_height, in_width) = self.picture;
        let mut frame = w.empty_frame();
        let mut sums = vec![0.0; stripes::<S, N>(w.filters) * taps * N * S::F32_LANES];
        let at_once = part(width, most_at_once::<S>());
        let grads = self.grad.chunks_exact(pixels * w.filters);
        for (x, grad) in self.x.chunks_exact(in_height * in_width * w.channels).zip(grads) {
            w.fill(&mut frame, x, in_width, 1);
            let packed = pack::<S, N>(grad, w.filters);
            let stripes = rows::<S, N>(&packed).chunks_exact(pixels);
            let sums = rows_mut::<S, N>(&mut sums).chunks_exact_mut(taps);
            for (grad, sums) in stripes.zip(sums) {
                for (ky, sums) in sums.chunks_exact_mut(width).enumerate() {
                    for (i, sums) in sums.chunks_mut(at_once).enumerate() {
                        let at = (ky, i * at_once);
                        match sums.len() {
                            1 => gradients::<S, N, 1>(simd, w, &frame, grad, at, sums),
                            2 => gradients::<S, N, 2>(simd, w, &frame, grad, at, sums),
                            3 => gradients::<S, N, 3>(simd, w, &frame, grad, at, sums),
                            4 => gradients::<S, N, 4>(simd, w, &frame, grad, at, sums),
                            5 => gradients::<S, N, 5>(simd, w, &frame, grad, at, sums),
                            6 => gradients::<S, N, 6>(simd, w, &frame, grad, at, sums),
                            7 => gradients::<S, N, 7>(simd, w, &frame, grad, at, sums),
                            _ => gradients::<S, N, 8>(simd, w, &frame, grad, at, sums),
                        }
                    }
                }
            }
        }
        let mut gradient = vec![0.0; taps * w.filters];
        unpack::<S, N>(&sums, w.filters, &mut gradient);
        gradient
    }
}

/// Adds to `sums` the gradients of `M` neighbours in window row `ky`, from number `j` of it on, by
/// a stripe of filters, over all pixels of a sample.
#[inline(always)]
fn gradients<S: Simd, const N: usize, const M: usize>(
    simd: S,
    window: Window,
    frame: &[f32],
    grad: &[Row<S, N>],
    (ky, j): (usize, usize),
    sums: &mut [Row<S, N>],
) {
    let (step, pitch) = (window.stride * window.channels, window.pitch());
    let mut found = [[simd.splat_f32s(0.0); N]; M];
    for (y, grad) in grad.chunks_exact(window.width).enumerate() {
        let line = &frame[(y * window.stride + ky) * pitch + j..];
        for (x, grad) in grad.iter().enumerate() {
            let values = &line[x * step..][..M];
            for m in 0..M {
                let value = simd.splat_f32s(values[m]);
                for n in 0..N {
                    found[m][n] = simd.mul_add_f32s(value, grad[n], found[m][n]);
                }
            }
        }
    }
    for (sums, found) in sums.iter_mut().zip(found) {
        for (sum, found) in sums.iter_mut().zip(found) {
            *sum = simd.add_f32s(*sum, found);
        }
    }
}
