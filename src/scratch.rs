//! Where what is on its way lies until it has its place: in the folder for temporary files, which `TMPDIR`
//! names. Errors name it, since nobody asked for it in a request.

use floodgauge_net::plain_io;
use std::{env, fs::File, io};
use tempfile::TempDir;

/// A file that has no name and goes when it is closed.
///
/// # Errors
/// What the system says of the folder, with its name.
pub fn file() -> io::Result<File> {
    tempfile::tempfile().map_err(named)
}

/// A folder that goes, with all that is in it, when this is dropped.
///
/// # Errors
/// As for [`file`].
pub fn folder() -> io::Result<TempDir> {
    tempfile::tempdir().map_err(named)
}

/// Whether somebody chose the folder.
pub fn is_chosen() -> bool {
    env::var_os("TMPDIR").is_some_and(|folder| !folder.is_empty())
}

/// The same error, of the folder; its kind tells whether it is transient.
fn named(error: io::Error) -> io::Error {
    let by = if is_chosen() { "named by TMPDIR" } else { "TMPDIR names another" };
    let folder = env::temp_dir();
    let message = format!(
        "the folder for temporary files, {} ({by}): {}",
        folder.display(),
        plain_io(&error)
    );
    io::Error::new(error.kind(), message)
}
