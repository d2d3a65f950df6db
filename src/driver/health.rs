//! Whether the database is damaged, as far as anybody has met it. What is known isn't stored.
//!
//! Whoever is answered by the database that its bytes are damaged has it noted here. From then on the
//! server isn't ready, until a look at all of the database finds nothing wrong any more.

use super::Driver;
use crate::store::{Depth, Integrity};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long the look at a server's start may take: a large file isn't worth more. Chosen, not measured.
const AT_START: Duration = Duration::from_secs(60);

/// How long the look at a damaged database may take, which costs those who still use it. Chosen, not
/// measured.
const AGAIN: Duration = Duration::from_secs(600);

/// Between the end of a look at a damaged database and the next: a server is ready again soon after a
/// repair. Chosen, not measured.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is known of damage.
#[derive(Debug, Default)]
pub(super) struct DatabaseHealth(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    damage: Option<String>,
    /// A look is going on.
    looking: bool,
    /// When the last one ended.
    looked: Option<Instant>,
    /// How often damage was met; what was met during a look isn't mended by its end.
    met: u64,
}

impl DatabaseHealth {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Notes that the database said of itself that it is damaged.
    pub fn note_damage(&self, said: &str) {
        let mut known = self.0.health.lock();
        known.met += 1;
        if known.damage.replace(said.to_owned()).is_none() {
            tracing::error!(said, "the database is damaged; see `floodgauge doctor`");
        }
    }

    /// What the database said when damage was last met, if it may still be there; has it looked at again
    /// meanwhile.
    pub fn database_damage(&self) -> Option<String> {
        let known = self.0.health.lock();
        let damage = known.damage.clone()?;
        let is_due = known.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        let begins = is_due && !known.looking;
        drop(known);
        if begins {
            let driver = self.clone();
            tokio::spawn(async move { driver.look_at_database(Depth::Rows, AGAIN).await });
        }
        Some(damage)
    }

    /// Looks at the database once, as far as that costs little; to be done beside everything else.
    pub async fn check_database(&self) {
        self.look_at_database(Depth::Pages, AT_START).await;
    }

    async fn look_at_database(&self, depth: Depth, bound: Duration) {
        let met = {
            let mut known = self.0.health.lock();
            if std::mem::replace(&mut known.looking, true) {
                return;
            }
            known.met
        };
        let looked = self.0.store.check_integrity(depth, bound).await;
        let mut known = self.0.health.lock();
        (known.looking, known.looked) = (false, Some(Instant::now()));
        match looked {
            Ok(Integrity::Damaged(said)) => {
                drop(known);
                self.note_damage(&said);
            }
            Ok(Integrity::Whole) if known.met == met && known.damage.take().is_some() => {
                tracing::info!("the database is whole again");
            }
            Ok(Integrity::Whole) => {}
            Ok(Integrity::Unfinished) => {
                tracing::info!(
                    ?bound,
                    "the check of the database took too long and was given up; `floodgauge doctor` \
                     gives it an hour"
                );
            }
            Err(error) => tracing::warn!(%error, "the database can't be looked at"),
        }
    }
}
