//! Data sets: their names, their splits, and what a name stood for when a sweep was submitted.

mod name;
mod scales;

pub use name::{BadName, DatasetKind, DatasetName, UploadName};
pub use scales::{FeatureScale, Scales};

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// A data set with its split and its label noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// A set that everybody has, or an uploaded one.
    pub name: DatasetName,
    /// The rate at which each label is flipped to another class, independently;
    /// validation labels too, as in practice. Test labels stay clean.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1, default = 0.0))]
    pub label_noise: f64,
    /// Training samples; the set's own number when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub n_train: Option<u32>,
    /// Validation samples; the set's own number when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub n_val: Option<u32>,
    /// Shift and scale each feature (of images: each channel) to mean 0 and deviation 1 over the
    /// training samples; validation and test samples by the same figures. Off unless set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false, default = false))]
    pub standardize: bool,
    /// What the name stood for at submission, filled in by the server; one that is sent must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
}

/// What a data set's name stood for when its sweep was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The digest of an uploaded file, or of a named set's contents however its files are packed.
    pub sha256: Digest,
    /// What the uploaded file holds; none for a named set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// What an uploaded file was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// How it is written.
    pub format: Format,
    /// How many numbers a sample has.
    pub features: u32,
    /// The images that its samples are, where they are images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// How many classes the labels name.
    pub classes: u32,
    /// Samples for training and validation; for testing too, where there are no test samples.
    pub samples: u32,
    /// Samples kept for testing.
    pub test_samples: u32,
}

/// How an uploaded file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values, a row a sample.
    Csv,
    /// NumPy arrays in a zip file.
    Npz,
}

/// The size of a data set's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Numbers of a pixel. A sample's features are its channels one after the other.
    pub channels: u32,
    /// Pixels down.
    pub height: u32,
    /// Pixels across.
    pub width: u32,
}

impl Image {
    /// Images of `channels` channels that are as high as they are wide.
    pub const fn square(channels: u32, side: u32) -> Self {
        Self { channels, height: side, width: side }
    }

    /// Numbers of an image.
    pub fn numbers(self) -> u64 {
        u64::from(self.channels) * u64::from(self.height) * u64::from(self.width)
    }
}

/// What is known of a data set without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasetFacts {
    /// How many features a sample has.
    pub features: u32,
    /// The images that the samples are, where they are images.
    pub image: Option<Image>,
    /// How many classes the labels name.
    pub classes: u32,
    /// The sizes (training, validation) of a split that names none.
    pub default_split: (u32, u32),
    /// The most samples that training and validation can have together.
    pub max_samples: u32,
}

impl Dataset {
    /// A data set whole and clean, with its own split.
    pub fn named(name: DatasetName) -> Self {
        Self { name, label_noise: 0.0, n_train: None, n_val: None, standardize: false, pin: None }
    }

    /// What is known of it; none of an uploaded set that isn't pinned yet.
    pub fn facts(&self) -> Option<DatasetFacts> {
        self.name.facts().or_else(|| Some(self.pin?.upload?.facts()))
    }

    /// The same with the split's sizes filled in, where its facts are known.
    pub fn resolved(&self) -> Self {
        let split = self.facts().map(|facts| facts.default_split);
        Self {
            n_train: self.n_train.or(split.map(|split| split.0)),
            n_val: self.n_val.or(split.map(|split| split.1)),
            ..self.clone()
        }
    }
}

impl Upload {
    /// Splits 80:20, or 60:20:20 where the test samples are the rest.
    pub fn facts(&self) -> DatasetFacts {
        let whole = self.samples;
        let (train, val, most) = match self.test_samples {
            0 => (whole - 2 * (whole / 5), whole / 5, whole.saturating_sub((whole / 10).max(1))),
            _ => (whole - whole / 5, whole / 5, whole),
        };
        DatasetFacts {
            features: self.features,
            image: self.image,
            classes: self.classes,
            default_split: (train, val),
            max_samples: most,
        }
    }
}

impl Format {
    /// The name as it stands in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Npz => "npz",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_keeps_a_test_part_back_unless_it_brings_one() {
        let upload = |samples, test_samples| Upload {
            format: Format::Csv,
            features: 4,
            image: None,
            classes: 3,
            samples,
            test_samples,
        };
        let facts = upload(150, 0).facts();
        assert_eq!((facts.default_split, facts.max_samples), ((90, 30), 135));
        let facts = upload(150, 50).facts();
        assert_eq!((facts.default_split, facts.max_samples), ((120, 30), 150));
    }

    #[test]
    fn a_plain_data_set_is_told_by_few_fields() {
        let json = serde_json::to_string(&Dataset::named(DatasetName::Digits)).unwrap();
        assert_eq!(json, r#"{"name":"digits","label_noise":0.0}"#);
    }
}
