//! Operations that burn lacks, or has slower or not exact for stacks.
//!
//! On the CPU they are [`kernels`](super::kernels); any other backend gets them composed of burn's
//! own, such as `Cube`, which is all devices that compile their kernels. A backend that the macro doesn't
//! name panics: whoever adds one names it there, with an empty `impl`.

mod autodiff;
mod flex;
mod primitives;

use super::shapes::{ConvShape, PoolShape};
use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

/// The operations, each with its gradients. Shapes: [`conv`](super::conv),
/// [`max_pool`](super::max_pool), [`Norm`](super::Norm).
#[backend_extension(
    Flex,
    Cube: cfg(any(feature = "cpu", feature = "cuda", feature = "wgpu")),
    Autodiff,
)]
pub trait StackedOps: Backend {
    /// Convolves each member.
    fn stacked_conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        primitives::conv::<Self>(x, weight, shape)
    }

    /// The gradient with respect to each member's input.
    fn stacked_conv_input_gradient(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        primitives::conv_input_gradient::<Self>(weight, grad, shape)
    }

    /// The gradient with respect to each member's weight.
    fn stacked_conv_weight_gradient(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        primitives::conv_weight_gradient::<Self>(x, grad, shape)
    }

    /// The largest of each 2 × 2 pixels, `[pictures · height / 2 · width / 2, channels]` up to its
    /// shape.
    fn stacked_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        primitives::pool::<Self>(x, shape)
    }

    /// The gradient with respect to the pooled, in its shape.
    fn stacked_pool_gradient(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: PoolShape,
    ) -> FloatTensor<Self> {
        primitives::pool_gradient::<Self>(x, grad, shape)
    }

    /// Normalises each column; gives the columns' mean and variance too.
    fn stacked_norm(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        primitives::norm::<Self>(x, scale, shift)
    }

    /// The gradients with respect to `x`, scale and shift.
    fn stacked_norm_gradient(
        x: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        primitives::norm_gradient::<Self>(x, mean, variance, scale, grad)
    }
}

/// The operations of burn's own will do.
#[cfg(any(feature = "cpu", feature = "cuda", feature = "wgpu"))]
impl StackedOps for burn::backend::Cube {}

#[cfg(test)]
mod tests;
