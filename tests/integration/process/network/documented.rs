//! The nginx blocks of docs/operations.md, each with a whole sweep through it.

use super::{nginx::Nginx, tls::Authority, trusting};
use crate::process::{
    programs::{Server, run, worker_within},
    spec,
};
use floodgauge::{client::LogEntry, scheduler::SweepStatus};
use floodgauge_protocol::{Levels, Model, SweepSpec};
use futures::{Stream, StreamExt as _};
use reqwest::{StatusCode, header, redirect};
use serde_json::json;
use std::{path::Path, pin::Pin, time::Duration};
use tempfile::TempDir;
use tokio::time::timeout;

const DOCS: &str = include_str!("../../../../docs/operations.md");
/// The part of the first block that the others stand for.
const AT_THE_ROOT: &str = "location / { proxy_pass http://127.0.0.1:7878; }";
/// What nginx takes unless told otherwise, which a checkpoint must be beyond.
const NGINX_TAKES: u64 = 1 << 20;

/// All the blocks in the language of nginx.
fn blocks() -> [&'static str; 3] {
    let blocks: Vec<_> = DOCS.split("```nginx\n").skip(1).collect();
    let blocks = blocks.into_iter().map(|rest| rest.split("```").next().unwrap().trim());
    blocks.collect::<Vec<_>>().try_into().expect("each block of the docs has a test here")
}

/// The same text with one of its parts exchanged, which it must have.
fn exchanged(text: &str, part: &str, other: &str) -> String {
    assert!(text.contains(part), "the docs have no `{part}`:\n{text}");
    text.replace(part, other)
}

/// The site of the docs on this machine, before `server`, with `locations` in the place of its own.
struct Site {
    nginx: Nginx,
    authority: Authority,
    folder: TempDir,
}

impl Site {
    fn before(server: &Server, locations: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "ours");
        let shown = authority.sign(folder.path(), "localhost");
        let [site, ..] = blocks();
        let site = match locations {
            Some(locations) => exchanged(site, AT_THE_ROOT, locations),
            None => site.to_owned(),
        };
        let folder_of_keys = "/etc/ssl/gauge.example";
        let nginx = Nginx::start(|[with_tls, without]| {
            [
                ("listen 443 ssl", format!("listen 127.0.0.1:{with_tls} ssl")),
                ("listen 80;", format!("listen 127.0.0.1:{without};")),
                ("https://gauge.example", format!("https://localhost:{with_tls}")),
                ("server_name gauge.example;", "server_name localhost;".into()),
                (
                    &format!("{folder_of_keys}/fullchain.pem"),
                    shown.certificate.display().to_string(),
                ),
                (&format!("{folder_of_keys}/key.pem"), shown.key.display().to_string()),
                ("http://127.0.0.1:7878", server.address.clone()),
            ]
            .iter()
            .fold(site.clone(), |site, (part, other)| exchanged(&site, part, other))
        });
        Self { nginx, authority, folder }
    }

    fn origin(&self) -> String {
        format!("https://localhost:{}", self.nginx.ports[0])
    }

    /// What a browser would do, but for following redirects.
    fn browser(&self) -> reqwest::Client {
        let authority = std::fs::read(&self.authority.file).unwrap();
        reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .tls_certs_merge(reqwest::Certificate::from_pem_bundle(&authority).unwrap())
            .build()
            .unwrap()
    }
}

/// Long enough to be followed, its states too large for an nginx that nobody told of them.
fn large() -> SweepSpec {
    let mut spec = spec();
    spec.recipe.model = Model::Mlp { hidden: vec![512, 256], batch_norm: false };
    spec.recipe.epochs = 2;
    spec.search.levels = Levels::List(vec![1.0]);
    spec.search.seeds = vec![0];
    spec
}

type Log = Pin<Box<dyn Stream<Item = LogEntry>>>;

/// Waits until the log tells of an event while its stream stays open, within what is no delay.
async fn heard(log: &mut Log, event: &str) {
    let seen = async {
        while let Some(entry) = log.next().await {
            if entry.event.name() == event {
                return;
            }
        }
        panic!("the stream ended before `{event}`");
    };
    timeout(Duration::from_secs(5), seen)
        .await
        .unwrap_or_else(|_| panic!("`{event}` was held back"));
}

/// The longest file below a folder, in bytes.
fn longest(folder: &Path) -> u64 {
    let lengths = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => longest(&entry.path()),
            false => entry.metadata().unwrap().len(),
        }
    });
    lengths.max().unwrap_or(0)
}

/// Everything that people, workers and the command line do, through the site with these locations.
async fn carries_everything(locations: Option<&str>, flags: &[&str], below: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let token = run(&["token", "create", "all", "--scope", "admin", "--data-dir", data]);
    let token = token.trim();
    let server = Server::start_with(folder.path(), None, flags, &[]);
    let site = Site::before(&server, locations);
    let address = format!("{}{below}", site.origin());
    let ca_file = site.authority.file.to_str().unwrap();

    // The page, its files, signing in: as a browser asks.
    let browser = site.browser();
    let page = browser.get(format!("{address}/")).send().await.unwrap();
    let page = page.error_for_status().unwrap().text().await.unwrap();
    let script = page.split("src=\"./").nth(1).unwrap().split('"').next().unwrap();
    let script = browser.get(format!("{address}/{script}")).send().await.unwrap();
    let declared = script.headers()[header::CONTENT_TYPE].to_str().unwrap();
    assert!(declared.starts_with("text/javascript"), "{declared}");
    if !below.is_empty() {
        let bare = browser.get(&address).send().await.unwrap();
        assert_eq!(bare.status(), StatusCode::PERMANENT_REDIRECT);
        assert_eq!(bare.headers()[header::LOCATION], format!("{below}/"));
    }
    let plain = format!("http://localhost:{}{below}/v1/sweeps", site.nginx.ports[1]);
    let plain = browser.get(plain).send().await.unwrap();
    assert_eq!(plain.headers()[header::LOCATION], format!("{address}/v1/sweeps"));
    let sign_in = browser.post(format!("{address}/v1/session")).header("origin", site.origin());
    let signed_in = sign_in.json(&json!({ "token": token })).send().await.unwrap();
    let cookie = signed_in.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");

    // A data set beyond what nginx takes, by the command line.
    let rows: String = (0..120_000).map(|i| format!("{}.5,{},{}\n", i, i % 7, i % 2)).collect();
    assert!(rows.len() as u64 > NGINX_TAKES);
    let table = site.folder.path().join("numbers.csv");
    std::fs::write(&table, rows).unwrap();
    let access = ["--server", &address, "--ca-file", ca_file, "--token", token];
    let added = run(&[&["dataset", "add", table.to_str().unwrap()], &access[..]].concat());
    assert!(added.contains("2 features, 2 classes"), "{added}");

    // A sweep: nothing of its log is held back.
    let client = trusting(&address, &site.authority.file).with_token(token);
    let sweep = client.submit(&large(), None).await.unwrap().value.summary.id;
    let entries = client.events_as(sweep, 0);
    let mut log: Log = Box::pin(entries.map(|entry| entry.unwrap().value));
    heard(&mut log, "submitted").await;
    client.pause(sweep).await.unwrap();
    heard(&mut log, "pause_requested").await;
    client.resume(sweep).await.unwrap();
    heard(&mut log, "resumed").await;
    let variables = [("FLOODGAUGE_TOKEN", token), ("FLOODGAUGE_CA_FILE", ca_file)];
    let _worker = worker_within(&address, "behind", &["--save-every", "0"], &variables);
    let rest: Vec<LogEntry> = log.collect().await;
    assert_eq!(rest.last().unwrap().ending(), Some(SweepStatus::Completed));
    let went_wrong = |entry: &&LogEntry| ["failed", "lost"].contains(&entry.event.name());
    assert_eq!(rest.iter().filter(went_wrong).count(), 0);
    assert!(longest(&folder.path().join("blobs")) > NGINX_TAKES, "its checkpoints are too small");
    assert!(run(&[&["list"], &access[..]].concat()).contains(&sweep.to_string()));
}

#[tokio::test]
async fn the_site_of_the_docs_carries_sweeps_pages_and_data_sets() {
    carries_everything(None, &[], "").await;
}

#[tokio::test]
async fn the_locations_of_the_docs_that_take_a_prefix_off_carry_the_same() {
    let [_, taken_off, _] = blocks();
    carries_everything(Some(taken_off), &[], "/floodgauge").await;
}

#[tokio::test]
async fn the_locations_of_the_docs_that_hand_a_prefix_on_carry_the_same() {
    let [.., handed_on] = blocks();
    let flags = ["--base-path", "/floodgauge"];
    carries_everything(Some(handed_on), &flags, "/floodgauge").await;
}
