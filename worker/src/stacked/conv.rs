//! The convolution.

use super::backend::StackedOps;
use burn::{backend::Dispatch, tensor::Tensor};

/// A convolution with zeros around each picture: half a kernel of them, so that a stride of 1
/// keeps its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Pictures of a member.
    pub samples: usize,
    /// Pixels down.
    pub height: usize,
    /// Pixels across.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
    /// Numbers of a pixel of the result.
    pub filters: usize,
    /// Pixels across and down of the window; odd.
    pub kernel: usize,
    /// Pixels between windows.
    pub stride: usize,
}

impl ConvShape {
    /// Pixels down of the result.
    pub fn out_height(self) -> usize {
        self.height.div_ceil(self.stride)
    }

    /// Pixels across of the result.
    pub fn out_width(self) -> usize {
        self.width.div_ceil(self.stride)
    }

    /// Numbers of a picture.
    pub fn picture(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// Convolves member by member: `x` `[K, samples · height · width, channels]`, or one input for all
/// `[1, …]`, with `weight` `[K, kernel² · channels, filters]`, whose rows go down the window, then
/// across, then over the channels. Gives `[K, samples · out_height · out_width, filters]`.
pub fn conv(x: Tensor<3>, weight: Tensor<3>, shape: ConvShape) -> Tensor<3> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::stacked_conv(x, weight, shape))
}
