//! Layers whose parameters carry a leading member axis.
//!
//! Every parameter is a tensor `[K, rows, columns]` (`rows` is 1 for a vector), and a batched
//! matrix product keeps each member's bits what they are alone: it makes the identical call for
//! each member, and everything else is element by element or sums within a member.

mod linear;
mod norm;

use crate::checkpoint::State;
use burn::tensor::{Device, Tensor, TensorData};

pub use linear::Linear;
pub use norm::{Norm, Statistics};

/// Stacks the array `name` of each state, `[rows, columns]` or `[columns]`, into
/// `[K, rows, columns]`. There is at least one state; all hold it, with one shape.
pub fn stack(states: &[State], name: &str, device: &Device) -> Tensor<3> {
    let (rows, columns) = match states[0].arrays[name].shape[..] {
        [rows, columns] => (rows, columns),
        ref shape => (1, shape.iter().product()),
    };
    let values: Vec<f32> =
        states.iter().flat_map(|state| &state.arrays[name].values).copied().collect();
    Tensor::from_data(TensorData::new(values, [states.len(), rows, columns]), device)
}

/// The members' parts of a stacked tensor, row-major.
pub fn unstack(tensor: &Tensor<3>) -> Vec<Vec<f32>> {
    let [_, rows, columns] = tensor.dims();
    to_host(tensor.clone()).chunks(rows * columns).map(<[f32]>::to_vec).collect()
}

/// One member's part of a stacked tensor, row-major.
pub fn member(tensor: &Tensor<3>, index: usize) -> Vec<f32> {
    to_host(tensor.clone().narrow(0, index, 1))
}

/// The values of a tensor, row-major.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("a tensor on the CPU can be read")
}
