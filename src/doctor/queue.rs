//! That each sweep with work is in the queue, no other is, and that leases end when they should.

use super::{Finding, Opened, finding::or_ok};
use crate::{
    config::Work,
    counting::{count, count_of},
    store::Depths,
};

/// Looks at it.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let mut found = vec![];
    for sweep in of.store.misplaced().await? {
        let finding = Finding::fail(
            format!(
                "sweep {sweep} has a wrong place in the work queue: workers may not get its work"
            ),
            "run `floodgauge doctor --repair`, or restart the server",
        );
        found.push(match of.patient.repair {
            true => {
                let replaced = of.store.restore_queue_place(sweep).await;
                finding.after(
                    replaced.map(|()| "it was put where it belongs".into()).map_err(Into::into),
                )
            }
            false => finding,
        });
    }
    found.extend(of_leases(of).await?);
    let depths = of.store.depths().await?;
    Ok(or_ok(found, || {
        let Depths { queued, leased, expired, .. } = depths;
        format!(
            "segments: {queued} waiting, {leased} held by workers, {expired} whose lease expired"
        )
    }))
}

/// Leases that last longer than they were given for.
async fn of_leases(of: &Opened<'_>) -> anyhow::Result<Option<Finding>> {
    let ttl = Work::one_worker().lease();
    let long = of.store.long_leases(ttl).await?;
    if long == 0 {
        return Ok(None);
    }
    let finding = Finding::warn(
        format!(
            "{} longer than the lease time: the clock was set back",
            count_of(long as usize, "lease lasts", "leases last")
        ),
        "start the server, which shortens them, or run `floodgauge doctor --repair`",
    );
    Ok(Some(match of.patient.repair {
        true => {
            let cut = of.store.cut_leases(ttl).await;
            let cut = cut.map(|cut| format!("shortened {}", count(cut as usize, "lease")));
            finding.after(cut.map_err(Into::into))
        }
        false => finding,
    }))
}
