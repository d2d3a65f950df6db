//! The work loop against a server that plays the contract over real HTTP.
#![allow(clippy::unwrap_used)]

mod data_sets;
mod ends;
mod server;
mod slow_links;
mod troubles;
mod wire;

use axum::http::StatusCode;
use bytes::Bytes;
use floodgauge_protocol::{
    ArmIx, Branch, Digest, Family, FamilyIx, LeaseId, Method, Metric, MetricValues, Recipe,
    Segment, SegmentId, SegmentKind, SweepId,
    segment::Start,
    work::{Assignment, BranchEnd, FinishedBranch, Lease, ReportRow, Stop},
};
use floodgauge_worker::{
    client::{Client, ClientError, Retry},
    cohort::{self, Ended, Job, Progress},
    data,
    device::Machine,
    runner::{Authorities, Cache, Ending, Inputs, SAVE_EVERY, Trainer, Worker, WorkerConfig},
};
use server::{Fault, Server};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    error::Error,
    sync::{Arc, LazyLock, Mutex, mpsc},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

const QUICK: Retry = Retry {
    first_delay: Duration::from_millis(1),
    max_delay: Duration::from_millis(10),
    tries: None,
};

/// A segment of `epochs` epochs from scratch: plain and three levels on two Gaussians.
fn assignment(epochs: u32) -> Assignment {
    let recipe: Recipe = serde_json::from_value(serde_json::json!({
        "dataset": { "name": "two_gaussians", "n_train": 100, "n_val": 100 },
        "model": { "kind": "mlp", "hidden": [4] },
        "epochs": epochs,
    }))
    .unwrap();
    let arms =
        [0.0, 0.1, 0.2, 0.3].map(|b| if b == 0.0 { Method::Plain } else { Method::Flood { b } });
    Assignment {
        sweep: SweepId(Uuid::from_u128(1)),
        lease: Lease { lease: LeaseId(Uuid::nil()), token: String::new(), attempt: 0, ttl_s: 0 },
        family: Family { family: FamilyIx(0), seed: 0, weight_decay: 0.0 },
        segment: Segment {
            segment: SegmentId(0),
            family: FamilyIx(0),
            kind: SegmentKind::Train,
            from_step: 0,
            to_step: recipe.steps_per_epoch() * u64::from(epochs),
            metric: Default::default(),
            direction: Default::default(),
            branches: (0..4).map(|arm| Branch::new(vec![ArmIx(arm)], Start::Init)).collect(),
        },
        arms: arms.to_vec(),
        recipe,
        traceparent: None,
    }
}

/// A worker at work; dropped, it shuts down.
struct AtWork {
    shutdown: CancellationToken,
    run: JoinHandle<Result<(), ClientError>>,
    _stop: DropGuard,
}

impl AtWork {
    fn start(worker: Worker) -> Self {
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let run = tokio::spawn(async move { worker.run(token).await });
        Self { run, _stop: shutdown.clone().drop_guard(), shutdown }
    }

    /// One that trains for real.
    fn real(server: &Server) -> Self {
        Self::start(real(server, no_cache()))
    }

    /// One that trains by `script`.
    fn scripted(server: &Server, script: Script) -> Self {
        let client = Client::new(&server.address, QUICK).unwrap();
        let trainer = Arc::new(Scripted(script));
        Self::start(Worker::with_trainer(client, "scripted".into(), no_cache(), trainer))
    }

    /// Shuts down and waits for the end.
    async fn end(self) -> Result<(), ClientError> {
        self.shutdown.cancel();
        self.run.await.unwrap()
    }
}

/// For who fetches no data: an empty folder of this process.
fn no_cache() -> Cache {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    Cache { folder: FOLDER.path().into(), max_bytes: 0 }
}

fn real(server: &Server, cache: Cache) -> Worker {
    Worker::new(WorkerConfig {
        server: server.address.clone(),
        token: None,
        name: "real".into(),
        cache,
        machine: Machine::default(),
        retry: QUICK,
        authorities: Authorities::default(),
        save_every: SAVE_EVERY,
    })
    .unwrap()
}

type Trained = Result<Vec<Ended>, Box<dyn Error + Send + Sync>>;
type Script = Box<dyn Fn(&mut dyn Progress) -> Trained + Send + Sync>;

/// Does what a test says in place of training, so that the test sets the pace.
struct Scripted(Script);

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Trainer for Scripted {
    fn fingerprint(&self) -> String {
        "scripted".into()
    }

    fn train(&self, _: &Assignment, _: Inputs, progress: &mut dyn Progress) -> Trained {
        (self.0)(progress)
    }
}

fn row(epoch: u32) -> ReportRow {
    ReportRow {
        arms: vec![ArmIx(0)],
        epoch,
        step: 2 * u64::from(epoch),
        train_loss: Metric::Finite(0.5),
        metrics: MetricValues::validation(Metric::Finite(0.5), Metric::Finite(0.1)),
        onset_step: None,
        diagnostics: None,
    }
}

fn ended(bytes: &'static [u8]) -> Ended {
    Ended {
        branch: FinishedBranch {
            arms: vec![ArmIx(0)],
            end: BranchEnd::Reached,
            step: 4,
            onset_step: None,
            checkpoint: Some(Digest(Sha256::digest(bytes).into())),
            test: None,
            minima: vec![],
            best: None,
            waypoints: vec![],
        },
        blobs: [(Digest(Sha256::digest(bytes).into()), Bytes::from_static(bytes))].into(),
    }
}

/// A step that a script takes only once the test has opened it.
fn gate() -> (mpsc::Sender<()>, impl Fn() + Send + Sync) {
    let (open, opened) = mpsc::channel();
    let opened = Mutex::new(opened);
    (open, move || opened.lock().unwrap().recv().unwrap())
}

struct Silent(Vec<ReportRow>);

impl Progress for Silent {
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop> {
        self.0.extend(rows);
        Vec::new()
    }
}

/// What training without any server gives.
fn alone(assignment: &Assignment) -> (Vec<ReportRow>, Vec<FinishedBranch>) {
    let data = data::load(&assignment.recipe.dataset, assignment.family.seed, None).unwrap();
    let mut progress = Silent(Vec::new());
    let (machine, job) = (Machine::default(), Job::from(assignment));
    let ended = cohort::train(&machine, job, &data, &HashMap::new(), &mut progress).unwrap();
    (progress.0, ended.into_iter().map(|ended| ended.branch).collect())
}

#[tokio::test]
async fn a_segment_is_reported_uploaded_and_finished_as_it_was_trained() {
    let work = assignment(5);
    let (rows, branches) = alone(&work);
    let server = Server::start(vec![work]).await;
    let worker = AtWork::real(&server);
    server.until(|log| log.finished.len() == 1).await;
    server.see(|log| {
        assert_eq!(log.rows(), rows);
        assert_eq!(log.finished[0].branches, branches);
        let named: HashSet<_> = branches.iter().flat_map(FinishedBranch::checkpoints).collect();
        assert_eq!(log.blobs.keys().copied().collect::<HashSet<_>>(), named);
        assert_eq!(log.claims[0].worker, "real");
    });
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_segment_that_goes_on_fetches_its_checkpoints_and_ends_with_the_same_bits() {
    let whole = assignment(6);
    let (rows, branches) = alone(&whole);
    let mut first = whole.clone();
    first.segment.to_step /= 2;
    let server = Server::start(vec![first]).await;
    let worker = AtWork::real(&server);
    server.until(|log| log.finished.len() == 1).await;
    let mut second = whole;
    second.segment.from_step = second.segment.to_step / 2;
    for (branch, ended) in
        second.segment.branches.iter_mut().zip(server.see(|log| log.finished[0].branches.clone()))
    {
        branch.start = Start::Checkpoint { digest: ended.checkpoint.unwrap() };
        branch.onset_step = ended.onset_step;
    }
    server.set(|log| log.queue.push_back(second));
    server.until(|log| log.finished.len() == 2).await;
    assert_eq!(server.see(|log| log.rows()), rows);
    // The log of minima and the best epoch are those of the segment.
    let unlogged = |branches: Vec<FinishedBranch>| {
        let bare = |branch| FinishedBranch { minima: vec![], best: None, ..branch };
        branches.into_iter().map(bare).collect::<Vec<_>>()
    };
    let handed_in = server.see(|log| log.finished[1].branches.clone());
    assert_eq!(unlogged(handed_in), unlogged(branches));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn rows_arrive_while_training_goes_on() {
    let server = Server::start(vec![assignment(3)]).await;
    // So long a lease that no renewal takes the rows along.
    server.set(|log| log.ttl_s = 3_600);
    let (open, pass) = gate();
    let script = move |progress: &mut dyn Progress| {
        for epoch in 1..=3 {
            progress.epoch(vec![row(epoch)]);
            pass();
        }
        Ok(vec![ended(b"weights")])
    };
    let worker = AtWork::scripted(&server, Box::new(script));
    for epoch in 1..=3 {
        server.until(|log| log.rows() == (1..=epoch).map(row).collect::<Vec<_>>()).await;
        assert!(server.see(|log| log.finished.is_empty()));
        open.send(()).unwrap();
    }
    server.until(|log| log.finished.len() == 1).await;
    worker.end().await.unwrap();
}

#[tokio::test]
async fn training_runs_ahead_of_a_slow_server_but_not_without_bound() {
    let server = Server::start(vec![assignment(1_000)]).await;
    server.set(|log| log.hold_reports = true);
    let (done, mut epochs) = watch::channel(0);
    let script = move |progress: &mut dyn Progress| {
        for epoch in 1..=1_000 {
            progress.epoch(vec![row(epoch)]);
            done.send_replace(epoch as usize);
        }
        Ok(vec![ended(b"weights")])
    };
    let worker = AtWork::scripted(&server, Box::new(script));
    let ahead = *epochs.wait_for(|&done| done >= 64).await.unwrap();
    server.set(|log| log.hold_reports = false);
    server.until(|log| log.finished.len() == 1).await;
    server.see(|log| {
        assert!(ahead <= log.reports[0].len() + 65, "{ahead} epochs ahead");
        assert_eq!(log.rows(), (1..=1_000).map(row).collect::<Vec<_>>());
    });
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_slow_epoch_does_not_lose_the_lease() {
    let server = Server::start(vec![assignment(1)]).await;
    server.set(|log| log.ttl_s = 1);
    let (open, pass) = gate();
    let script = move |progress: &mut dyn Progress| {
        pass();
        progress.epoch(vec![row(1)]);
        Ok(vec![ended(b"weights")])
    };
    let worker = AtWork::scripted(&server, Box::new(script));
    server.until(|log| log.reports.len() == 4 && log.rows().is_empty()).await;
    open.send(()).unwrap();
    server.until(|log| log.finished.len() == 1).await;
    assert_eq!(server.see(|log| log.rows()), [row(1)]);
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_slow_transfer_does_not_lose_the_lease() {
    let server = Server::start(vec![assignment(1)]).await;
    server.set(|log| (log.ttl_s, log.blobs_wait_for) = (1, 4));
    let worker = AtWork::scripted(&server, Box::new(|_| Ok(vec![ended(b"weights")])));
    server.until(|log| log.finished.len() == 1).await;
    assert!(server.see(|log| log.reports.len()) >= 4);
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_lost_lease_ends_the_segment_and_the_worker_claims_anew() {
    // So long that the test would run into its limit if training went on.
    let server = Server::start(vec![assignment(10_000_000)]).await;
    let worker = AtWork::real(&server);
    server.until(|log| !log.reports.is_empty()).await;
    server.set(|log| {
        log.live.clear();
        log.queue.push_back(assignment(2));
    });
    server.until(|log| log.finished.len() == 1).await;
    server.see(|log| {
        assert!(log.finished[0].branches.iter().all(|branch| branch.step == 4));
        assert!(log.failed.is_empty());
    });
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_conflict_that_is_no_lost_lease_fails_the_segment() {
    let server = Server::start(vec![assignment(1)]).await;
    server.fault("finish", [Fault::Before(StatusCode::CONFLICT)]);
    let worker = AtWork::scripted(&server, Box::new(|_| Ok(vec![ended(b"weights")])));
    server.until(|log| log.failed.len() == 1).await;
    server.see(|log| assert!(log.failed[0].contains("on order"), "{:?}", log.failed));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_stopped_arm_ends_at_an_epoch_and_the_others_train_on() {
    // Rows wait in a channel of 64 epochs, so the stop is known long before the end.
    let work = assignment(300);
    let (rows, branches) = alone(&work);
    let server = Server::start(vec![work]).await;
    server.set(|log| log.stops = vec![Stop { arms: vec![ArmIx(1)], at_epoch: 1 }]);
    let worker = AtWork::real(&server);
    server.until(|log| log.finished.len() == 1).await;
    let ended = server.see(|log| log.finished[0].branches.clone());
    let last = ended[1].step;
    assert_eq!(ended[1].end, BranchEnd::Stopped);
    assert!(last < 600 && last.is_multiple_of(2), "stopped at step {last}");
    for arm in [0, 2, 3] {
        assert_eq!(ended[arm], branches[arm]);
    }
    let kept = |row: &ReportRow| row.arms != [ArmIx(1)] || row.step <= last;
    assert_eq!(server.see(|log| log.rows()), rows.into_iter().filter(kept).collect::<Vec<_>>());
    worker.end().await.unwrap();
}

#[tokio::test]
async fn passing_faults_lose_nothing_and_double_nothing() {
    let work = assignment(3);
    let (rows, branches) = alone(&work);
    let server = Server::start(vec![work]).await;
    let before = |status| [Fault::Before(status), Fault::Before(StatusCode::BAD_GATEWAY)];
    server.fault("claim", before(StatusCode::INTERNAL_SERVER_ERROR));
    server.fault("reports", before(StatusCode::SERVICE_UNAVAILABLE));
    server.fault("blobs", before(StatusCode::TOO_MANY_REQUESTS));
    server.fault("blobs", [Fault::After(StatusCode::GATEWAY_TIMEOUT)]);
    server.fault("finish", before(StatusCode::INTERNAL_SERVER_ERROR));
    let worker = AtWork::real(&server);
    server.until(|log| log.finished.len() == 1).await;
    server.see(|log| {
        assert_eq!(log.rows(), rows);
        assert_eq!(log.finished[0].branches, branches);
        assert!(log.faults.values().all(|left| left.is_empty()));
    });
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_report_whose_answer_is_lost_is_sent_again_as_it_was() {
    let server = Server::start(vec![assignment(1)]).await;
    server.fault("reports", [Fault::After(StatusCode::INTERNAL_SERVER_ERROR)]);
    let script = |progress: &mut dyn Progress| {
        progress.epoch(vec![row(1)]);
        Ok(vec![ended(b"weights")])
    };
    let worker = AtWork::scripted(&server, Box::new(script));
    server.until(|log| log.finished.len() == 1).await;
    assert_eq!(server.see(|log| log.reports.clone()), [vec![row(1)], vec![row(1)]]);
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_finish_whose_answer_is_lost_is_not_reported_as_a_failure() {
    let server = Server::start(vec![assignment(1), assignment(1)]).await;
    server.fault("finish", [Fault::After(StatusCode::INTERNAL_SERVER_ERROR)]);
    let worker = AtWork::real(&server);
    server.until(|log| log.finished.len() == 2).await;
    assert!(server.see(|log| log.failed.is_empty()));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_panic_fails_the_segment_with_its_words_after_the_rows_were_sent() {
    let server = Server::start(vec![assignment(1)]).await;
    let script = |progress: &mut dyn Progress| -> Trained {
        progress.epoch(vec![row(1)]);
        panic!("weights on {}", "fire")
    };
    let worker = AtWork::scripted(&server, Box::new(script));
    server.until(|log| log.failed == ["training panicked: weights on fire"]).await;
    assert_eq!(server.see(|log| log.rows()), [row(1)]);
    server.until(|log| log.claims.len() == 2).await;
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_blob_with_other_bytes_is_the_machines_trouble() {
    let digest = Digest([7; 32]);
    let mut work = assignment(1);
    work.segment.branches[0].start = Start::Checkpoint { digest };
    let server = Server::start(vec![work]).await;
    server.set(|log| drop(log.blobs.insert(digest, Bytes::from_static(b"other"))));
    let worker = AtWork::real(&server);
    server.until(|log| log.handed_back.len() == 1).await;
    assert!(server.see(|log| log.handed_back[0].message.contains(&digest.to_string())));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_refused_report_fails_the_segment_with_the_servers_words() {
    let server = Server::start(vec![assignment(1)]).await;
    server.fault("reports", [Fault::Before(StatusCode::UNPROCESSABLE_ENTITY)]);
    let worker = AtWork::real(&server);
    server.until(|log| log.failed.len() == 1).await;
    let failed = server.see(|log| log.failed[0].clone());
    assert_eq!(failed, "the server answered 422: refused: on order");
    worker.end().await.unwrap();
}

#[tokio::test]
async fn shutting_down_ends_training_and_says_nothing() {
    let server = Server::start(vec![assignment(10_000_000)]).await;
    let worker = AtWork::real(&server);
    server.until(|log| !log.reports.is_empty()).await;
    worker.end().await.unwrap();
    server.see(|log| {
        assert_eq!((log.finished.len(), log.failed.len(), log.live.len()), (0, 0, 1));
    });
}

#[tokio::test]
async fn a_refused_claim_ends_the_loop() {
    let server = Server::start(vec![]).await;
    server.fault("claim", [Fault::Before(StatusCode::UNAUTHORIZED)]);
    let worker = AtWork::real(&server);
    let ended = worker.run.await.unwrap();
    assert!(matches!(ended, Err(ClientError::Refused { status: 401, .. })));
}

#[tokio::test]
async fn tries_end_where_the_policy_says() {
    // Nobody listens on a port that was just given back.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(&address, Retry { tries: Some(2), ..QUICK }).unwrap();
    let lease = Lease { lease: LeaseId(Uuid::nil()), token: "x".into(), attempt: 1, ttl_s: 1 };
    let refused = client.report(&lease, &Default::default()).await;
    assert!(matches!(refused, Err(ClientError::Unreachable(_))), "{refused:?}");
}
