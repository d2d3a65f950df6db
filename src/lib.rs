//! Floodgauge finds the flood level of a training recipe, and says how sure it is.
//!
//! - [`access`]: tokens and what they allow (pure).
//! - [`scheduler`]: the pure core, events in and actions out.
//! - [`story`]: a sweep's log in words (pure).
//! - [`simulate`]: the scheduler in virtual time, on curves that are known.
//! - [`verdict`]: best b with its difference to the baseline (pure).
//! - [`warnings`]: what is likely to go wrong, told before it is paid (pure).
//! - [`beyond`]: levels beyond an end, for a search that goes on and for advice (pure).
//! - [`driver`]: the one place where the scheduler meets the store.
//! - [`doctor`]: what may be wrong with what a server left behind.
//! - [`store`]: the event log and its projections, on SQLite and Postgres.
//! - [`blobs`]: checkpoints by digest, and which of them go.
//! - [`upcast`]: what earlier versions stored, in today's shape (pure).
//! - [`export`]: a sweep as one file, written, read and compared with another run of it.
//! - [`base_path`]: a path that a server lies below.
//! - [`metrics`]: what a server counts.
//! - [`trace`]: from a submission through workers to a verdict.
//! - [`http`]: the surface for users and workers, and the page.
//! - [`client`]: the user's side of it.
//! - [`config`], [`cli`]: settings and commands of the program.
//!
//! For all of these, and for nobody else: `heavy` (where work is done that takes a processor for long),
//! `scratch` (files on their way), `small_text` (files of text that are never long), `unwritable` (disks that take
//! nothing more), `lost` (files that were taken away), `objects` (no array is taken for one) and `counting` (counts in
//! words).

pub mod access;
pub mod base_path;
pub mod beyond;
pub mod blobs;
pub mod cli;
pub mod client;
pub mod config;
mod counting;
pub mod doctor;
pub mod driver;
pub mod export;
mod heavy;
pub mod http;
mod lost;
pub mod metrics;
mod objects;
pub mod scheduler;
mod scratch;
pub mod simulate;
mod small_text;
pub mod store;
pub mod story;
pub mod trace;
mod unwritable;
pub mod upcast;
pub mod verdict;
pub mod warnings;
