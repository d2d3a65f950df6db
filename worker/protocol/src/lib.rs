//! What floodgauge's server, workers and clients say to each other.
//!
//! Serde types only: no IO, no training, no HTTP.
//!
//! - [`ids`], [`digest`]: names of things.
//! - [`recipe`], [`dataset`], [`model`], [`schedule`], [`levels`], [`method`], [`sweep`]: what a user
//!   asks for.
//! - [`space`]: the arms and families that a sweep spells out. [`arm`]: one of the arms, described.
//!   [`extension`]: more of them. [`ladder`]: a method's arms in the order of their levels.
//! - [`segment`], [`work`]: leased work and what workers answer; [`wire`]: in which version.
//! - [`text`]: text of others, as it may be shown, and what may be a name. [`shown`]: numbers for people.
//! - [`metric`]: what is measured, by name. [`below`]: whether a loss lies below a level.
//!
//! With the feature `openapi` all of them tell their JSON schema, bounds and defaults included.

pub mod arm;
pub mod below;
mod by_kind;
pub mod dataset;
pub mod digest;
pub mod extension;
pub mod ids;
pub mod ladder;
pub mod levels;
pub mod method;
pub mod metric;
pub mod model;
#[cfg(feature = "openapi")]
mod openapi;
pub mod recipe;
pub mod schedule;
pub mod segment;
pub mod shown;
pub mod space;
pub mod sweep;
pub mod text;
pub mod validate;
mod whole;
pub mod wire;
mod word_or_table;
pub mod work;

pub use arm::Arm;
pub use dataset::{
    Dataset, DatasetFacts, DatasetKind, DatasetName, FeatureScale, Format, Image, Pin, Scales,
    Upload,
};
pub use digest::Digest;
pub use extension::{Extension, LevelEnd};
pub use ids::{ArmIx, FamilyIx, LeaseId, SegmentId, SweepId, TrialKey};
pub use levels::Levels;
pub use method::{Method, MethodKind, MethodSpec, MethodTable, Parameter};
pub use metric::{Direction, Metric, MetricInfo, MetricName, MetricSpec, MetricValues, Metrics};
pub use model::{Augment, Model};
pub use recipe::{Optimizer, Recipe};
pub use schedule::Schedule;
pub use segment::{Branch, Segment, SegmentKind, Start};
pub use shown::Shown;
pub use space::{Family, SearchSpace};
pub use sweep::{At, Objective, SchedulerKind, SchedulerSpec, Search, SweepSpec};
pub use validate::Invalid;
