//! A sweep as one file, to take away and to run again.
//!
//! The file is the recorded grid that a server answers, so it is read by `simulate` too, with more fields
//! behind the curves: `export` (who wrote it, in which version), `dataset`, `answer` and `log`. With its
//! data set beside it, it is `sweep.json` in a zip archive.
//!
//! - `write`: the further fields; `archive`: the archive.
//! - `document`: a file read back, by whatever hand it was made: `bounded` and `budget` hold what it may cost,
//!   `curves` is most of it, `metric_bits` one value. `read`: one that can be run again.
//! - `compare`: what another run of the sweep has otherwise.

pub mod archive;
mod bounded;
mod budget;
pub mod compare;
pub mod curves;
pub mod document;
mod metric_bits;
mod read;
mod write;

pub use curves::Run;
pub use metric_bits::MetricBits;
pub use read::{Export, MAX_CURVE_VALUES};
pub use write::{Appended, ExportedData, Origin};

use floodgauge_net::plain_io;
use std::io;

/// The version of the file's shape that this build writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The longest sweep that is read from a file, as JSON, unpacked.
pub const MAX_BYTES: u64 = 1 << 30;

/// Why a file can't be run again.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It can't be read.
    #[error("it can't be read: {}", plain_io(.0))]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is no export of a sweep: {0}")]
    Foreign(String),
    /// It was an export.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It is more than is read.
    #[error("it is too large: {0}")]
    TooLarge(String),
    /// It is one of later versions.
    #[error(
        "a later version of floodgauge wrote it, in format {0}; this one reads formats up to {FORMAT}"
    )]
    Later(u64),
}
