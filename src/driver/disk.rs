//! Whether files can be written, as far as anybody knows. What is known isn't stored.
//!
//! Whoever meets a disk that is full, read-only or failing has it noted here, and a look every now and then finds
//! it before somebody's upload does. From then on the server isn't ready, until something can be written again.

use super::Driver;
use crate::unwritable::unwritable;
use floodgauge_net::innermost;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Between two looks while nothing can be written: a server is ready again soon after there is room. Chosen, not
/// measured.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is known of the disks.
#[derive(Debug, Default)]
pub(super) struct DiskHealth(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    trouble: Option<String>,
    /// A look is going on.
    looking: bool,
    /// When the last one ended.
    looked: Option<Instant>,
    /// How often trouble was met; what was met during a look isn't over with its end.
    met: u64,
}

impl DiskHealth {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Notes that a disk can't be written, in words.
    pub fn note_unwritable(&self, words: &str) {
        let mut known = self.0.disk.lock();
        known.met += 1;
        // The first one is told: where both disks are full, words would change with each request.
        if known.trouble.is_none() {
            tracing::error!("{words}: nothing new is taken until that is over");
            known.trouble = Some(words.into());
        }
    }

    /// Why files can't be written, if that is so; has it looked at again meanwhile.
    pub fn unwritable(&self) -> Option<String> {
        let known = self.0.disk.lock();
        let trouble = known.trouble.clone()?;
        let is_due = known.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        let begins = is_due && !known.looking;
        drop(known);
        if begins {
            let driver = self.clone();
            tokio::spawn(async move { driver.look_at_disk().await });
        }
        Some(trouble)
    }

    /// Looks whether blobs can be written and, where something couldn't be, the database too.
    pub async fn look_at_disk(&self) {
        let (met, was_well) = {
            let mut known = self.0.disk.lock();
            if std::mem::replace(&mut known.looking, true) {
                return;
            }
            (known.met, known.trouble.is_none())
        };
        let found = self.find_unwritable(was_well).await;
        let mut known = self.0.disk.lock();
        (known.looking, known.looked) = (false, Some(Instant::now()));
        match found {
            Some(words) if known.trouble.is_some() => known.trouble = Some(words),
            Some(words) => {
                drop(known);
                self.note_unwritable(&words);
            }
            None if known.met == met && known.trouble.take().is_some() => {
                tracing::info!("the disk can be written again");
            }
            None => {}
        }
    }

    /// Why something can't be written.
    async fn find_unwritable(&self, was_well: bool) -> Option<String> {
        // A folder that isn't there is told by itself.
        if self.0.blobs.check_folder().is_ok()
            && let Err(error) = self.0.blobs.try_write().await
        {
            let words =
                || format!("the folder of the blobs can't be written: {}", innermost(&error));
            return Some(unwritable(&error).unwrap_or_else(words));
        }
        // While all is well those who write it say soon enough that it isn't.
        if was_well {
            return None;
        }
        self.0.store.try_write().await.err().and_then(|error| unwritable(&error))
    }
}
