//! A client of Floodgauge's server: submit, look, follow, pause, extend, cancel; data sets.
//!
//! [`Client`] has a method for each thing that users ask a server; the shapes of what it sends and
//! reads are [`protocol`]'s and [`api`]'s. Each answer comes as an [`Answer`]: read, and as the text
//! that it came as. It runs on tokio.
//!
//! This finds a flood level (it is `examples/find_b.rs`, which the workspace's tests run against a
//! real server):
//!
//! ```no_run
#![doc = include_str!("../examples/find_b.rs")]
//! ```

mod client;
mod datasets;
mod download;
mod error;
mod events;
mod sweeps;

pub use client::{Answer, Client};
pub use download::Download;
pub use error::ClientError;
pub use floodgauge_api::{self as api, FieldError, LogEntry, LogLine, Problem, Tone};
pub use floodgauge_net::{Authorities, CaFileError, NoAnswer};
pub use floodgauge_protocol as protocol;
pub use reqwest::Url;
