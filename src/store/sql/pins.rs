//! Which kind of machine a family is pinned to, and which kinds there are.
//!
//! Two kinds never have rows in one family: rows are taken only from the kind that it is pinned to ([`take_rows`]), and from then on it stays with that, unless it starts over.

use super::statements::{Columns, Statements, values};
use crate::store::{MissedKind, OrphanedFamily, StoreError};
use floodgauge_protocol::{FamilyIx, LeaseId, SweepId};
use std::time::Duration;

/// How many fingerprints are remembered, which come from outside. Chosen, not measured.
const MAX_FINGERPRINTS: i64 = 10_000;

/// A kind that was seen within this time can take over what another one left: three minutes, in
/// which a worker that waits for work asks several times. Chosen, shorter than `SEEN_WITHIN` of the driver:
/// nothing starts over on a machine that may have gone too.
const THERE_MS: i64 = 180_000;

/// A kind that wasn't seen for so long is forgotten: 90 days. Chosen, not measured.
const FORGOTTEN_MS: i64 = 90 * 86_400_000;

/// Families that one look answers.
const FAMILIES_AT_ONCE: i64 = 100;

/// Pins a family that was pinned to `before`; false if it is pinned to another one by now.
pub(super) async fn pin(
    db: &mut impl Statements,
    sweep: &str,
    family: i64,
    before: Option<&str>,
    fingerprint: &str,
) -> Result<bool, StoreError> {
    let pinned = match before {
        Some(before) if before == fingerprint => 0,
        // A server that is too old to know of `has_rows` may have written rows.
        Some(before) => {
            let sql = "update families set fingerprint = $3 \
                       where sweep = $1 and family = $2 and fingerprint = $4 and has_rows = 0 \
                       and not exists (select 1 from reports where sweep = $1 and family = $2)";
            db.execute(sql, values![sweep, family, fingerprint, before]).await?
        }
        None => {
            let sql = "insert into families (sweep, family, fingerprint) values ($1, $2, $3) \
                       on conflict do nothing";
            db.execute(sql, values![sweep, family, fingerprint]).await?
        }
    };
    if pinned > 0 {
        return Ok(true);
    }
    let sql = "select fingerprint from families \
               where sweep = $1 and family = $2 and fingerprint = $3";
    if db.fetch_optional(sql, values![sweep, family, fingerprint]).await?.is_some() {
        return Ok(true);
    }
    let sql =
        format!("update families set has_rows = 1 where sweep = $1 and family = $2 and {UNNOTED}");
    db.execute(sql, values![sweep, family]).await?;
    Ok(false)
}

/// Holds for a family that has rows of which it isn't noted: a server wrote them that is too old to note
/// it. As long as it isn't, claims of other kinds are offered what they can't be given.
const UNNOTED: &str = "has_rows = 0 and exists (select 1 from reports r \
                       where r.sweep = families.sweep and r.family = families.family)";

/// Notes of all families with work that they have rows.
pub(super) async fn note_rows(db: &mut impl Statements) -> Result<(), StoreError> {
    let sql = format!(
        "update families set has_rows = 1 where sweep in (select sweep from queue) and {UNNOTED}"
    );
    db.execute(sql, values![]).await.map(drop)
}

/// Notes that a family has rows; refuses those of a lease whose kind of machine isn't the one that it is
/// pinned to by now.
pub(super) async fn take_rows(
    db: &mut impl Statements,
    sweep: SweepId,
    family: FamilyIx,
    lease: Option<LeaseId>,
) -> Result<(), StoreError> {
    let lease = lease.ok_or(StoreError::LeaseLost)?;
    // A lease that a server gave which is too old to note its kind has the family's.
    let same = "sweep = $1 and family = $2 and fingerprint = \
                coalesce((select fingerprint from segments where lease = $3), fingerprint)";
    // Once there are rows, no pin moves: reading it is enough.
    let sql = format!("select family from families where {same} and has_rows = 1");
    if db.fetch_optional(sql, values![sweep, family, lease]).await?.is_some() {
        return Ok(());
    }
    let sql = format!("update families set has_rows = 1 where {same}");
    match db.execute(sql, values![sweep, family, lease]).await? {
        0 => Err(StoreError::LeaseLost),
        _ => Ok(()),
    }
}

/// Takes all rows from a family, and its pin; not while one of its workers, or another of its kind of
/// machine, is at work.
pub(super) async fn start_over(
    db: &mut impl Statements,
    sweep: SweepId,
    family: FamilyIx,
) -> Result<(), StoreError> {
    let sql = "select l.segment from segments l where l.state = 'leased' \
               and l.expires_ms > (select steady_ms from clock) \
               and (l.sweep = $1 and l.family = $2 or l.fingerprint = \
               (select fingerprint from families where sweep = $1 and family = $2)) limit 1";
    if db.fetch_optional(sql, values![sweep, family]).await?.is_some() {
        return Err(StoreError::Held(family));
    }
    for table in ["reports", "families"] {
        let sql = format!("delete from {table} where sweep = $1 and family = $2");
        db.execute(sql, values![sweep, family]).await?;
    }
    Ok(())
}

/// Notes that a kind of machine is there.
pub(super) async fn seen(db: &mut impl Statements, fingerprint: &str) -> Result<(), StoreError> {
    let sql = "update machines set seen_ms = (select steady_ms from clock) where fingerprint = $1";
    if db.execute(sql, values![fingerprint]).await? > 0 {
        return Ok(());
    }
    let sql = "insert into machines (fingerprint, seen_ms) select $1, steady_ms from clock \
               where (select count(*) from machines) < $2 on conflict do nothing";
    db.execute(sql, values![fingerprint, MAX_FINGERPRINTS]).await.map(drop)
}

/// Families with rows whose work waits for a kind of machine that is gone, while another kind is there; those
/// behind one of them.
pub(super) async fn orphaned(
    db: &mut impl Statements,
    gone_for: Duration,
    after: Option<(SweepId, FamilyIx)>,
) -> Result<Vec<OrphanedFamily>, StoreError> {
    // Of a kind that was never seen, nobody knows since when it is gone: from now on.
    let sql = "insert into machines (fingerprint, seen_ms) \
               select distinct f.fingerprint, c.steady_ms from queue q \
               join families f on f.sweep = q.sweep cross join clock c \
               where f.fingerprint not in (select fingerprint from machines) on conflict do nothing";
    db.execute(sql, values![]).await?;
    let sql = "delete from machines where seen_ms < (select steady_ms from clock) - $1 \
               and fingerprint not in (select f.fingerprint from queue q \
               join families f on f.sweep = q.sweep)";
    db.execute(sql, values![FORGOTTEN_MS]).await?;
    let sql = "select distinct s.sweep, s.family, f.fingerprint from machines m \
               cross join clock c \
               join families f on f.fingerprint = m.fingerprint and f.has_rows = 1 \
               join queue q on q.sweep = f.sweep \
               join segments s on s.sweep = f.sweep and s.family = f.family \
               and s.state <> 'closed' and (s.state = 'queued' or s.expires_ms <= c.steady_ms) \
               where m.seen_ms <= c.steady_ms - $1 and (s.sweep, s.family) > ($4, $5) \
               and exists (select 1 from machines o \
               where o.fingerprint <> m.fingerprint and o.seen_ms > c.steady_ms - $2) \
               and not exists (select 1 from segments l where l.state <> 'closed' \
               and l.state = 'leased' and l.expires_ms > c.steady_ms and l.fingerprint = m.fingerprint) \
               order by s.sweep, s.family limit $3";
    // Before the first: no sweep's id is empty.
    let (sweep, family) = after
        .map_or((String::new(), 0), |(sweep, family)| (sweep.to_string(), i64::from(family.0)));
    let values = values![gone_for, THERE_MS, FAMILIES_AT_ONCE, sweep, family];
    let rows = db.fetch(sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(OrphanedFamily {
                sweep: row.parse("sweep")?,
                family: FamilyIx(row.number("family")?),
                fingerprint: row.text("fingerprint")?,
            })
        })
        .collect()
}

/// How many kinds of machines asked for work within this time.
pub(super) async fn there(db: &mut impl Statements, within: Duration) -> Result<u64, StoreError> {
    let sql = "select count(*) as kinds from machines m cross join clock c \
               where m.seen_ms > c.steady_ms - $1";
    let row = db.fetch_optional(sql, values![within]).await?;
    row.map_or(Ok(0), |row| row.number("kinds"))
}

/// Kinds of machines that sweeps wait for, and that weren't there within this time.
pub(super) async fn missed(
    db: &mut impl Statements,
    within: Duration,
) -> Result<Vec<MissedKind>, StoreError> {
    // Of a kind that was never seen, nobody knows since when it is gone.
    let sql = "select s.sweep, f.fingerprint, count(distinct s.family) as families, \
               max(c.steady_ms - m.seen_ms) as gone_ms from clock c cross join queue q \
               join segments s on s.sweep = q.sweep and s.state <> 'closed' \
               and (s.state = 'queued' or s.expires_ms <= c.steady_ms) \
               join families f on f.sweep = s.sweep and f.family = s.family and f.has_rows = 1 \
               left join machines m on m.fingerprint = f.fingerprint \
               where (m.seen_ms is null or m.seen_ms <= c.steady_ms - $1) \
               and not exists (select 1 from segments l where l.state <> 'closed' \
               and l.state = 'leased' and l.expires_ms > c.steady_ms \
               and l.fingerprint = f.fingerprint) \
               group by s.sweep, f.fingerprint order by s.sweep, f.fingerprint";
    db.fetch_each(sql, values![within], missed_kind).await
}

fn missed_kind(row: &impl Columns) -> Result<MissedKind, StoreError> {
    Ok(MissedKind {
        sweep: row.parse("sweep")?,
        fingerprint: row.text("fingerprint")?,
        families: row.number("families")?,
        gone_for: row.maybe_number("gone_ms")?.map(Duration::from_millis),
    })
}
