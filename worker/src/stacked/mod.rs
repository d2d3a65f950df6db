//! Layers whose parameters carry a leading member axis.
//!
//! Every parameter is a tensor `[K, rows, columns]` (`rows` is 1 for a vector), and a batched
//! matrix product keeps each member's bits what they are alone: it makes the identical call for
//! each member, and everything else is element by element or sums within a member. Grouped
//! convolution would not keep them, so convolution, pooling and batch normalisation are operations
//! of our own ([`kernels`], as burn knows them in [`backend`]).
//!
//! Pictures are matrices too, `[K, samples · height · width, channels]`: what works on the columns
//! of a dense layer works on channels.

mod backend;
mod conv;
mod kernels;
mod linear;
mod norm;
mod pool;
mod shapes;

use crate::checkpoint::State;
use burn::tensor::{Device, Tensor, TensorData};

pub use conv::conv;
pub use linear::linear;
pub use norm::{Statistics, norm, norm_train};
pub use pool::max_pool;
pub use shapes::{ConvShape, PoolShape};

/// Stacks the array `name` of each state, `[rows, columns]` or `[columns]`, into
/// `[K, rows, columns]`. There is at least one state; all hold it, with one shape.
pub fn stack(states: &[State], name: &str, device: &Device) -> Tensor<3> {
    let (rows, columns) = match states[0].arrays[name].shape[..] {
        [rows, columns] => (rows, columns),
        ref shape => (1, shape.iter().product()),
    };
    let mut values = Vec::with_capacity(states.len() * rows * columns);
    states.iter().for_each(|state| values.extend_from_slice(&state.arrays[name].values));
    Tensor::from_data(TensorData::new(values, [states.len(), rows, columns]), device)
}

/// The members' parts of a stacked tensor, row-major.
pub fn unstack(tensor: &Tensor<3>) -> Vec<Vec<f32>> {
    let [_, rows, columns] = tensor.dims();
    let values = to_host(tensor.clone());
    if values.len() == rows * columns {
        return vec![values];
    }
    values.chunks(rows * columns).map(<[f32]>::to_vec).collect()
}

/// One member's part of a stacked tensor, row-major.
pub fn member(tensor: &Tensor<3>, index: usize) -> Vec<f32> {
    to_host(tensor.clone().narrow(0, index, 1))
}

/// The values of a tensor, row-major.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("a tensor on the CPU can be read")
}
