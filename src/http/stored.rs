//! What the database holds of a sweep, read: whole where this server can, else as far as it can.

use super::problem::Problem;
use crate::{
    driver::Driver,
    scheduler::Sweep,
    store::SweepRow,
    upcast,
    verdict::{Best, Finding, without_answer},
};
use floodgauge_protocol::{SearchSpace, SweepId, SweepSpec};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use serde_path_to_error::Segment;
use std::sync::Arc;

/// The most fields that are left out of a spec of which this server doesn't know all.
const MAX_LEFT_OUT: usize = 64;

/// The spec that a row holds.
pub(super) fn spec(row: &SweepRow) -> Result<SweepSpec, Problem> {
    row.read_spec().map_err(|error| {
        let sweep = row.sweep;
        Problem::Internal(anyhow::Error::from(error).context(format!("spec of sweep {sweep}")))
    })
}

/// The arms and families of a row's sweep.
pub(super) fn space(row: &SweepRow) -> Result<SearchSpace, Problem> {
    row.read_space().map_err(|error| {
        let sweep = row.sweep;
        Problem::Internal(anyhow::Error::from(error).context(format!("plan of sweep {sweep}")))
    })
}

/// A sweep as its log tells it; none if this binary would decide otherwise than the one that
/// wrote the log: then what is stored can still be read.
pub(super) async fn replayed(
    driver: &Driver,
    sweep: SweepId,
) -> Result<Option<Arc<Sweep>>, Problem> {
    match driver.sweep(sweep).await {
        Ok(replayed) => Ok(Some(replayed)),
        Err(error) if error.is_unreplayable() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The answer that a row of a sweep of this space holds; none if there is none yet, or another
/// version wrote it otherwise.
pub(super) fn best(row: &SweepRow, space: &SearchSpace) -> Option<Best> {
    let stored = upcast::arms(row.best.as_ref()?, &space.arms);
    let read = Best::deserialize(stored.as_ref());
    read.inspect_err(|error| {
        tracing::warn!(sweep = %row.sweep, %error, "a stored answer can't be read");
    })
    .ok()
    .map(|best: Best| of_row(row, if is_partial(row, &best) { without_answer(best) } else { best }))
}

/// Whether a stored answer is one of a sweep that was given up before it had any, as far as it was trained.
fn is_partial(row: &SweepRow, best: &Best) -> bool {
    let claims = best.best.is_some() || best.finding == Finding::Pending;
    row.status.is_given_up() && !best.before_extension && claims
}

/// The answer of a row's sweep from its log, where a version before this one cancelled or failed an extension, and
/// stored nothing of the answer before it; none where the row tells.
pub(super) async fn recovered(driver: &Driver, row: &SweepRow) -> Result<Option<Best>, Problem> {
    let is_told = |best: &Value| best.get("before_extension").is_some();
    let is_lost = row.status.is_given_up()
        && row.grown_seq > 0
        && row.best.as_ref().is_some_and(|best| !is_told(best));
    // What is known to be unreadable is tried anew by who asks for that sweep alone.
    if !is_lost || driver.replay_error(row).is_some() {
        return Ok(None);
    }
    if let Some(best) = driver.recovered(row) {
        return Ok(Some(of_row(row, best)));
    }
    let Some(replayed) = replayed(driver, row.sweep).await? else { return Ok(None) };
    let best = replayed.best();
    driver.keep_recovered(row, &best);
    Ok(Some(of_row(row, best)))
}

/// The same of the rows of a list. A sweep that can't be looked at now, or was deleted since its row was read, is
/// told as it is stored: one hides no other.
pub(super) async fn recovered_of(driver: &Driver, rows: &[SweepRow]) -> Vec<Option<Best>> {
    let mut of_rows = Vec::with_capacity(rows.len());
    for row in rows {
        of_rows.push(recovered(driver, row).await.unwrap_or_default());
    }
    of_rows
}

/// An answer of a row's sweep: it names the sweep, and advises what can still be done with it.
pub(super) fn of_row(row: &SweepRow, best: Best) -> Best {
    let best = best.of_sweep(row.sweep);
    if row.checkpoints_dropped { best.without_checkpoints() } else { best }
}

/// A spec and its arms, as far as they can be read.
pub(super) struct Legible {
    /// Without the fields that this server doesn't know; these are as if they were unset.
    pub spec: SweepSpec,
    /// The arms and families of the sweep, those that were added on its way too.
    pub space: SearchSpace,
    /// Whether nothing had to be left out.
    pub is_whole: bool,
}

/// What a row holds, whoever wrote it: one sweep that can't be read hides no other.
pub(super) fn legible(row: &SweepRow) -> Result<Legible, Problem> {
    if let (Ok(spec), Ok(space)) = (spec(row), space(row)) {
        return Ok(Legible { spec, space, is_whole: true });
    }
    let spec = match known(row.spec.clone()) {
        Some(spec) => spec,
        None => nothing_of(row)?,
    };
    let stored = row.space.as_ref().and_then(|space| SearchSpace::deserialize(space).ok());
    Ok(Legible { space: stored.unwrap_or_else(|| SearchSpace::of(&spec)), spec, is_whole: false })
}

/// A spec without what isn't known of it; none if too little is left.
fn known(mut spec: Value) -> Option<SweepSpec> {
    for _ in 0..MAX_LEFT_OUT {
        let error = match serde_path_to_error::deserialize::<_, SweepSpec>(&spec) {
            Ok(spec) => return Some(spec),
            Err(error) => error,
        };
        let path: Vec<&str> = error
            .path()
            .iter()
            .map_while(|segment| match segment {
                Segment::Map { key } => Some(key.as_str()),
                _ => None,
            })
            .collect();
        let (field, above) = path.split_last()?;
        let object = above.iter().try_fold(&mut spec, |value, key| value.get_mut(*key))?;
        object.as_object_mut().and_then(|fields: &mut Map<String, Value>| fields.remove(*field))?;
    }
    None
}

/// What stands for a spec of which nothing can be read.
fn nothing_of(row: &SweepRow) -> Result<SweepSpec, Problem> {
    let unread = json!({ "name": row.name, "recipe": { "dataset": { "name": "unknown" } } });
    SweepSpec::deserialize(&unread).map_err(|error| Problem::Internal(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blobs::Blobs, driver::DriverConfig, scheduler::SweepStatus, store::SqliteStore};
    use std::time::Duration;

    #[tokio::test]
    async fn a_list_tells_a_sweep_as_it_is_stored_that_was_deleted_since_its_row_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path().join("test.db")).await.unwrap());
        let config = DriverConfig {
            lease_ttl: Duration::from_secs(60),
            data: folder.path().join("data"),
            start_over_after: None,
            data_dir: None,
        };
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let driver = Driver::new(store, blobs, config);
        let spec = json!({ "name": "x", "recipe": { "dataset": { "name": "spiral" } } });
        let spec = SweepSpec::deserialize(&spec).unwrap();
        let sweep = driver.submit(spec, None).await.unwrap().sweep;
        driver.cancel(sweep).await.unwrap();
        let row = driver.store().sweep(sweep).await.unwrap().unwrap();
        // As an earlier version left it that cancelled an extension.
        let lost = SweepRow { grown_seq: 1, best: Some(json!({})), ..row };
        assert_eq!(lost.status, SweepStatus::Cancelled);
        let told = recovered(&driver, &lost).await;
        assert!(told.is_ok_and(|best| best.is_some()), "its log tells while it is there");
        assert!(driver.recovered(&lost).is_some(), "and isn't replayed again");
        driver.delete(sweep).await.unwrap();
        assert!(driver.recovered(&lost).is_none());
        assert!(recovered(&driver, &lost).await.is_err(), "it is gone");
        assert_eq!(recovered_of(&driver, &[lost]).await, [None]);
    }

    #[test]
    fn what_a_later_version_added_is_left_out_and_the_rest_is_read() {
        let spec = json!({
            "name": "later", "tags": ["a"],
            "recipe": { "dataset": { "name": "spiral", "shuffle": true }, "epochs": 7,
                        "optimizer": { "kind": "lion", "lr": 1.0 } },
            "search": { "levels": [0.1, 0.2], "of_a_later_release": true, "seeds": [0, 1] },
            "scheduler": { "kind": "bayes", "priority": 3 },
        });
        let known = known(spec).unwrap();
        assert_eq!((known.name.as_str(), known.recipe.epochs), ("later", 7));
        assert_eq!(known.recipe.dataset.name.to_string(), "spiral");
        assert_eq!(known.search.seeds, [0, 1]);
        assert_eq!(known.scheduler.priority, 3);
        assert_eq!(SearchSpace::of(&known).arms.len(), 3);
    }

    #[test]
    fn of_what_is_no_spec_nothing_is_known() {
        for spec in [json!(null), json!([]), json!("text"), json!({ "name": "x" })] {
            assert_eq!(known(spec.clone()), None, "{spec}");
        }
    }
}
