//! What data sets are called, and what a known name tells.

use super::{DatasetFacts, Image};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The name of a data set: one that everybody knows, or of an uploaded one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DatasetName {
    /// 1,797 8×8 optical digits of the UCI repository; built in.
    Digits,
    /// Two Gaussians in ten dimensions (Ishida et al., 2020, §4.1); generated.
    TwoGaussians,
    /// A sinusoid through a disc (the same); generated.
    Sinusoid,
    /// Two noisy spirals (the same); generated.
    Spiral,
    /// Handwritten digits, 28×28; IDX files.
    Mnist,
    /// Articles of clothing, 28×28; IDX files.
    FashionMnist,
    /// Cursive Japanese characters, 28×28; IDX files.
    Kmnist,
    /// Colour pictures of ten kinds of things, 32×32; binary batches.
    Cifar10,
    /// Colour pictures of a hundred kinds of things, 32×32; binary batches.
    Cifar100,
    /// House numbers, cropped to their middle digit, 32×32 in colour; MATLAB files.
    Svhn,
    /// One that somebody uploaded.
    Uploaded(UploadName),
}

impl DatasetName {
    /// Every data set that isn't uploaded.
    pub const ALL: [Self; 10] = [
        Self::Digits,
        Self::TwoGaussians,
        Self::Sinusoid,
        Self::Spiral,
        Self::Mnist,
        Self::FashionMnist,
        Self::Kmnist,
        Self::Cifar10,
        Self::Cifar100,
        Self::Svhn,
    ];

    /// The name as it stands in a recipe.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Digits => "digits",
            Self::TwoGaussians => "two_gaussians",
            Self::Sinusoid => "sinusoid",
            Self::Spiral => "spiral",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion_mnist",
            Self::Kmnist => "kmnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Svhn => "svhn",
            Self::Uploaded(name) => &name.0,
        }
    }

    /// Where its samples come from.
    pub fn kind(&self) -> DatasetKind {
        match self {
            Self::Digits => DatasetKind::BuiltIn,
            Self::TwoGaussians | Self::Sinusoid | Self::Spiral => DatasetKind::Generated,
            Self::Mnist | Self::FashionMnist | Self::Kmnist => DatasetKind::Files,
            Self::Cifar10 | Self::Cifar100 | Self::Svhn => DatasetKind::Files,
            Self::Uploaded(_) => DatasetKind::Uploaded,
        }
    }

    /// What is known of a set by its name alone; nothing of an uploaded one.
    ///
    /// Splits are the paper's 100/100 for the synthetic sets, 80:20 for those that come as files.
    /// Digits keep 100 samples back for testing; synthetic sets are bounded by memory alone.
    pub fn facts(&self) -> Option<DatasetFacts> {
        let facts = |features, image: Option<Image>, classes, default_split, max_samples| {
            Some(DatasetFacts { features, image, classes, default_split, max_samples })
        };
        let images = |image: Image, classes, split, most| {
            facts(image.numbers() as u32, Some(image), classes, split, most)
        };
        match self {
            Self::Digits => images(Image::square(1, 8), 10, (1_000, 397), 1_697),
            Self::TwoGaussians => facts(10, None, 2, (100, 100), 1_000_000),
            Self::Sinusoid | Self::Spiral => facts(2, None, 2, (100, 100), 1_000_000),
            Self::Mnist | Self::FashionMnist | Self::Kmnist => {
                images(Image::square(1, 28), 10, (48_000, 12_000), 60_000)
            }
            Self::Cifar10 => images(Image::square(3, 32), 10, (40_000, 10_000), 50_000),
            Self::Cifar100 => images(Image::square(3, 32), 100, (40_000, 10_000), 50_000),
            Self::Svhn => images(Image::square(3, 32), 10, (58_606, 14_651), 73_257),
            Self::Uploaded(_) => None,
        }
    }
}

/// Where the samples of a data set come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DatasetKind {
    /// The program itself holds its samples.
    BuiltIn,
    /// Drawn from the family's seed, without any file.
    Generated,
    /// Files in the data folder.
    Files,
    /// A file that somebody uploaded.
    Uploaded,
}

/// The name of an uploaded data set: 1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first,
/// and none that has a meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadName(String);

/// The most characters of a name.
const MAX_CHARS: usize = 64;

/// A text that can't name a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name of a data set: 1 to {MAX_CHARS} of a-z, 0-9, - and _, a letter or digit first"
)]
pub struct BadName(String);

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DatasetName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if let Some(known) = Self::ALL.into_iter().find(|name| name.as_str() == text) {
            return Ok(known);
        }
        let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = text.bytes().next().is_some_and(alphanumeric)
            && text.len() <= MAX_CHARS
            && text.bytes().all(|byte| alphanumeric(byte) || byte == b'-' || byte == b'_');
        match fits {
            true => Ok(Self::Uploaded(UploadName(text.into()))),
            false => Err(BadName(text.chars().take(80).collect())),
        }
    }
}

impl Serialize for DatasetName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DatasetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for DatasetName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let known: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[a-z0-9][a-z0-9_-]{0,63}$"))
            .description(Some(format!(
                "The name of a data set: {}, or an uploaded one",
                known.join(", ")
            )))
            .examples(known)
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for DatasetName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_reads_as_itself_and_others_as_uploads() {
        for name in DatasetName::ALL {
            assert_eq!(name.as_str().parse::<DatasetName>().unwrap(), name);
            assert!(name.facts().is_some() && name.kind() != DatasetKind::Uploaded);
        }
        let name: DatasetName = "iris-2".parse().unwrap();
        assert_eq!(
            (name.kind(), name.as_str(), name.facts()),
            (DatasetKind::Uploaded, "iris-2", None)
        );
        let long = "x".repeat(65);
        for bad in ["", "Iris", "iris 2", "-iris", "a/b", "..", "ä", &long] {
            assert!(bad.parse::<DatasetName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn known_splits_fit_their_sets_and_images_their_features() {
        for facts in DatasetName::ALL.into_iter().filter_map(|name| name.facts()) {
            assert!(facts.default_split.0 + facts.default_split.1 <= facts.max_samples);
            assert!(facts.image.is_none_or(|image| image.numbers() == u64::from(facts.features)));
        }
    }
}
