//! What libraries say of a failure, in plain words, for those that people meet.

use crate::store::StoreError;
use floodgauge_net::{plain_io, without_number};
use sqlx::migrate::MigrateError;
use std::{error::Error, io};

/// A cause of a failure in plain words, or else in its own.
pub fn of_cause(cause: &(dyn Error + 'static)) -> String {
    if let Some(system) = cause.downcast_ref::<io::Error>() {
        return plain_io(system);
    }
    let database = match cause.downcast_ref::<StoreError>() {
        Some(StoreError::Database(error)) => of_database(error),
        Some(StoreError::Migrate(error)) => of_migration(error),
        _ => None,
    };
    database.unwrap_or_else(|| without_number(&cause.to_string()))
}

fn of_database(error: &sqlx::Error) -> Option<String> {
    use sqlx::Error as E;
    Some(match error {
        E::Configuration(_) => {
            "its address can't be read: expected postgres://user@host:5432/name or sqlite:///folder/file.db"
                .into()
        }
        E::Io(error) => format!("it can't be reached: {}", plain_io(error)),
        E::PoolTimedOut => "it gave no connection in time: check that it runs, and how many connections it allows".into(),
        E::Database(error) => of_code(&error.code()?, error.message())?,
        _ => return None,
    })
}

/// What a database's code says: of Postgres five characters, of SQLite a number whose lowest byte counts.
fn of_code(code: &str, message: &str) -> Option<String> {
    let sqlite = code.parse::<u32>().ok().filter(|_| code.len() != 5).map(|code| code & 0xff);
    Some(match (code, sqlite) {
        ("28P01" | "28000", _) => format!("it refuses that user ({message})"),
        ("3D000", _) => format!("{message}: create it first, as with `createdb`"),
        (_, Some(8)) => "its file can't be written: check its owner, its permissions and its disk".into(),
        (_, Some(13)) => "the disk is full".into(),
        (_, Some(14)) => {
            "its file can't be opened: check that its folder exists and that this user may write to both"
                .into()
        }
        (_, Some(26)) => "its file is not a database of SQLite".into(),
        _ => return None,
    })
}

fn of_migration(error: &MigrateError) -> Option<String> {
    match error {
        MigrateError::Execute(error) => of_database(error),
        MigrateError::VersionMissing(_) => {
            Some("a later release has changed it: use that one, or restore a backup".into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;

    async fn said(path: &std::path::Path) -> String {
        let Err(error) = SqliteStore::open(path).await else { panic!("opened") };
        of_cause(&error)
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        std::fs::write(&file, "to do: buy milk, and water the plants ".repeat(100)).unwrap();
        assert_eq!(said(&file).await, "its file is not a database of SQLite");
        let below = said(&file.join("floodgauge.db")).await;
        assert!(below.starts_with("it can't be reached: "), "{below}");
        assert!(!below.contains("os error"), "{below}");
    }

    #[test]
    fn what_postgres_refuses_is_told_with_what_to_do() {
        let no_such = r#"database "x" does not exist"#;
        let expected = r#"database "x" does not exist: create it first, as with `createdb`"#;
        assert_eq!(of_code("3D000", no_such).as_deref(), Some(expected));
        assert_eq!(
            of_code("28P01", "no password").as_deref(),
            Some("it refuses that user (no password)")
        );
        assert_eq!(of_code("23505", "a key twice"), None);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let told = of_cause(&StoreError::Database(sqlx::Error::Io(refused)));
        assert!(told.starts_with("it can't be reached: the connection was refused"), "{told}");
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_told_what_one_looks_like() {
        let Err(error) = crate::store::open("postgres://host:port/x").await else {
            panic!("opened")
        };
        let said = of_cause(&error);
        assert!(said.contains("expected postgres://user@host:5432/name"), "{said}");
    }
}
