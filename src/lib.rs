//! Floodgauge finds the flood level of a training recipe, and says how sure it is.
//!
//! - [`scheduler`]: the pure core, events in and actions out.
//! - [`verdict`]: best b with its difference to the baseline (pure).
//! - [`driver`]: the one place where the scheduler meets the store.
//! - [`store`]: the event log and its projections, on SQLite and Postgres.
//! - [`blobs`]: checkpoints by digest, and which of them go.

pub mod blobs;
pub mod driver;
pub mod scheduler;
pub mod store;
pub mod verdict;
