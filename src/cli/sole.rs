//! One server on a SQLite file: it holds a lock on a file beside it, in which its address stands. The
//! lock ends with its process, however that ends. Other commands may open the database meanwhile.

use super::Failure;
use crate::{config::Storage, store};
use anyhow::Context as _;
use std::{
    fs::{File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long a server that holds the file and hasn't said its address yet may take to do so, or to
/// give up.
const STARTING: Duration = Duration::from_secs(10);

/// How often to look whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// That this server is the only one on its file; until it is dropped.
#[derive(Debug)]
pub struct Sole(File);

impl Sole {
    /// Makes this process the only server of a SQLite file; none where the database is none.
    ///
    /// # Errors
    /// If another server has it, with its address; a folder that can't be written to.
    pub async fn of(storage: &Storage) -> Result<Option<Self>, Failure> {
        let database = match &storage.database_url {
            None => storage.sqlite_file(),
            Some(url) => match store::sqlite_file(url).context("--database-url")? {
                Some(file) => file,
                None => return Ok(None),
            },
        };
        Self::on(&database).await.map(Some)
    }

    async fn on(database: &Path) -> Result<Self, Failure> {
        let path = beside(database)
            .with_context(|| format!("the folder of {} can't be made", database.display()))?;
        let unusable = || format!("{} can't be used", path.display());
        let mut options = File::options();
        options.create(true).read(true).write(true).truncate(false);
        let mut file = options.open(&path).with_context(unusable)?;
        let deadline = Instant::now() + STARTING;
        let mut was_taken = false;
        loop {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let address = said(&mut file).with_context(unusable)?;
                    let is_starting = address.is_empty() && Instant::now() < deadline;
                    // Who only looks whether it is taken has it for a moment too.
                    if is_starting || !std::mem::replace(&mut was_taken, true) {
                        sleep(LOOK_EVERY).await;
                        continue;
                    }
                    return Err(taken(database, &address));
                }
                Err(TryLockError::Error(error)) => {
                    let path = path.display();
                    tracing::warn!(%path, %error, "can't be locked: nothing keeps a second server off");
                }
            }
            // Whoever had it before is gone.
            file.set_len(0).with_context(unusable)?;
            return Ok(Self(file));
        }
    }

    /// Whether a server is known to have the SQLite file; where the database is none, that isn't known.
    pub fn is_taken(storage: &Storage) -> bool {
        let database = match &storage.database_url {
            None => Some(storage.sqlite_file()),
            Some(url) => store::sqlite_file(url).ok().flatten(),
        };
        // Nothing is made; and a server that starts just now looks twice.
        let file = database.and_then(|database| File::open(path_beside(&database).ok()?).ok());
        file.is_some_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Tells others where this server answers.
    ///
    /// # Errors
    /// The file's trouble.
    pub fn publish(&mut self, address: &str) -> Result<(), Failure> {
        let written = self.0.rewind().and_then(|()| self.0.write_all(address.as_bytes()));
        Ok(written.context("the file that tells this server's address can't be written")?)
    }
}

/// The folder of a database.
fn folder_of(database: &Path) -> &Path {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The file beside a database, whose folder is made if it is missing.
fn beside(database: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder_of(database))?;
    path_beside(database)
}

/// The same, for all paths that lead to the database; nothing is made.
fn path_beside(database: &Path) -> std::io::Result<PathBuf> {
    let folder = folder_of(database);
    let name = database.file_name().unwrap_or_default();
    let real = match database.canonicalize() {
        Ok(real) => real,
        // Not made yet.
        Err(_) => folder.canonicalize()?.join(name),
    };
    let mut name = real.file_name().unwrap_or_default().to_owned();
    name.push("-server");
    Ok(real.with_file_name(name))
}

fn said(file: &mut File) -> std::io::Result<String> {
    file.rewind()?;
    let mut text = String::new();
    file.take(1_000).read_to_string(&mut text)?;
    Ok(text)
}

fn taken(database: &Path, address: &str) -> Failure {
    let whose = match address {
        "" => "a server that is starting".into(),
        address => format!("the server at {address}"),
    };
    anyhow::anyhow!(
        "{} belongs to {whose}: a SQLite file has one server, servers that share a database need \
         Postgres (--database-url)",
        database.display()
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_server_is_told_the_address_of_the_first_by_whatever_path_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("new/floodgauge.db");
        let mut first = Sole::on(&database).await.unwrap();
        first.publish("http://127.0.0.1:7878/").unwrap();
        std::os::unix::fs::symlink(folder.path().join("new"), folder.path().join("link")).unwrap();
        for way in ["new/floodgauge.db", "link/floodgauge.db", "new/../new/floodgauge.db"] {
            let failure = Sole::on(&folder.path().join(way)).await.unwrap_err().to_string();
            assert!(failure.contains("the server at http://127.0.0.1:7878/"), "{failure}");
        }
        Sole::on(&folder.path().join("new/other.db")).await.unwrap();
        drop(first);
        Sole::on(&database).await.unwrap();
    }

    #[tokio::test]
    async fn that_a_server_has_the_file_is_seen_without_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::in_folder(&folder.path().join("data"));
        assert!(!Sole::is_taken(&storage));
        assert!(!folder.path().join("data").exists(), "nothing is made");
        let server = Sole::of(&storage).await.unwrap().unwrap();
        assert!(Sole::is_taken(&storage) && Sole::is_taken(&storage));
        drop(server);
        assert!(!Sole::is_taken(&storage));
        Sole::of(&storage).await.unwrap();
    }

    #[tokio::test]
    async fn a_second_server_waits_for_the_address_of_one_that_starts() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("floodgauge.db");
        let mut first = Sole::on(&database).await.unwrap();
        let starts = async {
            tokio::task::yield_now().await;
            first.publish("http://127.0.0.1:9/").unwrap();
        };
        let (second, ()) = tokio::join!(Sole::on(&database), starts);
        assert!(second.unwrap_err().to_string().contains("http://127.0.0.1:9/"));
    }

    #[tokio::test]
    async fn a_database_that_several_servers_may_share_has_no_sole_one() {
        let mut storage = Storage::in_folder(Path::new("nowhere"));
        storage.database_url = Some("postgres://db/x".into());
        assert!(Sole::of(&storage).await.unwrap().is_none());
    }
}
