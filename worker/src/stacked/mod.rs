//! Layers whose parameters carry a leading member axis.
//!
//! Every parameter is a tensor `[K, rows, columns]` (`rows` is 1 for a vector), and a batched
//! matrix product keeps each member's bits what they are alone: it makes the identical call for
//! each member, and everything else is element by element or sums within a member.

mod linear;
mod norm;

use crate::checkpoint::{Array, State};
use burn::tensor::{Device, Tensor, TensorData};

pub use linear::Linear;
pub use norm::{Norm, Statistics};

/// Stacks the array `name` of each state, `[rows, columns]` or `[columns]`, into
/// `[K, rows, columns]`. The states hold it, with one shape.
pub fn stack(states: &[State], name: &str, device: &Device) -> Tensor<3> {
    let arrays: Vec<&Array> = states.iter().filter_map(|state| state.arrays.get(name)).collect();
    let shape = arrays.first().map_or(&[][..], |array| &array.shape);
    let (rows, columns) = match *shape {
        [columns] => (1, columns),
        [rows, columns] => (rows, columns),
        _ => (0, 0),
    };
    let values: Vec<f32> = arrays.iter().flat_map(|array| array.values.iter().copied()).collect();
    Tensor::from_data(TensorData::new(values, [arrays.len(), rows, columns]), device)
}

/// The members' parts of a stacked tensor, row-major.
pub fn unstack(tensor: &Tensor<3>) -> Vec<Vec<f32>> {
    let members = tensor.dims()[0];
    let values = to_host(tensor.clone());
    values.chunks(values.len() / members.max(1)).map(<[f32]>::to_vec).collect()
}

/// The values of a tensor, row-major.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("a tensor on the CPU can be read")
}
