//! Trains flooded models in lockstep.
//!
//! - [`data`]: data sets, their splits and their label noise; no tensors.
//! - [`augment`]: random changes to training images.
//! - [`seeds`]: random streams derived from what they are for, never carried along.
//! - [`flood`]: the weight of each sample, which is all that makes most methods; [`pair`]: methods
//!   that take two gradients of each mini-batch.
//! - [`stacked`], [`models`], [`optim`]: layers, models and optimisers with a leading member axis;
//!   [`rates`]: the learning rate of each step.
//! - [`evaluate`]: losses and errors, never flooded.
//! - [`checkpoint`]: one branch as bytes, all that an exact resume needs.
//! - [`cohort`]: trains the branches of a segment as one stacked model.
//! - [`device`]: where the arithmetic runs; [`fingerprint`](mod@fingerprint): what its bits depend on.
//! - [`memory`]: how many members fit in it at once.
//! - [`client`]: the server's work routes, typed.
//! - [`runner`]: claims segments, trains and reports them, until told to stop.
//!
//! # A worker in a binary
//!
//! [`runner::Worker`] is all that a process needs, be it `floodgauge worker` or a server that
//! trains in its own process and reaches itself at its own address:
//!
//! ```no_run
//! use floodgauge_worker::{
//!     client::Retry,
//!     device::Machine,
//!     runner::{Authorities, Cache, SAVE_EVERY, Worker, WorkerConfig},
//! };
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let worker = Worker::new(WorkerConfig {
//!     server: "http://127.0.0.1:7878".into(),
//!     token: None,
//!     name: "embedded".into(),
//!     cache: Cache { folder: "cache".into(), max_bytes: 8 << 30 },
//!     machine: Machine::default(),
//!     retry: Retry::default(),
//!     authorities: Authorities::default(),
//!     save_every: SAVE_EVERY,
//! })?;
//! let shutdown = CancellationToken::new();
//! let running = tokio::spawn({
//!     let shutdown = shutdown.clone();
//!     async move { worker.run(shutdown).await }
//! });
//! tokio::signal::ctrl_c().await?;
//! shutdown.cancel();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! A worker that ends with an error
//! was refused by the server, or hit the bound of its `retry`; a server that is merely away is
//! waited for. With [`runner::Trainer`] something else than this crate may do the training.

pub mod augment;
pub mod checkpoint;
pub mod client;
pub mod cohort;
pub mod data;
pub mod device;
pub mod evaluate;
pub mod fingerprint;
pub mod flood;
pub mod memory;
pub mod models;
pub mod optim;
pub mod pair;
mod panics;
pub mod rates;
pub mod runner;
pub mod seeds;
pub mod stacked;
mod trace;
