//! What can come of a store verb. Variants are outcomes that callers treat differently;
//! everything else is the database's own trouble. What that is worth, its codes tell: whether the same
//! may go well a little later, and whether the database is damaged.

use super::OverQuota;
use floodgauge_protocol::{Digest, FamilyIx, SweepId};
use std::{error::Error, path::PathBuf};

/// A store verb that didn't do its work; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer took the place in the log: replay, and try again.
    #[error("the log has moved on")]
    Conflict,
    /// The lease was taken over, finished or withdrawn.
    #[error("the lease is no longer held")]
    LeaseLost,
    /// A trial was to refer to a blob that the commit's lease doesn't hold.
    #[error("blob {0} is not held by the lease")]
    NotHeld(Digest),
    /// A lease holds as many blobs as its segment can need.
    #[error("a worker at this segment has at most {at_most} checkpoints that it hasn't handed in")]
    TooManyBlobs {
        /// How many that are.
        at_most: u32,
    },
    /// A family was to start over, and a worker of its kind of machine is at work.
    #[error("family {0} has a worker")]
    Held(FamilyIx),
    /// There is no such sweep.
    #[error("no sweep {0}")]
    NoSweep(SweepId),
    /// The sweep was to be extended, and its checkpoints are gone.
    #[error("the checkpoints of the sweep were dropped")]
    CheckpointsDropped,
    /// There is no such data set, or it has another digest by now.
    #[error("no data set named `{0}`")]
    NoDataset(String),
    /// An idempotency key came again with another body.
    #[error("the idempotency key was used before for another body")]
    KeyReused,
    /// The token would have more than it may.
    #[error("{0}")]
    OverQuota(OverQuota),
    /// The path of the database names another file than the one that is open, or none.
    #[error(
        "the file of the database, {}, was renamed, replaced or deleted while it is open", .0.display()
    )]
    Misplaced(PathBuf),
    /// A row doesn't read as what was written.
    #[error("the database holds something that can't be read: {0}")]
    Corrupt(String),
    /// The trouble of the object store, while a blob was being forgotten.
    #[error(transparent)]
    Object(#[from] object_store::Error),
    /// The database's own trouble.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration's trouble.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl StoreError {
    /// Whether the database may answer the same a little later.
    pub fn is_transient(&self) -> bool {
        use sqlx::Error as E;
        match self {
            Self::Database(E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed) => true,
            Self::Database(E::Database(error)) => {
                error.code().is_some_and(|code| is_transient(&code))
            }
            _ => false,
        }
    }
}

/// What a database says of damage to its own bytes, if that is what an error tells.
pub fn damage(error: &(dyn Error + 'static)) -> Option<String> {
    let database = match error.downcast_ref::<StoreError>() {
        Some(StoreError::Database(error)) => Some(error),
        Some(StoreError::Migrate(sqlx::migrate::MigrateError::Execute(error))) => Some(error),
        Some(_) => None,
        None => error.downcast_ref::<sqlx::Error>(),
    };
    let sqlx::Error::Database(error) = database? else { return None };
    let is_damage = error.code().is_some_and(|code| is_damage(&code, error.message()));
    is_damage.then(|| error.message().to_owned())
}

/// What an error of a database tells of a disk that can't be written, in words.
pub fn unwritable(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let database = match error.downcast_ref::<StoreError>() {
        Some(StoreError::Database(error)) => Some(error),
        Some(_) => None,
        None => error.downcast_ref::<sqlx::Error>(),
    };
    let sqlx::Error::Database(error) = database? else { return None };
    error.code().and_then(|code| unwritten(&code))
}

const READ_ONLY: &str = "the database can't be written: it is read-only";

/// Of Postgres: `disk_full` (53100), `io_error` (58030), and `read_only_sql_transaction` (25006), as a server
/// has it that is a standby, or was made read-only. Of SQLite: `SQLITE_FULL` (13), `SQLITE_READONLY` (8),
/// and of `SQLITE_IOERR` (10) what comes of writing: `WRITE` (778), `FSYNC` (1034), `DIR_FSYNC` (1290),
/// `TRUNCATE` (1546), `SHMSIZE` (4874).
fn unwritten(code: &str) -> Option<&'static str> {
    Some(match code {
        "53100" => "the disk of the database is full",
        "58030" => "the disk of the database is failing",
        "25006" => READ_ONLY,
        _ if code.len() == 5 => return None,
        "13" => "the disk of the database is full",
        "778" | "1034" | "1290" | "1546" | "4874" => "the disk of the database can't be written",
        code if code.parse::<u32>().is_ok_and(|code| code & 0xff == 8) => READ_ONLY,
        _ => return None,
    })
}

/// Of Postgres, whose codes have five characters: lost connections (08), a database that is read-only (25006),
/// transactions that got in each other's way (40), short resources such as a full disk (53), a lock that wasn't to
/// be had (55P03), operators' interventions and time that ran out (57), a disk that fails (58030). Of SQLite, whose
/// extended codes hold the primary one in their lowest byte: busy, locked, read-only (as a disk is once it fails),
/// trouble with its files, one that can't be opened, a full disk.
fn is_transient(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "25006", "40", "53", "55P03", "57", "58030"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| [5, 6, 8, 10, 13, 14].contains(&(code & 0xff)))
}

/// Of Postgres: `data_corrupted` (XX001) and `index_corrupted` (XX002), and of what has the code of all
/// internal errors (XX000) that which tells of pages and values that can't be read. Of SQLite:
/// `SQLITE_CORRUPT` (11) and `SQLITE_NOTADB` (26).
fn is_damage(code: &str, message: &str) -> bool {
    if code == "XX000" {
        let unreadable =
            ["could not read block", "invalid page", "missing chunk", "unexpected chunk"];
        return unreadable.iter().any(|words| message.contains(words));
    }
    if code.len() == 5 {
        return ["XX001", "XX002"].contains(&code);
    }
    code.parse::<u32>().is_ok_and(|code| [11, 26].contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_database_gets_over_is_known_by_its_code() {
        for code in
            ["08006", "25006", "40001", "53100", "53300", "55P03", "57014", "57P01", "58030"]
        {
            assert!(is_transient(code), "Postgres {code}");
        }
        for code in ["23505", "25001", "42601", "55000"] {
            assert!(!is_transient(code), "Postgres {code}");
        }
        for code in ["5", "6", "8", "10", "13", "14", "261", "517", "778"] {
            assert!(is_transient(code), "SQLite {code}");
        }
        for code in ["1", "11", "19", "2067"] {
            assert!(!is_transient(code), "SQLite {code}");
        }
        assert!(StoreError::Database(sqlx::Error::PoolTimedOut).is_transient());
    }

    #[test]
    fn a_disk_that_takes_nothing_is_known_by_its_code_and_a_busy_one_is_not() {
        for code in ["53100", "58030", "25006", "13", "8", "264", "778", "1034"] {
            assert!(unwritten(code).is_some_and(|words| words.contains("database")), "{code}");
            assert!(is_transient(code), "{code}");
        }
        for code in ["5", "6", "266", "522", "11", "2067", "23505", "53300", "57014"] {
            assert_eq!(unwritten(code), None, "{code}");
        }
    }

    #[test]
    fn damage_is_known_by_its_code() {
        for code in ["11", "267", "779", "26", "XX001", "XX002"] {
            assert!(is_damage(code, ""), "{code}");
        }
        for code in ["1", "5", "13", "1555", "2067", "23505", "57014", "53100"] {
            assert!(!is_damage(code, ""), "{code}");
        }
        let damage = "missing chunk number 0 for toast value 16391 in pg_toast_16384";
        assert!(is_damage("XX000", damage));
        assert!(!is_damage("XX000", "tuple concurrently updated"));
    }
}
