//! Named sets from their public addresses or a mirror: resumed where they broke off, tried again
//! a few times, and taken only with the digest that is known of them.
//!
//! A file grows under another name beside its place and is locked meanwhile, so that several
//! processes that want it fetch it once. It gets its name when it is whole.

mod known;
mod transfer;

pub use floodgauge_net::Authorities;
pub use known::{Known, known};

use crate::Folder;
use floodgauge_protocol::{DatasetName, Digest};
use reqwest::Url;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where to download from, and how often to try.
#[derive(Clone, Debug)]
pub struct Downloads {
    /// Another address than the public ones; a set's files lie under `{mirror}/{set}/{file}`.
    pub mirror: Option<Url>,
    /// Tries after the first one.
    pub retries: usize,
    /// The delay after the first try; it doubles each time.
    pub delay: Duration,
    /// Whose certificates are taken beside those of the system's authorities.
    pub authorities: Authorities,
}

impl Default for Downloads {
    /// From the public addresses, with four tries within a quarter of a minute.
    fn default() -> Self {
        let (retries, delay) = (3, Duration::from_secs(2));
        Self { mirror: None, retries, delay, authorities: Authorities::default() }
    }
}

/// How far a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The name of the file that is fetched.
    pub file: &'a str,
    /// How many of its bytes are there.
    pub done: u64,
    /// How many bytes it has in all.
    pub total: u64,
}

/// Why a set wasn't downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The set doesn't come as files.
    #[error("{0} isn't downloaded: it doesn't come as files")]
    NoFiles(DatasetName),
    /// No whole file came, however often it was tried.
    #[error("{url} can't be downloaded ({reason}); put the file at {}", .path.display())]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the last try ended with.
        reason: String,
        /// Where the file goes.
        path: PathBuf,
    },
    /// The file that came is another one.
    #[error("{url} has sha-256 {found}, not {expected}: another file, and it wasn't kept")]
    Digest {
        /// Where it came from.
        url: String,
        /// What is known of it.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The data folder can't be written.
    #[error("can't write {}", .path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The mirror's address or this machine's TLS can't be used.
    #[error("downloads can't be set up: {0}")]
    Setup(String),
}

/// Downloads the files of a set that a data folder lacks.
///
/// # Errors
/// The first file that can't be had; those before it stay.
pub async fn fetch(
    name: &DatasetName,
    folder: &Folder,
    downloads: &Downloads,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(), DownloadError> {
    if folder.find(name).is_ok_and(|files| !files.is_empty()) {
        return Ok(());
    }
    let files = known(name);
    if files.is_empty() {
        return Err(DownloadError::NoFiles(name.clone()));
    }
    let folder = folder.of(name);
    for file in files {
        let url = address(name, file, downloads)?;
        file_from(file, url, &folder, downloads, progress).await?;
    }
    Ok(())
}

/// Downloads one file into a folder, unless it is there.
///
/// # Errors
/// See [`DownloadError`].
pub async fn file_from(
    file: &Known,
    url: Url,
    folder: &Path,
    downloads: &Downloads,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(), DownloadError> {
    let path = folder.join(file.name);
    if path.is_file() {
        return Ok(());
    }
    transfer::Transfer { file, url, path: &path, downloads }.run(progress).await
}

fn address(name: &DatasetName, file: &Known, downloads: &Downloads) -> Result<Url, DownloadError> {
    let setup = |error: String| DownloadError::Setup(error);
    let Some(mirror) = &downloads.mirror else {
        let text = format!("{}{}", file.base, file.name);
        return text.parse().map_err(|error| setup(format!("{text}: {error}")));
    };
    let mut url = mirror.clone();
    let segments = url.path_segments_mut();
    segments
        .map_err(|()| setup(format!("{mirror} can't hold files")))?
        .pop_if_empty()
        .extend([name.as_str(), file.name]);
    Ok(url)
}
