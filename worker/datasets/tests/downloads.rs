//! Downloads from a server that misbehaves on order.
#![allow(clippy::unwrap_used)]

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use floodgauge_datasets::{
    Folder,
    download::{DownloadError, Downloads, Known, Progress, fetch, file_from, known},
};
use floodgauge_protocol::{DatasetName, Digest};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// How the next answers are.
#[derive(Clone, Copy)]
enum Answer {
    /// As asked for.
    Good,
    /// So many bytes of what was asked for, then the connection breaks.
    Cut(usize),
    /// The whole file, whatever was asked for.
    Whole,
    Status(StatusCode),
}

/// A path asked for, and the range.
type Asked = (String, Option<String>);

#[derive(Clone)]
struct Files {
    bytes: Bytes,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// How far the client is.
    done: Arc<watch::Sender<u64>>,
    base: String,
}

impl Files {
    /// Serves the same bytes at every path.
    async fn serve(bytes: Vec<u8>, answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        let files = Self {
            bytes: bytes.into(),
            answers,
            asked: Arc::default(),
            done: Arc::default(),
            base,
        };
        let app = Router::new().fallback(answer).with_state(files.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        files
    }

    fn ranges(&self) -> Vec<Option<String>> {
        self.asked.lock().unwrap().iter().map(|(_, range)| range.clone()).collect()
    }

    /// What is known of the file.
    fn known(&self) -> Known {
        let sha256 = Digest(Sha256::digest(&self.bytes).into()).to_string().leak();
        Known { name: "file.gz", base: "http://unused/", bytes: self.bytes.len() as u64, sha256 }
    }

    async fn get(&self, file: &Known, folder: &Path) -> (Result<(), DownloadError>, Vec<u64>) {
        let mut seen = vec![];
        let mut progress = |progress: Progress<'_>| {
            seen.push(progress.done);
            self.done.send_replace(progress.done);
        };
        let url = format!("{}some/file.gz", self.base).parse().unwrap();
        let got = file_from(file, url, folder, &quick(None), &mut progress).await;
        (got, seen)
    }
}

async fn answer(State(files): State<Files>, uri: Uri, headers: HeaderMap) -> Response {
    let range = headers.get(header::RANGE).map(|range| range.to_str().unwrap().to_owned());
    files.asked.lock().unwrap().push((uri.path().into(), range.clone()));
    let from = range.map(|range| {
        range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse::<usize>().unwrap()
    });
    let answer = files.answers.lock().unwrap().pop_front().unwrap_or(Answer::Good);
    let (from, cut) = match answer {
        Answer::Status(status) => return status.into_response(),
        Answer::Whole => (None, None),
        Answer::Cut(cut) => (from, Some(cut)),
        Answer::Good => (from, None),
    };
    let rest = files.bytes.slice(from.unwrap_or(0)..);
    let length = [(header::CONTENT_LENGTH, rest.len().to_string())];
    let body = match cut {
        None => Body::from(rest),
        Some(cut) => {
            // What was sent must have come before the connection breaks.
            let (mut done, sent) = (files.done.subscribe(), (from.unwrap_or(0) + cut) as u64);
            let broken = async move {
                done.wait_for(|&done| done >= sent).await.unwrap();
                Err(io::Error::other("on order"))
            };
            let sent = futures::stream::iter([Ok(rest.slice(..cut))]);
            Body::from_stream(sent.chain(futures::stream::once(broken)))
        }
    };
    match from {
        None => (length, body).into_response(),
        Some(from) => {
            let all = files.bytes.len();
            let range = format!("bytes {from}-{}/{all}", all - 1);
            let range = [(header::CONTENT_RANGE, range)];
            (StatusCode::PARTIAL_CONTENT, length, range, body).into_response()
        }
    }
}

fn quick(mirror: Option<&str>) -> Downloads {
    let mirror = mirror.map(|url| url.parse().unwrap());
    Downloads { mirror, delay: Duration::from_millis(1), ..Downloads::default() }
}

fn some_bytes() -> Vec<u8> {
    (0..300_000u32).map(|i| (i % 251) as u8).collect()
}

#[tokio::test]
async fn a_download_that_fails_and_breaks_off_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let failing =
        [Answer::Status(StatusCode::BAD_GATEWAY), Answer::Cut(100_000), Answer::Cut(50_000)];
    let files = Files::serve(some_bytes(), failing).await;
    let (got, seen) = files.get(&files.known(), folder.path()).await;
    got.unwrap();
    assert!(std::fs::read(folder.path().join("file.gz")).unwrap() == some_bytes());
    assert!(!folder.path().join("file.gz.part").exists());
    let ranges = files.ranges();
    assert_eq!(ranges.len(), 4);
    assert_eq!(ranges[..2], [None, None]);
    assert_eq!(ranges[2].as_deref(), Some("bytes=100000-"));
    assert_eq!(ranges[3].as_deref(), Some("bytes=150000-"));
    assert!(seen.is_sorted() && seen.last() == Some(&300_000), "{seen:?}");
}

#[tokio::test]
async fn what_an_earlier_run_left_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file.gz.part"), &some_bytes()[..200_000]).unwrap();
    let files = Files::serve(some_bytes(), []).await;
    files.get(&files.known(), folder.path()).await.0.unwrap();
    assert_eq!(files.ranges(), [Some("bytes=200000-".to_owned())]);
    files.get(&files.known(), folder.path()).await.0.unwrap();
    assert_eq!(files.ranges().len(), 1, "what is there isn't asked for again");
}

#[tokio::test]
async fn what_an_earlier_run_left_of_another_file_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file.gz.part"), [7; 200_000]).unwrap();
    let files = Files::serve(some_bytes(), []).await;
    files.get(&files.known(), folder.path()).await.0.unwrap();
    assert_eq!(files.ranges(), [Some("bytes=200000-".to_owned()), None]);
    assert!(std::fs::read(folder.path().join("file.gz")).unwrap() == some_bytes());
}

#[tokio::test]
async fn a_server_that_knows_no_ranges_sends_the_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::serve(some_bytes(), [Answer::Cut(1_000), Answer::Whole]).await;
    files.get(&files.known(), folder.path()).await.0.unwrap();
    assert!(std::fs::read(folder.path().join("file.gz")).unwrap() == some_bytes());
}

#[tokio::test]
async fn another_file_is_told_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::serve(some_bytes(), []).await;
    let zeros = Digest([0; 32]).to_string().leak();
    let other = Known { sha256: zeros, ..files.known() };
    let (got, _) = files.get(&other, folder.path()).await;
    let error = got.unwrap_err();
    assert!(matches!(error, DownloadError::Digest { .. }), "{error}");
    assert!(error.to_string().contains(&files.known().sha256.to_string()), "{error}");
    let longer = Known { bytes: 1_000, ..files.known() };
    let (got, _) = files.get(&longer, folder.path()).await;
    assert!(matches!(got, Err(DownloadError::Digest { .. })), "{got:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::serve(some_bytes(), [Answer::Status(StatusCode::NOT_FOUND); 9]).await;
    let (got, _) = files.get(&files.known(), folder.path()).await;
    let message = got.unwrap_err().to_string();
    let place = folder.path().join("file.gz").display().to_string();
    assert!(
        message.contains("404") && message.contains(&files.base) && message.contains(&place),
        "{message}"
    );
    assert_eq!(files.ranges().len(), 4);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_set_is_looked_for_under_its_name_on_a_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::serve(b"not mnist".to_vec(), []).await;
    let sets = Folder::new(folder.path());
    let mirror = quick(Some(&format!("{}mirror", files.base)));
    let got = fetch(&DatasetName::Mnist, &sets, &mirror, &mut |_| {}).await;
    assert!(got.is_err());
    let path = files.asked.lock().unwrap()[0].0.clone();
    assert_eq!(path, format!("/mirror/mnist/{}", known(&DatasetName::Mnist)[0].name));
    let digits = fetch(&DatasetName::Digits, &sets, &mirror, &mut |_| {}).await;
    assert!(matches!(digits, Err(DownloadError::NoFiles(DatasetName::Digits))));
}
