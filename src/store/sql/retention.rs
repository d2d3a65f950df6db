//! What of ended sweeps is kept no longer.

use super::statements::{Columns, Statements, values};
use crate::store::StoreError;
use floodgauge_protocol::SweepId;
use std::time::Duration;

/// Holds for a row `w` of sweeps that ended longer than `$1` milliseconds ago. What a worker still
/// holds of one may yet be handed in.
const ENDED: &str = "w.status in ('completed', 'failed', 'cancelled')
and w.updated_ms <= (select now_ms from clock) - $1
and not exists (
    select 1 from segments s where s.sweep = w.sweep and s.state = 'leased'
    and s.expires_ms > (select now_ms from clock)
)";

pub(super) async fn drop_checkpoints(
    db: &mut impl Statements,
    age: Duration,
    limit: u32,
) -> Result<Vec<SweepId>, StoreError> {
    let sql = format!(
        "update sweeps set checkpoints_dropped_ms = (select now_ms from clock) \
         where checkpoints_dropped_ms is null and sweep in (\
             select w.sweep from sweeps w where w.checkpoints_dropped_ms is null and {ENDED} \
             order by w.sweep limit $2) \
         returning sweep"
    );
    let dropped = db.fetch(sql, values![age, limit]).await?;
    let dropped: Vec<SweepId> =
        dropped.iter().map(|row| row.parse("sweep")).collect::<Result<_, _>>()?;
    for sweep in &dropped {
        let sql = "update trials set checkpoint = null where sweep = $1";
        db.execute(sql, values![*sweep]).await?;
        db.execute("delete from kept_checkpoints where sweep = $1", values![*sweep]).await?;
    }
    Ok(dropped)
}

pub(super) async fn ended_before(
    db: &mut impl Statements,
    age: Duration,
    limit: u32,
) -> Result<Vec<SweepId>, StoreError> {
    let sql = format!("select w.sweep from sweeps w where {ENDED} order by w.sweep limit $2");
    db.fetch(sql, values![age, limit]).await?.iter().map(|row| row.parse("sweep")).collect()
}
