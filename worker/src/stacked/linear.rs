//! The affine layer.

use burn::tensor::Tensor;

/// `x W + c`, member by member.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[K, in, out]`.
    pub weight: Tensor<3>,
    /// `[K, 1, out]`; none where a [`Norm`](super::Norm) follows, which would cancel it.
    pub bias: Option<Tensor<3>>,
}

impl Linear {
    /// `x`: `[K, batch, in]`, or `[1, batch, in]` for the same input to all; gives
    /// `[K, batch, out]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let product = x.matmul(self.weight.clone());
        match &self.bias {
            Some(bias) => product + bias.clone(),
            None => product,
        }
    }
}
