//! Whose turn it is: which sweep a claim is served from, and which of its segments it gets.
//!
//! A sweep with work that isn't over has a row in `queue`, which holds its place in the order of
//! turns. So a claim reads a few rows off the front of an index, however much waits behind them and
//! however much is over. Writers of a log put rows in and take them out ([`requeue`]), claims note
//! turns ([`took_turn`]). Both touch the row after all else that they lock, so that nobody who has
//! it locked waits for one who waits for it.

use super::{
    Dialect, pins,
    statements::{Columns, Statements, values},
};
use crate::store::{Claim, StoreError};
use floodgauge_protocol::SweepId;

/// Holds for a segment `s`, beside its family's pin `f`, that fingerprint `$1` can be given. What has expired
/// is a lease, or the backoff of a segment that was handed back too often; most that is queued has none. A pin to
/// another one counts once the family has epochs, and as long as one of its leases is alive.
macro_rules! claimable {
    () => {
        "s.state <> 'closed'
        and coalesce(s.expires_ms, 0) <= (select steady_ms from clock)
        and (
            f.fingerprint is null or f.fingerprint = $1
            or f.has_rows = 0 and not exists (
                select 1 from segments l where l.sweep = f.sweep and l.family = f.family
                and l.state = 'leased' and l.expires_ms > (select steady_ms from clock)
            )
        )"
    };
}

/// Holds for a row `q` of the queue that has something for fingerprint `$1` and isn't among `$2`. It
/// asks for the first segment alone, as a value: an `exists` would be joined, with all there are.
macro_rules! has_work {
    () => {
        concat!(
            "($2 = '' or $2 not like '%' || q.sweep || '%')
            and (
                select s.segment from segments s
                left join families f on f.sweep = s.sweep and f.family = s.family
                where s.sweep = q.sweep and ",
            claimable!(),
            "
                order by s.queued_ms, s.segment limit 1
            ) is not null"
        )
    };
}

/// The sweep that is next for a worker with fingerprint `$1`, of those whose ids aren't among `$2`:
/// the first one without a live lease, unless one of a higher priority has work, in which case it is
/// the one with the fewest of these.
pub const NEXT_SWEEP: &str = concat!(
    "
with idle as (
    select q.sweep, q.priority from queue q
    where ",
    has_work!(),
    "
    and (
        select count(*) from segments l
        where l.sweep = q.sweep and l.state <> 'closed' and l.state = 'leased'
        and l.expires_ms > (select steady_ms from clock)
    ) = 0
    order by q.priority desc, q.turn, q.queued_ms, q.sweep
    limit 1
),
live as (
    select sweep, count(*) as leases from segments
    where state <> 'closed' and state = 'leased' and expires_ms > (select steady_ms from clock)
    group by sweep
),
busy as (
    select q.sweep, q.priority from live l
    join queue q on q.sweep = l.sweep
    where q.priority > coalesce((select priority from idle), -9223372036854775807)
    and ",
    has_work!(),
    "
    order by q.priority desc, l.leases, q.turn, q.queued_ms, q.sweep
    limit 1
)
select sweep from (select sweep, priority from idle union all select sweep, priority from busy) c
order by priority desc
limit 1"
);

/// The segment of sweep `$2` that is next for a worker with fingerprint `$1`.
pub const NEXT_SEGMENT: &str = concat!(
    "
select s.sweep, s.segment, s.family, s.state, f.fingerprint, w.traceparent
from segments s
join sweeps w on w.sweep = s.sweep
left join families f on f.sweep = s.sweep and f.family = s.family
where s.sweep = $2 and w.status in ('queued', 'running')
and ",
    claimable!(),
    "
order by s.queued_ms, s.segment
limit 1"
);

/// Whether there is something for a claim.
pub(super) async fn has_next(db: &mut impl Statements, claim: &Claim) -> Result<bool, StoreError> {
    Ok(next_sweep(db, claim, &except(claim)).await?.is_some())
}

/// The segment that is next for a claim, which nobody else can take before the transaction ends.
pub(super) async fn next<DB: Dialect>(
    db: &mut DB::Connection,
    claim: &Claim,
) -> Result<Option<<DB::Connection as Statements>::Row>, StoreError> {
    let sql = format!("{NEXT_SEGMENT} {}", DB::LOCK_SEGMENT);
    let mut except = except(claim);
    loop {
        let Some(sweep) = next_sweep(db, claim, &except).await? else { return Ok(None) };
        let values = values![claim.fingerprint.as_str(), sweep];
        if let Some(segment) = db.fetch_optional(sql.clone(), values).await? {
            return Ok(Some(segment));
        }
        // Others are just about to take all that it has: the next one's turn.
        except.push(sweep.to_string());
    }
}

async fn next_sweep(
    db: &mut impl Statements,
    claim: &Claim,
    except: &[String],
) -> Result<Option<SweepId>, StoreError> {
    let values = values![claim.fingerprint.as_str(), except.join(" ")];
    db.fetch_optional(NEXT_SWEEP, values).await?.map(|row| row.parse("sweep")).transpose()
}

fn except(claim: &Claim) -> Vec<String> {
    claim.except.iter().map(ToString::to_string).collect()
}

/// Notes that a sweep had its turn.
pub(super) async fn took_turn(
    db: &mut impl Statements,
    sweep: &str,
    turn: i64,
) -> Result<(), StoreError> {
    // Of two claims at once, the one with the earlier turn may come last.
    let sql = "update queue set turn = $2 where sweep = $1 and turn < $2";
    db.execute(sql, values![sweep, turn]).await.map(drop)
}

/// Holds for a sweep `w` that work may be given out of.
const GOES_ON: &str = "w.status in ('queued', 'running')";

/// What a sweep `w` has in the queue.
const ROW: &str = "w.sweep, w.priority,
    (select max(s.turn) from segments s where s.sweep = w.sweep),
    (select min(s.queued_ms) from segments s where s.sweep = w.sweep and s.state <> 'closed')";

/// Puts a sweep into the queue or takes it out, by what its status and its segments have become.
pub(super) async fn requeue(db: &mut impl Statements, sweep: SweepId) -> Result<(), StoreError> {
    let sql = format!(
        "delete from queue where sweep = $1 and not exists ( \
         select 1 from sweeps w join segments s on s.sweep = w.sweep \
         where w.sweep = $1 and {GOES_ON} and s.state <> 'closed')"
    );
    db.execute(sql, values![sweep]).await?;
    let sql = format!(
        "insert into queue (sweep, priority, turn, queued_ms) select {ROW} from sweeps w \
         where w.sweep = $1 and {GOES_ON} and exists ( \
         select 1 from segments s where s.sweep = w.sweep and s.state <> 'closed') \
         on conflict (sweep) do update set queued_ms = excluded.queued_ms \
         where queue.queued_ms <> excluded.queued_ms"
    );
    db.execute(sql, values![sweep]).await.map(drop)
}

/// Puts every sweep where it belongs: a server of a release that knew of no queue may have written to some.
pub(super) async fn requeue_all(db: &mut impl Statements) -> Result<(), StoreError> {
    let sql = format!(
        "delete from queue where sweep not in ( \
         select w.sweep from sweeps w join segments s on s.sweep = w.sweep \
         where {GOES_ON} and s.state <> 'closed')"
    );
    db.execute(sql, values![]).await?;
    let sql = format!(
        "insert into queue (sweep, priority, turn, queued_ms) select {ROW} from sweeps w \
         where {GOES_ON} and w.sweep in (select sweep from segments where state <> 'closed') \
         on conflict (sweep) do nothing"
    );
    db.execute(sql, values![]).await?;
    pins::note_rows(db).await
}

/// Asks for the sweeps whose rows in the queue aren't what [`requeue`] would make them, and those that are
/// gone and have one.
pub(super) fn misplaced() -> String {
    let work = "select 1 from segments s where s.sweep = w.sweep and s.state <> 'closed'";
    format!(
        "select w.sweep from sweeps w left join queue q on q.sweep = w.sweep \
         where (q.sweep is null and {GOES_ON} and exists ({work})) \
         or (q.sweep is not null and not ({GOES_ON} and exists ({work}))) \
         or (q.sweep is not null and (q.priority, q.turn, q.queued_ms) <> (select w.priority, \
         max(s.turn), min(case when s.state <> 'closed' then s.queued_ms end) \
         from segments s where s.sweep = w.sweep)) \
         union select q.sweep from queue q \
         where not exists (select 1 from sweeps w where w.sweep = q.sweep) order by 1"
    )
}

/// Takes a sweep that was deleted out of the queue.
pub(super) async fn forget(db: &mut impl Statements, sweep: SweepId) -> Result<(), StoreError> {
    db.execute("delete from queue where sweep = $1", values![sweep]).await.map(drop)
}
