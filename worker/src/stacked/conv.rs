//! The convolution.

use super::{backend::StackedOps, shapes::ConvShape};
use burn::{backend::Dispatch, tensor::Tensor};

/// Convolves member by member: `x` `[K, samples · height · width, channels]`, or one input for all
/// `[1, …]`, with `weight` `[K, kernel² · channels, filters]`, whose rows go down the window, then
/// across, then over the channels. Gives `[K, samples · out_height · out_width, filters]`.
pub fn conv(x: Tensor<3>, weight: Tensor<3>, shape: ConvShape) -> Tensor<3> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::stacked_conv(x, weight, shape))
}
