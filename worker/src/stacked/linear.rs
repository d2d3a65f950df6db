//! The affine layer.

use burn::tensor::Tensor;

/// `x W + c`, member by member. `x`: `[K, batch, in]`, or `[1, batch, in]` for the same input to
/// all; `weight`: `[K, in, out]`; `bias`: `[K, 1, out]`, none where a batch norm follows, which
/// would cancel it. Gives `[K, batch, out]`.
pub fn linear(x: Tensor<3>, weight: Tensor<3>, bias: Option<Tensor<3>>) -> Tensor<3> {
    let product = x.matmul(weight);
    match bias {
        Some(bias) => product + bias,
        None => product,
    }
}
