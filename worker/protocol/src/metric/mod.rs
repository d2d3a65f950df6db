//! Metrics: what a sweep measures, by name.
//!
//! - [`Metric`]: one number, which may have diverged.
//! - [`MetricName`]; [`MetricValues`]: the numbers of one epoch, by name.
//! - [`Metrics`]: what a sweep's runs report, each with its [`Direction`] and unit. Those of the
//!   built-in recipe are [`Metrics::built_in`]: to report a further one, add it there.

mod declared;
mod name;
mod value;
mod values;

pub use declared::{Direction, MetricInfo, MetricSpec, MetricTable, Metrics};
pub use name::{InvalidName, MetricName};
pub use value::Metric;
pub use values::MetricValues;
