//! A convolutional network after LeNet (LeCun et al., Proc. IEEE 1998).

use super::{
    layout::{Arrays, Then},
    mlp::Mlp,
    pass::Pass,
    pictures::Pictures,
};
use burn::tensor::Tensor;
use floodgauge_protocol::Image;

/// Convolutions that keep the picture's size, each with a max-pool of 2 × 2 and a ReLU behind it;
/// then dense layers.
#[derive(Clone, Debug)]
pub(super) struct Cnn {
    image: Image,
    channels: Vec<usize>,
    kernel: usize,
    /// Whether a batch norm follows each convolution; the dense layers have theirs.
    batch_norm: bool,
    dense: Mlp,
}

impl Cnn {
    pub fn declare(
        arrays: &mut Arrays,
        image: Image,
        channels: &[u32],
        kernel: u32,
        (hidden, classes): (&[u32], usize),
        batch_norm: bool,
    ) -> Self {
        let kernel = kernel as usize;
        let mut before = image.channels as usize;
        for (i, &filters) in channels.iter().enumerate() {
            let (layer, filters) = (format!("convolutions.{i}"), filters as usize);
            arrays.weight(&layer, kernel * kernel * before, filters, Then::Relu);
            arrays.norm_or_bias(&layer, filters, batch_norm);
            before = filters;
        }
        let halved = |n: u32| (n >> channels.len()) as usize;
        let features = halved(image.height) * halved(image.width) * before;
        let dense = Mlp::declare(arrays, "dense", features, hidden, classes, batch_norm);
        let channels = channels.iter().map(|&n| n as usize).collect();
        Self { image, channels, kernel, batch_norm, dense }
    }

    pub fn forward(&self, pass: &mut Pass<'_>, x: Tensor<3>) -> Tensor<3> {
        let mut x = Pictures::of(x, self.image);
        for &filters in &self.channels {
            x = x.conv(pass, filters, self.kernel, 1);
            // A ReLU and a bias change no order, so that they are cheaper behind the pool; a
            // norm's scale may.
            x = if self.batch_norm {
                x.map(|x| pass.norm(x)).pooled()
            } else {
                x.pooled().map(|x| pass.bias(x))
            };
            x = x.relu();
        }
        self.dense.forward(pass, x.flat())
    }
}
