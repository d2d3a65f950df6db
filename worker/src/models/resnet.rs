//! The residual networks for CIFAR (He et al., CVPR 2016, §4.2).

use super::{
    layout::{Arrays, Then},
    pass::Pass,
    pictures::Pictures,
};
use crate::stacked;
use burn::tensor::{Tensor, TensorData};
use floodgauge_protocol::Image;

/// A convolution, three stages of blocks, the mean pixel, a dense layer. From stage to stage
/// pictures halve and channels double; shortcuts are without parameters (the paper's option A).
#[derive(Clone, Debug)]
pub(super) struct Resnet {
    image: Image,
    /// Blocks of two convolutions in a stage, the paper's n.
    blocks: usize,
    width: usize,
}

const KERNEL: usize = 3;
const STAGES: usize = 3;

impl Resnet {
    pub fn declare(
        arrays: &mut Arrays,
        image: Image,
        depth: u32,
        width: u32,
        classes: usize,
    ) -> Self {
        let resnet = Self { image, blocks: (depth as usize - 2) / 6, width: width as usize };
        let mut conv = |layer: &str, before: usize, filters: usize| {
            arrays.weight(layer, KERNEL * KERNEL * before, filters, Then::Relu);
            arrays.norm(layer, filters);
        };
        let mut before = resnet.width;
        conv("first", image.channels as usize, before);
        for (stage, block, filters, _) in resnet.blocks() {
            conv(&format!("stages.{stage}.{block}.0"), before, filters);
            conv(&format!("stages.{stage}.{block}.1"), filters, filters);
            before = filters;
        }
        arrays.weight("dense", before, classes, Then::Logits);
        arrays.bias("dense", classes);
        resnet
    }

    /// Each block: its stage, its place there, its filters and its stride.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, usize, usize)> + use<> {
        let Self { blocks, width, .. } = *self;
        (0..STAGES).flat_map(move |stage| {
            let stride = move |block| if stage > 0 && block == 0 { 2 } else { 1 };
            (0..blocks).map(move |block| (stage, block, width << stage, stride(block)))
        })
    }

    pub fn forward(&self, pass: &mut Pass<'_>, x: Tensor<3>) -> Tensor<3> {
        let x = Pictures::of(x, self.image).conv(pass, self.width, KERNEL, 1);
        let mut x = x.map(|x| pass.norm(x)).relu();
        for (_, _, filters, stride) in self.blocks() {
            let inner = x.clone().conv(pass, filters, KERNEL, stride).map(|x| pass.norm(x)).relu();
            let inner = inner.conv(pass, filters, KERNEL, 1).map(|x| pass.norm(x));
            x = inner.plus(shortcut(x, filters, stride)).relu();
        }
        pass.linear(x.mean(), true)
    }
}

/// The pictures as they are; or every second pixel of them, with channels of zeros before and
/// behind. That is a convolution with weights 0 and 1, which changes no bit.
fn shortcut(x: Pictures, filters: usize, stride: usize) -> Pictures {
    let channels = x.channels();
    if (filters, stride) == (channels, 1) {
        return x;
    }
    x.convolved(filters, 1, stride, |x, shape| {
        let members = x.dims()[0];
        let before = (filters - channels) / 2;
        let mut weight = vec![0.0f32; members * channels * filters];
        for (row, weight) in weight.chunks_exact_mut(filters).enumerate() {
            weight[before + row % channels] = 1.0;
        }
        let weight = TensorData::new(weight, [members, channels, filters]);
        let weight = Tensor::from_data(weight, &x.device());
        stacked::conv(x, weight, shape)
    })
}
