//! Pictures between the layers of a convolutional network.

use super::pass::Pass;
use crate::stacked::{ConvShape, PoolShape, max_pool};
use burn::tensor::{Tensor, activation::relu};
use floodgauge_protocol::Image;

/// The pictures of a mini-batch, `[K, samples · height · width, channels]`.
#[derive(Clone)]
pub(super) struct Pictures {
    values: Tensor<3>,
    samples: usize,
    height: usize,
    width: usize,
    channels: usize,
}

impl Pictures {
    /// From features `[1, samples, channels · height · width]`.
    pub fn of(features: Tensor<3>, image: Image) -> Self {
        let [channels, height, width] =
            [image.channels, image.height, image.width].map(|n| n as usize);
        let samples = features.dims()[1];
        let pixels = height * width;
        let values = if channels == 1 {
            features.reshape([1, samples * pixels, 1])
        } else {
            let planes = features.reshape([samples, channels, pixels]);
            planes.swap_dims(1, 2).reshape([1, samples * pixels, channels])
        };
        Self { values, samples, height, width, channels }
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// A convolution without bias, each member with its own filters.
    pub fn conv(self, pass: &mut Pass<'_>, filters: usize, kernel: usize, stride: usize) -> Self {
        self.convolved(filters, kernel, stride, |x, shape| pass.conv(x, shape))
    }

    pub fn convolved(
        self,
        filters: usize,
        kernel: usize,
        stride: usize,
        conv: impl FnOnce(Tensor<3>, ConvShape) -> Tensor<3>,
    ) -> Self {
        let Self { values, samples, height, width, channels } = self;
        let shape = ConvShape { samples, height, width, channels, filters, kernel, stride };
        Self {
            values: conv(values, shape),
            samples,
            height: shape.out_height(),
            width: shape.out_width(),
            channels: filters,
        }
    }

    /// Half as high and wide, each pixel the largest of four.
    pub fn pooled(self) -> Self {
        let Self { values, samples, height, width, channels } = self;
        let shape = PoolShape { pictures: values.dims()[0] * samples, height, width, channels };
        let values = max_pool(values, shape);
        Self { values, samples, height: height / 2, width: width / 2, channels }
    }

    pub fn map(self, change: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Self {
        Self { values: change(self.values), ..self }
    }

    pub fn relu(self) -> Self {
        self.map(relu)
    }

    pub fn plus(self, other: Self) -> Self {
        self.map(|values| values + other.values)
    }

    /// One row a sample, `[K, samples, height · width · channels]`.
    pub fn flat(self) -> Tensor<3> {
        let members = self.values.dims()[0];
        self.values.reshape([members, self.samples, self.height * self.width * self.channels])
    }

    /// The mean pixel of each picture, `[K, samples, channels]`.
    pub fn mean(self) -> Tensor<3> {
        let members = self.values.dims()[0];
        let pixels = self.height * self.width;
        let pictures = self.values.reshape([members * self.samples, pixels, self.channels]);
        pictures.mean_dim(1).reshape([members, self.samples, self.channels])
    }
}
