//! The operations composed of burn's own, for any backend.

use crate::stacked::{
    kernels::NORM_EPSILON,
    shapes::{ConvShape, PoolShape},
};
use burn::{
    backend::{Backend, TensorMetadata, ops::ConvOptions, tensor::FloatTensor},
    tensor::{IntDType, Shape},
};

fn reshape<B: Backend, const D: usize>(x: FloatTensor<B>, shape: [usize; D]) -> FloatTensor<B> {
    B::float_reshape(x, Shape::from(shape))
}

/// The convolution as a grouped one, a group for each member.
fn options(members: usize, shape: ConvShape) -> ConvOptions<2> {
    let (stride, border) = (shape.stride, shape.kernel / 2);
    ConvOptions::new([stride; 2], [border; 2], [1; 2], members)
}

/// Stacked pictures `[K or 1, samples · pixels, channels]` as `[samples, K · channels, …]`.
fn apart<B: Backend>(
    x: FloatTensor<B>,
    members: usize,
    samples: usize,
    [height, width, channels]: [usize; 3],
) -> FloatTensor<B> {
    let shared = x.shape()[0];
    let x = reshape::<B, 4>(x, [shared, samples, height * width, channels]);
    let x = B::float_expand(x, Shape::from([members, samples, height * width, channels]));
    let x = B::float_permute(x, &[1, 0, 3, 2]);
    reshape::<B, 4>(x, [samples, members * channels, height, width])
}

/// The inverse of [`apart`].
fn together<B: Backend>(
    x: FloatTensor<B>,
    members: usize,
    samples: usize,
    [height, width, channels]: [usize; 3],
) -> FloatTensor<B> {
    let x = reshape::<B, 4>(x, [samples, members, channels, height * width]);
    let x = B::float_permute(x, &[1, 0, 3, 2]);
    reshape::<B, 3>(x, [members, samples * height * width, channels])
}

/// Weights `[K, kernel² · channels, filters]` as `[K · filters, channels, kernel, kernel]`.
fn filters<B: Backend>(weight: FloatTensor<B>, members: usize, shape: ConvShape) -> FloatTensor<B> {
    let ConvShape { kernel, channels, filters, .. } = shape;
    let weight = reshape::<B, 5>(weight, [members, kernel, kernel, channels, filters]);
    let weight = B::float_permute(weight, &[0, 4, 3, 1, 2]);
    reshape::<B, 4>(weight, [members * filters, channels, kernel, kernel])
}

fn input(shape: ConvShape) -> [usize; 3] {
    [shape.height, shape.width, shape.channels]
}

fn output(shape: ConvShape) -> [usize; 3] {
    [shape.out_height(), shape.out_width(), shape.filters]
}

pub fn conv<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    shape: ConvShape,
) -> FloatTensor<B> {
    let members = weight.shape()[0];
    let x = apart::<B>(x, members, shape.samples, input(shape));
    let weight = filters::<B>(weight, members, shape);
    let out = B::conv2d(x, weight, None, options(members, shape));
    together::<B>(out, members, shape.samples, output(shape))
}

pub fn conv_input_gradient<B: Backend>(
    weight: FloatTensor<B>,
    grad: FloatTensor<B>,
    shape: ConvShape,
) -> FloatTensor<B> {
    let members = weight.shape()[0];
    let sizes = Shape::from([shape.samples, members * shape.channels, shape.height, shape.width]);
    // Only its shape matters.
    let x = B::float_zeros(sizes, &grad.device(), grad.dtype().into());
    let grad = apart::<B>(grad, members, shape.samples, output(shape));
    let weight = filters::<B>(weight, members, shape);
    let found = B::conv2d_x_backward(x, weight, grad, options(members, shape));
    together::<B>(found, members, shape.samples, input(shape))
}

pub fn conv_weight_gradient<B: Backend>(
    x: FloatTensor<B>,
    grad: FloatTensor<B>,
    shape: ConvShape,
) -> FloatTensor<B> {
    let ConvShape { kernel, channels, filters, .. } = shape;
    let members = grad.shape()[0];
    let sizes = Shape::from([members * filters, channels, kernel, kernel]);
    // Only its shape matters.
    let weight = B::float_zeros(sizes, &grad.device(), grad.dtype().into());
    let x = apart::<B>(x, members, shape.samples, input(shape));
    let grad = apart::<B>(grad, members, shape.samples, output(shape));
    let found = B::conv2d_weight_backward(x, weight, grad, options(members, shape));
    let found = reshape::<B, 5>(found, [members, filters, channels, kernel, kernel]);
    let found = B::float_permute(found, &[0, 3, 4, 2, 1]);
    reshape::<B, 3>(found, [members, kernel * kernel * channels, filters])
}

const PAIR: [usize; 2] = [2, 2];

pub fn pool<B: Backend>(x: FloatTensor<B>, shape: PoolShape) -> FloatTensor<B> {
    let PoolShape { pictures, height, width, channels } = shape;
    let x = apart::<B>(x_of_one::<B>(x, shape), 1, pictures, [height, width, channels]);
    let out = B::max_pool2d(x, PAIR, PAIR, [0; 2], [1; 2], false);
    together::<B>(out, 1, pictures, [height / 2, width / 2, channels])
}

pub fn pool_gradient<B: Backend>(
    x: FloatTensor<B>,
    grad: FloatTensor<B>,
    shape: PoolShape,
) -> FloatTensor<B> {
    let PoolShape { pictures, height, width, channels } = shape;
    let own = x.shape();
    let x = apart::<B>(x_of_one::<B>(x, shape), 1, pictures, [height, width, channels]);
    let grad = apart::<B>(grad, 1, pictures, [height / 2, width / 2, channels]);
    let found =
        B::max_pool2d_with_indices(x.clone(), PAIR, PAIR, [0; 2], [1; 2], false, IntDType::I32);
    let grads = B::max_pool2d_with_indices_backward(
        x,
        PAIR,
        PAIR,
        [0; 2],
        [1; 2],
        false,
        grad,
        found.indices,
    );
    let grad = together::<B>(grads.x_grad, 1, pictures, [height, width, channels]);
    B::float_reshape(grad, own)
}

/// The pictures of all members as those of one.
fn x_of_one<B: Backend>(x: FloatTensor<B>, shape: PoolShape) -> FloatTensor<B> {
    let pixels = shape.pictures * shape.height * shape.width;
    reshape::<B, 3>(x, [1, pixels, shape.channels])
}

pub fn norm<B: Backend>(
    x: FloatTensor<B>,
    scale: FloatTensor<B>,
    shift: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let mean = B::float_mean_dim(x.clone(), 1);
    let centred = B::float_sub(x, mean.clone());
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred.clone()), 1);
    let factor = B::float_div(scale, deviation::<B>(variance.clone()));
    let out = B::float_add(B::float_mul(centred, factor), shift);
    (out, mean, variance)
}

pub fn norm_gradient<B: Backend>(
    x: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    scale: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let deviation = deviation::<B>(variance);
    let normed = B::float_div(B::float_sub(x, mean), deviation.clone());
    let product = B::float_mul(grad.clone(), normed.clone());
    let along = B::float_mul(normed, B::float_mean_dim(product.clone(), 1));
    let own = B::float_sub(grad.clone(), B::float_mean_dim(grad.clone(), 1));
    let x_grad = B::float_mul(B::float_sub(own, along), B::float_div(scale, deviation));
    (x_grad, B::float_sum_dim(product, 1), B::float_sum_dim(grad, 1))
}

fn deviation<B: Backend>(variance: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sqrt(B::float_add_scalar(variance, NORM_EPSILON.into()))
}
