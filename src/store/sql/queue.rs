//! Leases: who works on which segment.

use super::{
    Dialect, pins,
    statements::{Columns, MAX_IDS, Statements, numbered, values},
    troubles, turns,
};
use crate::store::{Claim, Depths, ExpiredLease, LeasedSegment, OpenWork, StoreError};
use floodgauge_protocol::{Digest, LeaseId, Segment, SegmentId, SweepId};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, time::Duration};

/// What came of a claim.
pub(super) enum Claimed {
    /// This is leased now.
    Segment(LeasedSegment),
    /// There is nothing to do.
    Nothing,
    /// While one was chosen, its family was pinned to another fingerprint, or turned out to be: try again.
    PinnedMeanwhile,
}

pub(super) async fn claim<DB: Dialect>(
    db: &mut DB::Connection,
    claim: &Claim,
) -> Result<Claimed, StoreError> {
    let Some(next) = turns::next::<DB>(db, claim).await? else { return Ok(Claimed::Nothing) };
    let sweep = next.text("sweep")?;
    let family = next.number("family")?;
    let before = next.maybe_text("fingerprint")?;
    if !pins::pin(db, &sweep, family, before.as_deref(), &claim.fingerprint).await? {
        return Ok(Claimed::PinnedMeanwhile);
    }
    let leased = db
        .fetch_optional(
            "update segments set state = 'leased', attempt = attempt + 1, lease = $3, \
             token_sha256 = $4, worker = $5, fingerprint = $7, \
             expires_ms = (select steady_ms from clock) + $6, ttl_ms = $6, \
             turn = (select max(turn) + 1 from segments) \
             where sweep = $1 and segment = $2 \
             returning sweep, body, lease, attempt, worker, turn",
            values![
                sweep.as_str(),
                next.number::<i64>("segment")?,
                claim.lease,
                hash(&claim.token),
                claim.worker.as_str(),
                claim.ttl,
                claim.fingerprint.as_str()
            ],
        )
        .await?;
    let Some(leased) = leased else { return Ok(Claimed::Nothing) };
    troubles::forget(db, &claim.worker).await?;
    turns::took_turn(db, &sweep, leased.number("turn")?).await?;
    let took_over = next.text("state")? == "leased";
    let traceparent = next.maybe_text("traceparent")?;
    Ok(Claimed::Segment(LeasedSegment { took_over, traceparent, ..segment(&leased)? }))
}

pub(super) async fn release(db: &mut impl Statements, lease: LeaseId) -> Result<(), StoreError> {
    let released = db
        .fetch_optional(
            "update segments set state = 'queued', lease = null, token_sha256 = null, \
             worker = null, expires_ms = null where lease = $1 returning sweep, family, segment",
            values![lease],
        )
        .await?;
    let Some(released) = released else { return Ok(()) };
    let sql = "delete from families where sweep = $1 and family = $2 and has_rows = 0 and not exists ( \
               select 1 from reports r where r.sweep = $1 and r.family = $2) and not exists ( \
               select 1 from segments s where s.sweep = $1 and s.family = $2 \
               and (s.attempt > 1 or s.attempt = 1 and s.segment <> $3))";
    let values = values![
        released.text("sweep")?,
        released.number::<i64>("family")?,
        released.number::<i64>("segment")?
    ];
    db.execute(sql, values).await.map(drop)
}

pub(super) async fn segments(
    db: &mut impl Statements,
    sweep: SweepId,
    segments: &BTreeSet<SegmentId>,
) -> Result<Vec<Segment>, StoreError> {
    let ids: Vec<_> = segments.iter().copied().collect();
    let mut found = vec![];
    for ids in ids.chunks(MAX_IDS) {
        let places = numbered(2, ids.len());
        let sql = format!("select body from segments where sweep = $1 and segment in ({places})");
        let values = values![sweep].into_iter().chain(ids.iter().map(|&id| id.into())).collect();
        let rows = db.fetch(sql, values).await?;
        found.extend(rows.iter().filter_map(|row| row.json("body").ok()));
    }
    Ok(found)
}

pub(super) async fn open_work(
    db: &mut impl Statements,
    sweep: SweepId,
) -> Result<Vec<OpenWork>, StoreError> {
    let sql = "select cast(case when s.state = 'leased' and s.expires_ms > c.steady_ms then 1 \
               else 0 end as bigint) as held, \
               case when s.state = 'leased' and s.expires_ms <= c.steady_ms then s.worker end \
               as expired_of, \
               case when s.state = 'queued' and s.expires_ms > c.steady_ms \
               then s.expires_ms - c.steady_ms end as held_back_ms, f.fingerprint from segments s cross join clock c \
               left join families f on f.sweep = s.sweep and f.family = s.family \
               where s.sweep = $1 and s.state <> 'closed' order by s.segment";
    db.fetch(sql, values![sweep]).await?.iter().map(open).collect()
}

fn open(row: &impl Columns) -> Result<OpenWork, StoreError> {
    Ok(OpenWork {
        is_held: row.number::<i64>("held")? != 0,
        expired_of: row.maybe_text("expired_of")?,
        held_back_for: row.maybe_number("held_back_ms")?.map(Duration::from_millis),
        pinned_to: row.maybe_text("fingerprint")?,
    })
}

/// How many expired leases are listed at once.
const LEASES_AT_ONCE: u32 = 100;

/// The expired leases of sweeps that go on, behind one of them.
pub(super) async fn expired(
    db: &mut impl Statements,
    after: Option<(SweepId, SegmentId)>,
) -> Result<Vec<ExpiredLease>, StoreError> {
    let sql = "select s.sweep, s.segment, s.lease, s.attempt, s.worker from segments s \
               join sweeps w on w.sweep = s.sweep cross join clock c \
               where s.state <> 'closed' and s.state = 'leased' and s.expires_ms <= c.steady_ms \
               and w.status in ('queued', 'running') and (s.sweep, s.segment) > ($1, $2) \
               order by s.sweep, s.segment limit $3";
    // Before the first: no sweep's id is empty.
    let (sweep, segment) = after
        .map_or((String::new(), 0), |(sweep, segment)| (sweep.to_string(), i64::from(segment.0)));
    let rows = db.fetch(sql, values![sweep, segment, LEASES_AT_ONCE]).await?;
    rows.iter().map(expired_lease).collect()
}

fn expired_lease(row: &impl Columns) -> Result<ExpiredLease, StoreError> {
    Ok(ExpiredLease {
        sweep: row.parse("sweep")?,
        segment: SegmentId(row.number("segment")?),
        lease: row.parse("lease")?,
        attempt: row.number("attempt")?,
        worker: row.text("worker")?,
    })
}

pub(super) async fn renew(
    db: &mut impl Statements,
    lease: LeaseId,
    token: &str,
    ttl: Duration,
) -> Result<LeasedSegment, StoreError> {
    let renewed = db
        .fetch_optional(
            "update segments set expires_ms = (select steady_ms from clock) + $3, ttl_ms = $3 \
             where lease = $1 and token_sha256 = $2 \
             returning sweep, body, lease, attempt, worker",
            values![lease, hash(token), ttl],
        )
        .await?;
    segment(&renewed.ok_or(StoreError::LeaseLost)?)
}

pub(super) async fn held(
    db: &mut impl Statements,
    lease: LeaseId,
    token: &str,
) -> Result<LeasedSegment, StoreError> {
    let sql = "select sweep, body, lease, attempt, worker from segments \
               where lease = $1 and token_sha256 = $2";
    let held = db.fetch_optional(sql, values![lease, hash(token)]).await?;
    segment(&held.ok_or(StoreError::LeaseLost)?)
}

/// Holds for a segment whose lease, or whose backoff after a hand-back, would last longer than it was given for:
/// that was before the clock was set back. `$1` is for how long those were given that earlier releases gave.
const TOO_LONG: &str = "state <> 'closed' \
     and expires_ms > (select steady_ms from clock) + coalesce(ttl_ms, $1)";

/// Cuts such leases to what they were given for; answers how many.
pub(super) async fn cut_leases(db: &mut impl Statements, ttl: Duration) -> Result<u64, StoreError> {
    let sql = format!(
        "update segments set expires_ms = (select steady_ms from clock) + coalesce(ttl_ms, $1) \
         where {TOO_LONG}"
    );
    db.execute(sql, values![ttl]).await
}

/// How many there are.
pub(super) async fn count_too_long(
    db: &mut impl Statements,
    ttl: Duration,
) -> Result<u64, StoreError> {
    let sql = format!("select count(*) as leases from segments where {TOO_LONG}");
    let row = db.fetch_optional(sql, values![ttl]).await?;
    row.map_or(Ok(0), |row| row.number("leases"))
}

const DEPTHS: &str = "
select count(*) filter (where s.state = 'queued') as queued,
    count(*) filter (where s.state = 'leased' and s.expires_ms > c.steady_ms) as leased,
    count(*) filter (where s.state = 'leased' and s.expires_ms <= c.steady_ms) as expired,
    -- what was queued before the clock was set back came just now
    max(case when c.now_ms > s.queued_ms then c.now_ms - s.queued_ms else 0 end)
        filter (where s.state = 'queued') as oldest_ms
from segments s
join sweeps w on w.sweep = s.sweep
cross join clock c
where s.state <> 'closed' and w.status in ('queued', 'running')";

pub(super) async fn depths(db: &mut impl Statements) -> Result<Depths, StoreError> {
    let Some(queue) = db.fetch_optional(DEPTHS, values![]).await? else {
        return Ok(Depths::default());
    };
    let sql = "select status, count(*) as sweeps from sweeps group by status order by status";
    let sweeps = db.fetch(sql, values![]).await?;
    let sweeps = sweeps.iter().map(|row| Ok((row.parse("status")?, row.number("sweeps")?)));
    Ok(Depths {
        queued: queue.number("queued")?,
        leased: queue.number("leased")?,
        expired: queue.number("expired")?,
        oldest: Duration::from_millis(queue.maybe_number("oldest_ms")?.unwrap_or(0)),
        sweeps: sweeps.collect::<Result<_, StoreError>>()?,
    })
}

fn segment(row: &impl Columns) -> Result<LeasedSegment, StoreError> {
    Ok(LeasedSegment {
        sweep: row.parse("sweep")?,
        segment: row.json("body")?,
        lease: row.parse("lease")?,
        attempt: row.number("attempt")?,
        worker: row.text("worker")?,
        took_over: false,
        traceparent: None,
    })
}

fn hash(token: &str) -> Digest {
    Digest(Sha256::digest(token).into())
}
