//! How far a sweep has got, and what it waits for.

use serde::{Deserialize, Serialize};

/// How far a sweep has got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// What is done just now, in words.
    #[cfg_attr(feature = "openapi", schema(example = "probing levels"))]
    pub phase: String,
    /// Run-equivalents that were trained; what a family left behind when it started over isn't in them.
    pub spent: f64,
    /// Run-equivalents that it comes to at most, as far as is decided. What is spent is all of it once the
    /// sweep has ended; it grows only where the sweep is extended, or has something to train again.
    pub planned: f64,
    /// Run-equivalents that nobody will train, as far as that is decided. The answer's figure counts every
    /// level that lies dormant, though it may be trained yet.
    pub pruned: f64,
    /// Seconds from the first thing that happened to it, a worker's claim, to the newest, pauses among them;
    /// null before.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub elapsed_s: Option<f64>,
    /// Seconds that are left at most, at its pace so far; null while that can't be told, where it doesn't go
    /// on, and once it was paused or extended: the time since it began doesn't tell its pace then.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub left_s: Option<f64>,
}

/// Why nobody works on a sweep that hasn't ended, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// For what it waits.
    #[serde(rename = "for")]
    pub what: WaitsFor,
    /// The same in words, without a full stop.
    #[cfg_attr(feature = "openapi", schema(example = "it is paused"))]
    pub words: String,
    /// What to do about it, in words, without a full stop.
    #[cfg_attr(feature = "openapi", schema(example = "resume it to continue"))]
    pub remedy: String,
    /// Whether one more worker would do: `floodgauge worker --server` with this server's address starts one.
    pub wants_worker: bool,
    /// Whether a sweep that was just submitted shows it for a moment, before a worker takes it: to be told once it lasts.
    pub transient: bool,
    /// For how many seconds nobody is given what is left of it, where it is held back; else null.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub backoff_s: Option<u32>,
}

/// For what a sweep waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// That somebody resumes it.
    Resume,
    /// Its data set, which is damaged on the server.
    Data,
    /// A worker of the kind of machine that began it.
    Machine,
    /// Another worker in the place of one whose lease expired.
    LeaseExpired,
    /// That what is left of it may be given out again, which workers in trouble handed back too often.
    HeldBack,
    /// Any worker: none asks for work.
    Worker,
    /// A worker whose machine is in no trouble: the machines of those that there are are.
    WorkersInTrouble,
    /// A worker of a release that the server understands: those that ask are of none.
    IncompatibleWorkers,
    /// Its turn: all workers are busy with other sweeps.
    Turn,
}

impl WaitsFor {
    /// Whether a sweep that was just submitted shows it for a moment, before a worker takes it: to be told once it lasts.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Worker | Self::WorkersInTrouble | Self::IncompatibleWorkers | Self::Turn => true,
            Self::Resume | Self::Data | Self::Machine | Self::LeaseExpired | Self::HeldBack => {
                false
            }
        }
    }
}
