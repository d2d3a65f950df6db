//! Pooling.

use super::backend::StackedOps;
use burn::{backend::Dispatch, tensor::Tensor};

/// Pictures that are pooled, of all members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Pictures of all members.
    pub pictures: usize,
    /// Pixels down.
    pub height: usize,
    /// Pixels across.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl PoolShape {
    /// Numbers of a picture.
    pub fn picture(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Numbers of a pooled picture.
    pub fn pooled(self) -> usize {
        (self.height / 2) * (self.width / 2) * self.channels
    }
}

/// The largest of each 2 × 2 pixels: `x` `[K, samples · height · width, channels]` gives
/// `[K, samples · height / 2 · width / 2, channels]`; an odd last row or column is left out.
pub fn max_pool(x: Tensor<3>, shape: PoolShape) -> Tensor<3> {
    let members = x.dims()[0];
    let pixels = shape.pictures * (shape.height / 2) * (shape.width / 2);
    let pooled = Tensor::<3>::from_dispatch(Dispatch::stacked_pool(x.into_dispatch(), shape));
    pooled.reshape([members, pixels / members, shape.channels])
}
