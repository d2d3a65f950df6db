//! Answers that grow with what was trained: read from the database as they are sent, so that one
//! takes a few MiB of memory however long it is and however slowly it is taken.
//!
//! - [`Rows`]: the reported epochs of a sweep as they were when the answer began, a page at a time.
//! - [`column`]: what stands below one another in them. [`sheet`]: columns side by side, as JSON.
//! - [`pieces`]: an answer that is sent in pieces.

pub(super) mod column;
pub(super) mod pieces;
pub(super) mod sheet;

use super::problem::Problem;
use crate::store::{CurveRow, DynStore, RowRange, StoreError};
use floodgauge_protocol::{MetricName, SweepId, TrialKey};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// Rows read at once: half a MiB or so.
const PAGE: u32 = 1_000;

/// How far a trial was trained when the answer began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Which trial it is.
    pub trial: TrialKey,
    /// How many epochs it has, from 1 and without gaps.
    pub epochs: u32,
    /// The first step at which its arm departed from plain, if it had.
    pub onset: Option<u64>,
}

/// The reported epochs of a sweep as they were when the answer began.
///
/// How far each trial had got then is read by one statement. Curves only grow, so later pages hold the
/// rest of the same, whatever is reported meanwhile; no connection is held between two of them. Where
/// an epoch is gone after all, since the sweep was deleted, the answer breaks off.
pub(super) struct Rows {
    store: DynStore,
    sweep: SweepId,
    extents: Arc<[Extent]>,
    page: Vec<CurveRow>,
}

/// Why an answer can't be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else than when the answer began.
    #[error("epoch {epoch} of trial {sweep}.{trial} isn't there any more")]
    Gone {
        /// Whose it was.
        sweep: SweepId,
        /// Which of its trials'.
        trial: TrialKey,
        /// The first that is missing.
        epoch: u32,
    },
    /// What can't be written as JSON or CSV.
    #[error("the answer can't be serialised: {0}")]
    Unwritten(anyhow::Error),
    /// What clients are told of as such.
    #[error("{0}")]
    Told(Problem),
}

impl From<Problem> for Broken {
    fn from(problem: Problem) -> Self {
        Self::Told(problem)
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        Self::Unwritten(error.into())
    }
}

impl From<fmt::Error> for Broken {
    fn from(error: fmt::Error) -> Self {
        Self::Unwritten(error.into())
    }
}

impl From<Broken> for Problem {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Store(error) => error.into(),
            Broken::Gone { .. } => Self::Unavailable(broken.into()),
            Broken::Unwritten(error) => Self::Internal(error),
            Broken::Told(problem) => problem,
        }
    }
}

impl Rows {
    /// Those of a sweep as they are now.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn of(store: &DynStore, sweep: SweepId) -> Result<Self, StoreError> {
        let trials = store.trials(sweep).await?;
        let extents = trials.iter().map(|trial| Extent {
            trial: trial.trial,
            epochs: trial.epochs,
            onset: trial.onset_step,
        });
        Ok(Self { store: store.clone(), sweep, extents: extents.collect(), page: Vec::new() })
    }

    /// The trials, by family, then arm; some have no rows.
    pub fn extents(&self) -> Arc<[Extent]> {
        self.extents.clone()
    }

    /// The metrics of the first epochs of all: those that a sweep declares, however it does.
    ///
    /// # Errors
    /// As of [`after`](Self::after).
    pub async fn first_metrics(&mut self) -> Result<BTreeSet<MetricName>, Broken> {
        let first = self.extents.iter().copied().find(|extent| extent.epochs > 0);
        let Some(first) = first else { return Ok(BTreeSet::new()) };
        let rows = self.after(&first, 0).await?;
        Ok(rows.iter().flat_map(|row| row.metrics.iter()).map(|(name, _)| name).collect())
    }

    /// What follows on an epoch of a trial, which isn't its last: as many epochs as are at hand, and at
    /// least one.
    ///
    /// # Errors
    /// The store's trouble, or that the next epoch is gone.
    pub async fn after(&mut self, of: &Extent, epoch: u32) -> Result<&[CurveRow], Broken> {
        let place = |row: &CurveRow| (row.trial, row.epoch);
        let known = self.page.binary_search_by_key(&(of.trial, epoch + 1), place);
        let begin = match known {
            Ok(begin) => begin,
            Err(_) => {
                // Not both at once.
                self.page = Vec::new();
                let range = self.page_behind(of, epoch);
                self.page = self.store.curves(self.sweep, range, PAGE).await?;
                0
            }
        };
        let rest = &self.page[begin..];
        let next = rest.iter().zip(epoch + 1..=of.epochs);
        let count = next.take_while(|(row, epoch)| place(row) == (of.trial, *epoch)).count();
        match count {
            0 => Err(Broken::Gone { sweep: self.sweep, trial: of.trial, epoch: epoch + 1 }),
            count => Ok(&rest[..count]),
        }
    }

    /// What is read next, of this trial and those that follow on it: no more than a page.
    fn page_behind(&self, of: &Extent, epoch: u32) -> RowRange {
        let (mut to, mut rows) = (of.epochs.min(epoch + PAGE), of.epochs - epoch);
        let mut last = of.trial;
        let place = self.extents.partition_point(|extent| extent.trial <= of.trial);
        for next in &self.extents[place..] {
            if rows >= PAGE {
                break;
            }
            (last, to) = (next.trial, next.epochs.min(PAGE - rows));
            rows += next.epochs;
        }
        RowRange { after: Some((of.trial, epoch)), to: Some((last, to)) }
    }
}
