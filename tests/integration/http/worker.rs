//! A worker played over HTTP: it reports what a curve might look like.

use super::server::Server;
use bytes::Bytes;
use floodgauge_protocol::{
    ArmIx, Branch, Digest, SegmentKind,
    segment::last_epoch,
    work::{Assignment, LEASE_TOKEN_HEADER},
};
use floodgauge_worker::{
    checkpoint::{Array, State, Tally},
    cohort::layout_of,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;

/// What a worker named `name` is given; none when there is no work.
pub async fn claim(server: &Server, name: &str, wait_s: u32) -> Option<Assignment> {
    let body = json!({ "worker": name, "fingerprint": "test", "wait_s": wait_s });
    let response = server.post("/v1/work/claim", &body).await;
    match response.status() {
        StatusCode::OK => Some(response.json().await.unwrap()),
        StatusCode::NO_CONTENT => None,
        status => panic!("{status}: {}", response.text().await.unwrap()),
    }
}

/// A request under the lease of an assignment.
pub fn under(server: &Server, work: &Assignment, method: Method, what: &str) -> RequestBuilder {
    server
        .request(method, &format!("/v1/work/{}/{what}", work.lease.lease))
        .header(LEASE_TOKEN_HEADER, &work.lease.token)
}

pub async fn post(server: &Server, work: &Assignment, what: &str, body: &Value) -> Response {
    under(server, work, Method::POST, what).json(body).send().await.unwrap()
}

/// A run: its arms, its onset, and the step at which it ends.
type Run = (Vec<ArmIx>, Option<u64>, u64);

/// The runs that a segment's branches are by the end of `epoch`: step 3 is the first below every level.
fn runs(work: &Assignment, epoch: u64) -> Vec<Run> {
    let steps = work.recipe.steps_per_epoch();
    let crossed = |arm: &ArmIx| *arm != ArmIx::PLAIN && epoch * steps > 3;
    let fork = |branch: &Branch| {
        let (alone, sharing): (Vec<_>, Vec<_>) = branch.arms.iter().copied().partition(crossed);
        let last =
            last_epoch(branch.exposure, Some(3), steps).map_or(u64::MAX, |last| last * steps);
        let (end, exposed) = (work.segment.to_step, last.min(work.segment.to_step));
        let sharing = (!sharing.is_empty()).then_some((sharing, None, end));
        sharing.into_iter().chain(alone.into_iter().map(move |arm| (vec![arm], Some(3), exposed)))
    };
    work.segment.branches.iter().flat_map(fork).collect()
}

/// The rows of an epoch, one a run.
pub fn rows(work: &Assignment, epoch: u32) -> Vec<Value> {
    let steps = work.recipe.steps_per_epoch();
    let row = |(arms, onset_step, _): Run| {
        // The higher the level, the lower the loss: the last arm is the best.
        let loss = 2.0 / f64::from(epoch) - 0.01 * f64::from(arms[0].0);
        json!({ "arms": arms, "epoch": epoch, "step": u64::from(epoch) * steps,
                "train_loss": loss, "metrics": { "val_loss": loss, "val_error": loss / 4.0 },
                "onset_step": onset_step })
    };
    let runs = runs(work, epoch.into()).into_iter();
    runs.filter(|(_, _, end)| u64::from(epoch) * steps <= *end).map(row).collect()
}

/// The epochs of a segment.
pub fn epochs(work: &Assignment) -> std::ops::RangeInclusive<u32> {
    let steps = work.recipe.steps_per_epoch();
    (work.segment.from_step / steps) as u32 + 1..=(work.segment.to_step / steps) as u32
}

/// Uploads bytes under a lease; answers the status.
pub async fn upload(server: &Server, work: &Assignment, bytes: &Bytes) -> StatusCode {
    let what = format!("blobs/{}", digest(bytes));
    let request = under(server, work, Method::PUT, &what).body(bytes.clone());
    request.send().await.unwrap().status()
}

pub fn digest(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

/// Trains an assignment to its end, all at once.
pub async fn train(server: &Server, work: &Assignment) {
    if work.segment.kind == SegmentKind::Train {
        let rows: Vec<_> = epochs(work).flat_map(|epoch| rows(work, epoch)).collect();
        let answer = post(server, work, "reports", &json!({ "rows": rows })).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }
    let answer =
        post(server, work, "finish", &json!({ "branches": ends(server, work).await })).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
}

/// The ends of an assignment's runs, their checkpoints uploaded.
pub async fn ends(server: &Server, work: &Assignment) -> Vec<Value> {
    let mut ends = Vec::new();
    let last = work.segment.to_step / work.recipe.steps_per_epoch();
    for (arms, onset_step, step) in runs(work, last) {
        let mut end = json!({ "arms": arms, "end": "reached", "step": step,
                "onset_step": onset_step });
        match work.segment.kind {
            SegmentKind::Test => end["test"] = json!({ "loss": 0.5, "error": 0.1 }),
            SegmentKind::Train => {
                let state = checkpoint(work, step, arms[0]);
                let status = upload(server, work, &state).await;
                assert!(status.is_success(), "{status}");
                end["checkpoint"] = json!(digest(&state));
            }
        }
        ends.push(end);
    }
    ends
}

/// A checkpoint after so many steps of the branch that this arm comes first in: all that the recipe
/// has, and a weight that tells the arm.
pub fn checkpoint(work: &Assignment, step: u64, arm: ArmIx) -> Bytes {
    let array = |(name, shape): (String, Vec<usize>)| {
        let mut values = vec![0.0; shape.iter().product()];
        values[0] = f32::from(arm.0);
        (name, Array { shape, values })
    };
    let arrays = layout_of(&work.recipe).unwrap().into_iter().map(array).collect();
    State { arrays, step, tally: Tally::default() }.to_bytes().unwrap().0
}

/// Trains whatever there is to train.
pub async fn train_all(server: &Server) {
    while let Some(work) = claim(server, "worker", 0).await {
        train(server, &work).await;
    }
}
