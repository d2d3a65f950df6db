//! That the database opens, is whole, and has the tables of this release.

use super::{Finding, Patient, finding::or_ok};
use crate::counting::count;
use crate::store::{self, Depth, DynInspect, Integrity, Schema, StoreError};
use bytesize::ByteSize;
use jiff::SignedDuration;
use std::time::Duration;

/// How long the look at all of it may take; of Postgres, at a table.
const BOUND: Duration = Duration::from_secs(3600);

const RESTORE: &str = "stop the server, keep a copy of its files, and restore the latest backup \
     (docs/operations.md, “Backup and restore”). One that was just restored may lie beside a \
     floodgauge.db-wal of before: move that and -shm away. Of SQLite without a backup, `sqlite3 copy.db \
     .recover > all.sql` and `sqlite3 new.db < all.sql` save what can be read (`.dump` where `.recover` \
     isn't built in); look at new.db with `floodgauge doctor` before it is used";

/// Looks at it; answers it too where its tables can be read by this build.
pub(super) async fn look(patient: &Patient) -> (Vec<Finding>, Option<DynInspect>) {
    let store = match store::inspect(&patient.database_url, patient.repair).await {
        Ok(store) => store,
        Err(error) => return (vec![unopened(&error)], None),
    };
    let mut found = vec![];
    match store.check_integrity(Depth::Rows, BOUND).await {
        Ok(Integrity::Whole) => {}
        Ok(Integrity::Damaged(said)) => {
            found.push(Finding::fail(format!("the database is damaged: {said}"), RESTORE));
        }
        Ok(Integrity::Unfinished) => found.push(Finding::warn(
            format!(
                "the database couldn't be read as a whole within {:#}",
                SignedDuration::try_from(BOUND).unwrap_or(SignedDuration::MAX)
            ),
            "have the database check itself: `pragma integrity_check` of SQLite, `pg_amcheck` of Postgres",
        )),
        Err(error) => found.push(unopened(&error)),
    }
    let is_readable = match store.schema().await {
        Ok(schema) => {
            let wrong = of_schema(&schema);
            found.extend(wrong);
            schema == Schema::default()
        }
        Err(error) => {
            let unopened = unopened(&error);
            if !found.contains(&unopened) {
                found.push(unopened);
            }
            false
        }
    };
    let size = store.size().await.unwrap_or_default();
    let found = or_ok(found, || {
        format!("whole, {}, its tables are those of this release", ByteSize::b(size))
    });
    (found, is_readable.then_some(store))
}

fn unopened(error: &StoreError) -> Finding {
    match store::damage(error) {
        Some(said) => Finding::fail(format!("the database is damaged: {said}"), RESTORE),
        None => Finding::fail(
            format!("the database can't be opened: {error}"),
            "see that it is there, that it runs, and that this user may read it",
        ),
    }
}

/// What is wrong with its tables, the worst alone.
fn of_schema(schema: &Schema) -> Option<Finding> {
    let Schema { lacking, unknown, broken } = schema;
    if !broken.is_empty() {
        return Some(Finding::fail(
            format!("its migrations {broken:?} aren't this release's, or were interrupted"),
            "use the release that made them, or restore the backup from before the upgrade",
        ));
    }
    if !unknown.is_empty() {
        return Some(Finding::fail(
            format!(
                "its tables are of a later release: this one doesn't know its migrations \
                 {unknown:?}"
            ),
            "use that release, or restore the backup from before the upgrade",
        ));
    }
    // The first of all makes the tables.
    if lacking.first() == Some(&1) {
        return Some(Finding::fail(
            "the database has no tables: it is new, or what it had is lost",
            "restore the latest backup; of a new one, start the server",
        ));
    }
    (!lacking.is_empty()).then(|| {
        Finding::warn(
            format!(
                "its tables are of an earlier release: it lacks {}, so its contents can't be checked",
                count(lacking.len(), "migration")
            ),
            "make a backup, then run `floodgauge migrate`, or start the server of this release",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn tables_of_other_releases_are_told_apart() {
        let of = |lacking: &[i64], unknown: &[i64], broken: &[i64]| {
            let [lacking, unknown, broken] = [lacking, unknown, broken].map(<[i64]>::to_vec);
            of_schema(&Schema { lacking, unknown, broken })
        };
        assert_eq!(of(&[], &[], &[]), None);
        let earlier = of(&[9, 10], &[], &[]).unwrap();
        assert_eq!(earlier.severity, Severity::Warn);
        assert!(earlier.what.contains("it lacks 2 migrations"), "{}", earlier.what);
        assert!(of(&[1, 2, 3], &[], &[]).unwrap().what.contains("no tables"));
        assert!(of(&[], &[99], &[]).unwrap().what.contains("later release"));
        assert!(of(&[9], &[99], &[3]).unwrap().what.contains("aren't this release's"));
    }
}
