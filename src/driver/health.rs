//! Whether the database is damaged, as far as anybody has met it.
//!
//! Whoever is answered by the database that its bytes are damaged has it noted here. From then on the
//! server isn't ready, until a look at all of the database finds nothing wrong any more.

use super::{
    Driver,
    met::{Change, Met, Seen},
};
use crate::store::{Depth, Integrity};
use std::time::Duration;

/// How long the look at a server's start may take: a large file isn't worth more. Chosen, not measured.
const AT_START: Duration = Duration::from_secs(60);

/// How long the look at a damaged database may take, which costs those who still use it. Chosen, not
/// measured.
const AGAIN: Duration = Duration::from_secs(600);

/// No damage that is known; what a whole look finds no more is over.
pub(super) fn undamaged() -> Met<String> {
    Met::none(Duration::ZERO)
}

fn tell(said: &str) {
    tracing::error!(said, "the database is damaged; see `floodgauge doctor`");
}

impl Driver {
    /// Notes that the database said of itself that it is damaged.
    pub fn note_damage(&self, said: &str) {
        if self.0.health.note(said.to_owned()) {
            tell(said);
        }
    }

    /// What the database said when damage was met, if it may still be there; has it looked at again
    /// meanwhile.
    pub fn database_damage(&self) -> Option<String> {
        let (damage, is_due) = self.0.health.known()?;
        if is_due {
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
        let Some(look) = self.0.health.begin() else { return };
        let (seen, said) = match self.0.store.check_integrity(depth, bound).await {
            Ok(Integrity::Damaged(said)) => (Seen::Trouble(said.clone()), said),
            Ok(Integrity::Whole) => (Seen::Well, String::new()),
            Ok(Integrity::Unfinished) => {
                tracing::info!(
                    ?bound,
                    "the check of the database took too long and was given up; `floodgauge doctor` \
                     gives it an hour"
                );
                (Seen::Nothing, String::new())
            }
            Err(error) => {
                tracing::warn!(%error, "the database can't be looked at");
                (Seen::Nothing, String::new())
            }
        };
        match self.0.health.end(&look, seen) {
            Change::Began => tell(&said),
            Change::Over(_) => tracing::info!("the database is whole again"),
            Change::None => {}
        }
    }
}
