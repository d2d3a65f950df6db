//! Data sets: what there is to train on.

use floodgauge_protocol::{DatasetKind, DatasetName, Digest, Format, Image, Scales};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A data set as lists show it: what it holds, and whether a sweep can train on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetItem {
    /// The name, as recipes have it.
    pub name: DatasetName,
    /// Where its samples come from.
    pub kind: DatasetKind,
    /// Whether a sweep can train on it now.
    pub ready: bool,
    /// Files that it lacks in the server's data folder.
    pub missing: Vec<String>,
    /// What is wrong with the bytes that are kept of it, in words; null where nothing is known to be.
    /// Adding the same file again mends it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub damage: Option<String>,
    /// How many numbers a sample has.
    pub features: u32,
    /// The images that its samples are; null where they aren't images.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub image: Option<Image>,
    /// How many classes the labels name.
    pub classes: u32,
    /// The most samples that training and validation can have together.
    #[serde(rename = "most_samples")]
    pub max_samples: u32,
    /// Training samples of a recipe that names no number.
    pub n_train: u32,
    /// Validation samples of a recipe that names no number.
    pub n_val: u32,
    /// What is kept of it, for workers to fetch; null where nothing is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub kept: Option<Kept>,
    /// How many sweeps are pinned to what is kept of it, which can't be deleted as long as there is one; no more
    /// than 1,000 are counted. Null where nothing is kept, and from servers before 0.2.0.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub sweeps: Option<u64>,
    /// How large its features are. Null of sets that aren't uploaded, and of uploads that a server before 0.2.0
    /// took: adding the same file again measures them.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub scales: Option<Scales>,
}

impl DatasetItem {
    /// The most sweeps that are counted of one, so that a list takes no longer the more there are. Chosen, not
    /// measured.
    pub const MOST_SWEEPS: u64 = 1_000;
}

/// What is kept of a data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Kept {
    /// The digest of its bytes.
    pub sha256: Digest,
    /// How long that is, in bytes.
    pub bytes: u64,
    /// How they are written; null for a named set, which is kept as four IDX arrays.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub format: Option<Format>,
    /// Samples that are for testing alone; without any, training and validation leave some.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub test_samples: Option<u32>,
    /// Since when these bytes are kept, by the database's clock.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-01-01T00:00:00Z"))]
    pub since: Timestamp,
}

/// A page of data sets: on the first page those that everybody has, then uploaded ones by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetList {
    /// The data sets of this page.
    pub items: Vec<DatasetItem>,
    /// What to pass as `cursor` for the next page; null at the end.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_cursor: Option<String>,
}

/// Which page of the list of data sets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct DatasetQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// At most so many uploaded ones, 1 to 200; 100 when unset.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200, default = 100))]
    pub limit: Option<u32>,
}

/// How to call an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct AddDatasetQuery {
    /// The name that recipes will call it by.
    pub name: DatasetName,
}
