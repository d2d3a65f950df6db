//! What is trained: the model, and the images that some models want.

use crate::{by_kind::by_kind, dataset::Image};
use serde::{Deserialize, Serialize};

by_kind! {
/// A model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(default = json!({ "kind": "mlp", "hidden": [128, 128] }))
)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Model {
    /// A multi-layer perceptron with ReLU between its layers.
    Mlp {
        /// The width of each hidden layer; none makes a linear model.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::Width>, max_items = 32))]
        hidden: Vec<u32> => "the widths of its hidden layers",
        /// Batch normalisation before each ReLU.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(default = false))]
        batch_norm: bool = false,
    },
    /// A convolutional network after LeNet: convolutions, each with a 2 × 2 max-pool and a ReLU
    /// behind it, then dense layers. For images.
    Cnn {
        /// The channels of each convolution.
        #[serde(default)]
        #[cfg_attr(
            feature = "openapi",
            schema(value_type = Vec<crate::openapi::Width>, min_items = 1, max_items = 32, default = json!([16, 32]))
        )]
        channels: Vec<u32> = vec![16, 32],
        /// Pixels across and down of the convolutions' windows, 3 or 5.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(minimum = 3, maximum = 5, default = 3))]
        kernel: u32 = 3,
        /// The width of each hidden dense layer.
        #[serde(default)]
        #[cfg_attr(
            feature = "openapi",
            schema(value_type = Vec<crate::openapi::Width>, max_items = 32, default = json!([128]))
        )]
        hidden: Vec<u32> = vec![128],
        /// Batch normalisation before each ReLU.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(default = false))]
        batch_norm: bool = false,
    },
    /// A residual network of the CIFAR family (He et al., CVPR 2016, §4.2), with batch
    /// normalisation. For images.
    Resnet {
        /// Layers with weights: 6n + 2.
        #[cfg_attr(feature = "openapi", schema(minimum = 8, maximum = 110, example = 20))]
        depth: u32 => "its layers with weights: 6n + 2",
        /// Channels of the first of its three stages; the next ones have twice as many each.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_048, default = 16))]
        width: u32 = 16,
    },
}
}

impl Default for Model {
    fn default() -> Self {
        Self::Mlp { hidden: vec![128, 128], batch_norm: false }
    }
}

impl Model {
    /// The kind as it stands in a recipe.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mlp { .. } => "mlp",
            Self::Cnn { .. } => "cnn",
            Self::Resnet { .. } => "resnet",
        }
    }

    /// The widths of its hidden dense layers.
    pub fn hidden(&self) -> &[u32] {
        match self {
            Self::Mlp { hidden, .. } | Self::Cnn { hidden, .. } => hidden,
            Self::Resnet { .. } => &[],
        }
    }

    /// Whether it has batch normalisation.
    pub fn batch_norm(&self) -> bool {
        match self {
            Self::Mlp { batch_norm, .. } | Self::Cnn { batch_norm, .. } => *batch_norm,
            Self::Resnet { .. } => true,
        }
    }

    /// Whether it wants samples that are images.
    pub fn wants_images(&self) -> bool {
        !matches!(self, Self::Mlp { .. })
    }

    /// How many numbers its weights and running statistics are, on samples of `features` features,
    /// which may be an image, in `classes` classes.
    pub fn parameters(&self, features: u32, image: Option<Image>, classes: u32) -> u64 {
        // Whatever a client may have written: no layer is that wide, and no sum of them overflows.
        let wide = |n: &u32| u128::from((*n).min(1 << 20));
        let per_column = if self.batch_norm() { 4 } else { 1 };
        let dense = |features: u128| {
            let mut numbers = 0;
            let mut before = features;
            for width in self.hidden().iter().map(wide) {
                numbers += (before + per_column) * width;
                before = width;
            }
            numbers + (before + 1) * wide(&classes)
        };
        let mut before = image.map_or(1, |image| wide(&image.channels));
        let numbers = match self {
            Self::Mlp { .. } => dense(features.into()),
            Self::Cnn { channels, kernel, .. } => {
                let mut numbers = 0;
                for filters in channels.iter().map(wide) {
                    numbers += (wide(kernel) * wide(kernel) * before + per_column) * filters;
                    before = filters;
                }
                let halvings = u32::try_from(channels.len()).unwrap_or(u32::MAX);
                let halved = |n: u32| u128::from(n.checked_shr(halvings).unwrap_or(0));
                let pooled = image.map_or(0, |image| halved(image.height) * halved(image.width));
                numbers + dense(pooled * before)
            }
            Self::Resnet { depth, width } => {
                let mut numbers = (9 * before + per_column) * wide(width);
                before = wide(width);
                for stage in 0..3 {
                    let filters = wide(width) << stage;
                    // Each stage has n blocks of two convolutions; the first meets the stage before.
                    let convolutions = u128::from(depth.saturating_sub(2) / 3);
                    numbers += convolutions * (9 * filters + per_column) * filters;
                    numbers -= 9 * (filters - before) * filters * convolutions.min(1);
                    before = filters;
                }
                numbers + (before + 1) * wide(&classes)
            }
        };
        u64::try_from(numbers).unwrap_or(u64::MAX)
    }
}

/// Random changes to training images, drawn anew for each sample and epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Mirrors every second image, left to right.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub flip: bool,
    /// Moves each image by up to so many pixels, up or down and left or right; zeros come in.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(default = 0))]
    pub crop: u32,
}

impl Augment {
    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_of_the_layers() {
        let image = Some(Image { channels: 3, height: 32, width: 32 });
        let mlp = Model::Mlp { hidden: vec![8, 4], batch_norm: true };
        assert_eq!(mlp.parameters(10, None, 2), (10 + 4) * 8 + (8 + 4) * 4 + (4 + 1) * 2);
        let cnn: Model = serde_json::from_str(r#"{"kind": "cnn", "hidden": [7]}"#).unwrap();
        let convolutions = (9 * 3 + 1) * 16 + (9 * 16 + 1) * 32;
        assert_eq!(cnn.parameters(3_072, image, 10), convolutions + (64 * 32 + 1) * 7 + 8 * 10);
        // He et al., 2016, table 6: ResNet-20 has 0.27 million; ours counts running statistics too.
        let resnet = Model::Resnet { depth: 20, width: 16 };
        assert_eq!(resnet.parameters(3_072, image, 10), 269_722 + 2 * (7 * 16 + 6 * 32 + 6 * 64));
    }
}
