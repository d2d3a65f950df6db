//! One file on its way.

use super::{DownloadError, Downloads, Known, Progress};
use crate::digest;
use backon::{ExponentialBuilder, Retryable};
use floodgauge_net::{Peer, innermost};
use floodgauge_protocol::Digest;
use reqwest::{Client, StatusCode, Url, header};
use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(30);

/// A file, its address, and its place.
pub(super) struct Transfer<'a> {
    pub file: &'a Known,
    pub url: Url,
    pub path: &'a Path,
    pub downloads: &'a Downloads,
}

/// Who is asked for a file.
struct Asked {
    client: Client,
    peer: Peer,
}

impl Asked {
    /// What a request met, and what may be done about it.
    fn told(&self, error: &reqwest::Error) -> String {
        self.peer.explain(error)
    }
}

/// How a try ended.
enum Broken {
    /// Another try may go better.
    Off(String),
    /// It won't.
    ForGood(DownloadError),
}

impl Transfer<'_> {
    /// Fetches the file, checks it, and gives it its name.
    pub async fn run(
        &self,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<(), DownloadError> {
        let setup = |error: &dyn ToString| DownloadError::Setup(error.to_string());
        let expected: Digest = self.file.sha256.parse().map_err(|error| setup(&error))?;
        let part = self.part().await?;
        if self.path.is_file() {
            // Another process was quicker.
            return Ok(());
        }
        let peer = Peer::new(&self.url, &self.downloads.authorities);
        let client = peer
            .wandering_client()
            .user_agent(concat!("floodgauge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| setup(&innermost(&error)))?;
        let asked = Asked { client, peer };
        let progress = Mutex::new(progress);
        for last in [false, true] {
            let resumed = length(&part).map_err(|error| self.write(error))? > 0;
            if let Err(error) = self.whole(&asked, &part, &progress).await {
                if length(&part).is_ok_and(|length| length == 0) {
                    let _ = std::fs::remove_file(self.part_path());
                }
                return Err(error);
            }
            let found = self.digest(&part).await?;
            if found == expected {
                std::fs::rename(self.part_path(), self.path).map_err(|error| self.write(error))?;
                return Ok(());
            }
            part.set_len(0).map_err(|error| self.write(error))?;
            // What an earlier download left may be at fault: from the start, once.
            if last || !resumed {
                let _ = std::fs::remove_file(self.part_path());
                return Err(DownloadError::Digest { url: self.url.to_string(), expected, found });
            }
        }
        Ok(())
    }

    /// The growing file, locked until it is dropped.
    async fn part(&self) -> Result<Arc<File>, DownloadError> {
        let path = self.part_path();
        let open = move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
            file.lock()?;
            Ok(Arc::new(file))
        };
        blocking(open).await.map_err(|error| self.write(error))
    }

    fn part_path(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".part");
        name.into()
    }

    /// Fetches until the file has its length.
    async fn whole(
        &self,
        asked: &Asked,
        part: &Arc<File>,
        progress: &Mutex<&mut (dyn FnMut(Progress<'_>) + Send)>,
    ) -> Result<(), DownloadError> {
        let backoff = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(self.downloads.delay)
            .with_max_times(self.downloads.retries)
            .with_jitter();
        let fetched = (|| self.fetch(asked, part, progress))
            .retry(backoff)
            .when(|broken| matches!(broken, Broken::Off(_)))
            .notify(|broken, delay| {
                if let Broken::Off(reason) = broken {
                    tracing::warn!(url = %self.url, %reason, ?delay, "a download broke off");
                }
            })
            .await;
        fetched.map_err(|broken| match broken {
            Broken::Off(reason) => {
                let (url, path) = (self.url.to_string(), self.path.to_owned());
                DownloadError::Unreachable { url, reason, path }
            }
            Broken::ForGood(error) => error,
        })
    }

    /// One try, from where the last one ended.
    async fn fetch(
        &self,
        asked: &Asked,
        part: &Arc<File>,
        progress: &Mutex<&mut (dyn FnMut(Progress<'_>) + Send)>,
    ) -> Result<(), Broken> {
        let write = |error| Broken::ForGood(self.write(error));
        let mut done = length(part).map_err(write)?;
        if done >= self.file.bytes {
            return Ok(());
        }
        let off = |error: reqwest::Error| Broken::Off(asked.told(&error));
        let mut request = asked.client.get(self.url.clone());
        if done > 0 {
            request = request.header(header::RANGE, format!("bytes={done}-"));
        }
        let mut answer = request.send().await.map_err(off)?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if begins_at(&answer, done) => {}
            StatusCode::OK => done = 0,
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                part.set_len(0).map_err(write)?;
                return Err(Broken::Off("the rest was refused; it begins anew".into()));
            }
            status => {
                let proxy = asked.peer.answered_for().map(|words| format!("; {words}"));
                let words = format!("the answer was {status}{}", proxy.unwrap_or_default());
                return Err(Broken::Off(words));
            }
        }
        let mut file = &**part;
        part.set_len(done).and_then(|()| file.seek(SeekFrom::End(0))).map_err(write)?;
        loop {
            self.report(progress, done);
            let Some(chunk) = answer.chunk().await.map_err(off)? else { break };
            done += chunk.len() as u64;
            // Longer than it should be: another file, as its digest will tell.
            let longer = done > self.file.bytes;
            file.write_all(&chunk).map_err(write)?;
            if longer {
                return Ok(());
            }
        }
        match done < self.file.bytes {
            true => Err(Broken::Off(format!("{done} bytes came of {}", self.file.bytes))),
            false => Ok(()),
        }
    }

    fn report(&self, progress: &Mutex<&mut (dyn FnMut(Progress<'_>) + Send)>, done: u64) {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress(Progress { file: self.file.name, done, total: self.file.bytes });
    }

    async fn digest(&self, part: &Arc<File>) -> Result<Digest, DownloadError> {
        let part = part.clone();
        let read = move || {
            let mut file = &*part;
            file.rewind()?;
            digest::of(io::BufReader::with_capacity(1 << 20, file))
        };
        blocking(read).await.map_err(|error| self.write(error))
    }

    fn write(&self, source: io::Error) -> DownloadError {
        DownloadError::Write { path: self.part_path(), source }
    }
}

fn length(part: &File) -> io::Result<u64> {
    Ok(part.metadata()?.len())
}

/// Whether a partial answer goes on where the file ends.
fn begins_at(answer: &reqwest::Response, done: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {done}-")))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
