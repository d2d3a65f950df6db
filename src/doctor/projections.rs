//! That trials, curves, segments and answers are what the log says, by a replay of each.

mod compare;

use super::{Finding, Opened, finding::or_ok, named};
use crate::{
    driver::{DriverError, Projected, rows_of_log},
    store::SweepRow,
};

/// How often to read a sweep anew whose log grows meanwhile.
const TRIES: usize = 20;

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let (mut found, mut count, mut after) = (vec![], 0, None);
    loop {
        let sweeps = of.sweeps_behind(after).await?;
        let Some(last) = sweeps.last() else { break };
        (after, count) = (Some(last.sweep), count + sweeps.len());
        for sweep in &sweeps {
            found.extend(of_sweep(of, sweep).await?);
        }
    }
    Ok(or_ok(found, || match count {
        0 => "there are no sweeps yet".into(),
        1 => "the log of 1 sweep replays to what is stored of it".into(),
        sweeps => format!("the logs of {sweeps} sweeps replay to what is stored of them"),
    }))
}

async fn of_sweep(of: &Opened<'_>, listed: &SweepRow) -> anyhow::Result<Option<Finding>> {
    let id = listed.sweep;
    for _ in 0..TRIES {
        let Some(row) = of.store.sweep(id).await? else { return Ok(None) };
        let mut projected = match Projected::of(&of.reader, id).await {
            Ok(projected) => projected,
            // The versions are looked at apart; and a sweep may be deleted meanwhile.
            Err(DriverError::Version { .. } | DriverError::NotFound) => return Ok(None),
            Err(DriverError::Store(error)) => return Err(error.into()),
            Err(error) => return Ok(Some(unreplayable(listed, &error))),
        };
        if row.checkpoints_dropped {
            projected.drop_checkpoints();
        }
        let wrong = match projected.seq() == row.head_seq {
            true => compare::differences(of, &row, &projected).await?,
            false => {
                let (ends, head) = (projected.seq(), row.head_seq);
                vec![format!(
                    "the log ends at entry {ends}, and should at {head}: what followed is lost"
                )]
            }
        };
        let head = of.store.sweep(id).await?.map(|row| row.head_seq);
        if head != Some(row.head_seq) {
            // It is being worked on.
            continue;
        }
        return match wrong.is_empty() {
            true => Ok(None),
            false => Ok(Some(differing(of, &row, &projected, &wrong).await)),
        };
    }
    Ok(Some(Finding::note(format!(
        "{} is worked on so fast that it can't be compared with its log; look again once it rests",
        named(listed)
    ))))
}

fn unreplayable(sweep: &SweepRow, error: &DriverError) -> Finding {
    let id = sweep.sweep;
    Finding::fail(
        format!("{} can't be replayed: {error}", named(sweep)),
        format!(
            "restore the database from a backup; without one, give the sweep up with \
             `floodgauge cancel {id}` and `floodgauge delete {id}`"
        ),
    )
}

/// A sweep of which something else is stored than its log says; it is written anew if that is asked for.
async fn differing(
    of: &Opened<'_>,
    row: &SweepRow,
    projected: &Projected,
    wrong: &[String],
) -> Finding {
    let finding = Finding::fail(
        format!("what is stored of {} differs from its log: {}", named(row), wrong.join(", ")),
        "stop the server and run `floodgauge doctor --repair`, which writes what is stored anew \
         from the log",
    );
    if !of.patient.repair {
        return finding;
    }
    let rebuilt = async {
        let rows = rows_of_log(&of.reader, row.sweep, projected.seq());
        of.store.rebuild(row.head_seq, projected.rebuilt(row.sweep)?, rows).await?;
        Ok("it was written anew from its log".to_owned())
    };
    finding.after(rebuilt.await)
}
