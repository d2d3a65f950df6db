//! Pooling.

use super::{backend::StackedOps, shapes::PoolShape};
use burn::{backend::Dispatch, tensor::Tensor};

/// The largest of each 2 × 2 pixels: `x` `[K, samples · height · width, channels]` gives
/// `[K, samples · height / 2 · width / 2, channels]`; an odd last row or column is left out.
pub fn max_pool(x: Tensor<3>, shape: PoolShape) -> Tensor<3> {
    let members = x.dims()[0];
    let pixels = shape.pictures * (shape.height / 2) * (shape.width / 2);
    let pooled = Tensor::<3>::from_dispatch(Dispatch::stacked_pool(x.into_dispatch(), shape));
    pooled.reshape([members, pixels / members, shape.channels])
}
