//! That somebody trains what waits, and whose machine is in trouble, as far as the database knows.

use super::{Finding, Opened, finding::or_ok};
use crate::{
    config::StartOverAfter,
    counting::count_of,
    driver::SEEN_WITHIN,
    store::{Depths, MissedKind},
};
use jiff::SignedDuration;
use std::time::Duration;

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let mut found = vec![];
    for worker in of.store.troubled_workers().await? {
        found.push(in_trouble(&worker.worker, &worker.message));
    }
    let (depths, kinds) = (of.store.depths().await?, of.store.kinds_there(SEEN_WITHIN).await?);
    let is_served = of.patient.is_served || of.store.listeners().await? > 0;
    found.extend(nobody_there(&depths, kinds, is_served));
    found.extend(of_missed(of).await?);
    Ok(or_ok(found, || match (kinds, depths.queued + depths.expired) {
        (0, 0) => "no work waits for any".into(),
        (0, _) => format!("work has waited for less than {}", time(SEEN_WITHIN)),
        (kinds, _) => format!(
            "{} asked for work in the last {}, and none is in trouble",
            count_of(kinds as usize, "kind of machine", "kinds of machines"),
            time(SEEN_WITHIN)
        ),
    }))
}

/// A worker that asks for no work.
pub(super) fn in_trouble(worker: &str, message: &str) -> Finding {
    Finding::warn(
        format!("worker `{worker}` asks for no work, since its machine is in trouble: {message}"),
        "see to that machine; the worker looks again by itself, and goes on once all is well",
    )
}

/// That work waits for long, and nobody asks for it.
fn nobody_there(depths: &Depths, kinds: u64, is_served: bool) -> Option<Finding> {
    let waiting = depths.queued + depths.expired;
    // A lease that has expired lasted for a time, too, in which there was a worker.
    let is_young = depths.expired == 0 && depths.oldest < SEEN_WITHIN;
    if waiting == 0 || depths.leased > 0 || kinds > 0 || is_young {
        return None;
    }
    let what = format!(
        "{} for a worker, and none has asked for work in the last {}",
        count_of(waiting as usize, "segment waits", "segments wait"),
        time(SEEN_WITHIN)
    );
    Some(match is_served {
        true => Finding::warn(
            what,
            "start workers (`floodgauge worker --server URL`), or the server with some of its own \
             (`serve --workers N`); one that runs says in its log why it asks for none",
        ),
        false => Finding::note(format!(
            "{what}: no server is known to run; once one does, with workers, it goes on"
        )),
    })
}

/// Kinds of machines that sweeps wait for, and that aren't there.
async fn of_missed(of: &Opened<'_>) -> anyhow::Result<Option<Finding>> {
    let missed = of.store.missed_kinds(SEEN_WITHIN).await?;
    let mut each = vec![];
    for kind in &missed {
        each.push(told(&of.named(kind.sweep).await?, kind));
    }
    Ok(match &each[..] {
        [] => None,
        [one] => Some(Finding::note(one)),
        many => Some(
            Finding::note(format!(
                "{} for a kind of machine that isn't there",
                count_of(many.len(), "sweep waits", "sweeps wait")
            ))
            .about(many),
        ),
    })
}

/// A sweep that waits for a kind of machine, and for how long.
fn told(sweep: &str, missed: &MissedKind) -> String {
    let MissedKind { fingerprint, families, gone_for, .. } = missed;
    let gone = match gone_for {
        Some(gone_for) => format!("none has asked for work for {}", time(*gone_for)),
        None => "none was ever seen".into(),
    };
    format!(
        "of {sweep} {} for the kind of machine that began it, `{fingerprint}`: {gone}; {}",
        count_of(*families as usize, "family waits", "families wait"),
        then(gone_for.unwrap_or_default())
    )
}

/// What comes of it, by what servers do unless they are told otherwise.
fn then(gone_for: Duration) -> String {
    let Some(after) = StartOverAfter::by_default().0 else {
        return "it waits for ever".into();
    };
    let when = match after.checked_sub(gone_for) {
        Some(left) if !left.is_zero() => format!("in {}", time(left)),
        _ => "as soon as it looks".into(),
    };
    format!(
        "a server starts it over on another kind that is there {when} (`serve --start-over-after`, {} \
         unless it was told otherwise)",
        time(after)
    )
}

/// A time as people read it, without what is less than a second.
fn time(time: Duration) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use floodgauge_protocol::SweepId;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn that_nobody_asks_is_told_once_work_has_waited_for_long() {
        let depths = |queued, leased, expired, minutes: u32| Depths {
            queued,
            leased,
            expired,
            oldest: minutes * MINUTE,
            sweeps: vec![],
        };
        let of = |depths, kinds| nobody_there(&depths, kinds, true).map(|found| found.severity);
        assert_eq!(of(depths(1, 0, 0, 6), 0), Some(Severity::Warn));
        assert_eq!(of(depths(0, 0, 1, 0), 0), Some(Severity::Warn));
        for (depths, kinds) in [
            (depths(0, 0, 0, 0), 0),
            (depths(1, 0, 0, 4), 0),
            (depths(1, 1, 0, 60), 0),
            (depths(1, 0, 0, 60), 1),
        ] {
            assert_eq!(of(depths.clone(), kinds), None, "{depths:?}");
        }
        let unserved = nobody_there(&depths(2, 0, 0, 60), 0, false).unwrap();
        assert_eq!(unserved.severity, Severity::Note);
        assert!(unserved.what.starts_with("2 segments wait for a worker"), "{}", unserved.what);
    }

    #[test]
    fn how_long_a_sweep_waits_before_it_starts_over_is_told() {
        let missed = |gone_for| MissedKind {
            sweep: SweepId(uuid::Uuid::nil()),
            fingerprint: "neon".into(),
            families: 2,
            gone_for,
        };
        let said = |gone_for| told("sweep a", &missed(gone_for));
        let some = said(Some(20 * MINUTE));
        assert!(some.contains("none has asked for work for 20m; "), "{some}");
        assert!(some.contains("is there in 40m (") && some.contains(", 1h unless"), "{some}");
        assert!(said(Some(90 * MINUTE)).contains("as soon as it looks"));
        let never = said(None);
        assert!(never.contains("none was ever seen; ") && never.contains("in 1h ("), "{never}");
    }
}
