//! A segment being trained in a thread of its own.

use super::{Cut, Inputs, Trainer};
use crate::{
    client::chain,
    cohort::{Ended, Progress},
};
use floodgauge_protocol::work::{Assignment, ReportRow, Stop};
use std::{any::Any, error::Error, sync::Arc};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Epochs whose rows may wait to be sent; training waits when there are more.
const EPOCHS_AHEAD: usize = 64;

/// Training in progress; dropped, it ends at its next step.
pub(super) struct Training {
    thread: JoinHandle<Result<Vec<Ended>, Box<dyn Error + Send + Sync>>>,
    _abandon: DropGuard,
}

impl Training {
    /// Starts to train. The receiver gets the rows of each epoch, and closes when no more come.
    pub fn start(
        tasks: &TaskTracker,
        trainer: Arc<dyn Trainer>,
        assignment: Arc<Assignment>,
        inputs: Inputs,
        stops: watch::Receiver<Vec<Stop>>,
    ) -> (Self, mpsc::Receiver<Vec<ReportRow>>) {
        let (sender, receiver) = mpsc::channel(EPOCHS_AHEAD);
        let abandoned = CancellationToken::new();
        let mut progress = Reporting { rows: sender, stops, abandoned: abandoned.clone() };
        let span = tracing::Span::current();
        let thread = tasks.spawn_blocking(move || {
            span.in_scope(|| trainer.train(&assignment, inputs, &mut progress))
        });
        (Self { thread, _abandon: abandoned.drop_guard() }, receiver)
    }

    /// Waits for the end. A panic is a failure like another.
    pub async fn end(self) -> Result<Vec<Ended>, Cut> {
        match self.thread.await {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(error)) => Err(Cut::Failed(chain(&*error))),
            Err(error) => Err(Cut::Failed(match error.try_into_panic() {
                Ok(panic) => format!("training panicked: {}", words(&*panic)),
                Err(error) => format!("training ended: {error}"),
            })),
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// Hands rows from the training thread to the one that sends them, and stops back.
struct Reporting {
    rows: mpsc::Sender<Vec<ReportRow>>,
    stops: watch::Receiver<Vec<Stop>>,
    abandoned: CancellationToken,
}

impl Progress for Reporting {
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop> {
        // Nobody receives once the segment is given up; `abandoned` then ends the training.
        let _ = self.rows.blocking_send(rows);
        self.stops.borrow().clone()
    }

    fn abandoned(&self) -> bool {
        self.abandoned.is_cancelled()
    }
}
