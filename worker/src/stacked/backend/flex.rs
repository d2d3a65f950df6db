//! The operations on the CPU: tensors lent to [`kernels`] as slices.

use super::StackedOps;
use crate::stacked::{
    kernels,
    shapes::{ConvShape, PoolShape},
};
use burn::{
    backend::{Flex, TensorMetadata, flex::FlexTensor},
    tensor::TensorData,
};

impl StackedOps for Flex {
    fn stacked_conv(x: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        let members = weight.shape()[0];
        let out = lend(&x, |x| lend(&weight, |w| kernels::convolve(x, w, members, shape)));
        let pixels = shape.samples * shape.out_height() * shape.out_width();
        tensor(out, [members, pixels, shape.filters])
    }

    fn stacked_conv_input_gradient(
        weight: FlexTensor,
        grad: FlexTensor,
        shape: ConvShape,
    ) -> FlexTensor {
        let members = weight.shape()[0];
        let out = lend(&weight, |w| lend(&grad, |g| kernels::input_gradient(w, g, members, shape)));
        tensor(out, [members, shape.samples * shape.height * shape.width, shape.channels])
    }

    fn stacked_conv_weight_gradient(
        x: FlexTensor,
        grad: FlexTensor,
        shape: ConvShape,
    ) -> FlexTensor {
        let members = grad.shape()[0];
        let out = lend(&x, |x| lend(&grad, |g| kernels::weight_gradient(x, g, members, shape)));
        tensor(out, [members, shape.kernel * shape.kernel * shape.channels, shape.filters])
    }

    fn stacked_pool(x: FlexTensor, shape: PoolShape) -> FlexTensor {
        let out = lend(&x, |x| kernels::pool(x, shape));
        let pixels = shape.pictures * (shape.height / 2) * (shape.width / 2);
        tensor(out, [1, pixels, shape.channels])
    }

    fn stacked_pool_gradient(x: FlexTensor, grad: FlexTensor, shape: PoolShape) -> FlexTensor {
        let out = lend(&x, |x| lend(&grad, |grad| kernels::pool_gradient(x, grad, shape)));
        let [members, rows, columns] = sizes(&x);
        tensor(out, [members, rows, columns])
    }

    fn stacked_norm(
        x: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let shape @ [members, _, columns] = sizes(&x);
        let normed = lend(&x, |x| {
            lend(&scale, |scale| lend(&shift, |shift| kernels::normalise(x, scale, shift, columns)))
        });
        let column = |values| tensor(values, [members, 1, columns]);
        (tensor(normed.out, shape), column(normed.mean), column(normed.variance))
    }

    fn stacked_norm_gradient(
        x: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        scale: FlexTensor,
        grad: FlexTensor,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let shape @ [members, _, columns] = sizes(&x);
        let found = lend(&x, |x| {
            lend(&mean, |mean| {
                lend(&variance, |variance| {
                    lend(&scale, |scale| {
                        lend(&grad, |grad| {
                            kernels::normalise_gradient(x, mean, variance, scale, grad, columns)
                        })
                    })
                })
            })
        });
        let column = |values| tensor(values, [members, 1, columns]);
        (tensor(found.x, shape), column(found.scale), column(found.shift))
    }
}

/// Lends the values of a tensor, row-major.
fn lend<T>(tensor: &FlexTensor, to: impl FnOnce(&[f32]) -> T) -> T {
    match tensor.as_slice::<f32>() {
        Some(values) => to(values),
        None => {
            let tensor = tensor.to_contiguous();
            to(tensor.as_slice::<f32>().unwrap_or_default())
        }
    }
}

fn sizes(tensor: &FlexTensor) -> [usize; 3] {
    let shape = tensor.shape();
    [shape[0], shape[1], shape[2]]
}

fn tensor(values: Vec<f32>, shape: [usize; 3]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
