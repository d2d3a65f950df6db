//! The HTTP surface, over a real listener, store and driver. Tests play the worker.

mod access;
mod bad_models;
mod bad_sweeps;
mod bad_training;
mod base_path;
mod bits;
mod blobs;
mod bounds;
mod control;
mod datasets;
mod description;
mod events;
mod hostile;
mod metrics;
mod model;
mod page;
mod problems;
mod ranges;
mod results;
pub mod server;
mod servers;
mod sweeps;
mod unreplayable;
mod versions;
mod wire;
mod work;
pub mod worker;
