//! What is as large as the bounds allow: sweeps, reports, and bodies that are refused.

use super::process::Server;
use floodgauge_protocol::work::{Assignment, LEASE_TOKEN_HEADER};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Bodies that are refused, of each kind; ticks of processor time are too coarse for one.
const REFUSED: u32 = 20;

/// What large things cost.
pub struct Figures {
    /// The time of a submission of 19,100 trials.
    pub submitted: Duration,
    /// The time of a report of 64 epochs of 191 arms.
    pub short: Duration,
    /// The time of one of 500 epochs.
    pub long: Duration,
    /// The server's processor time of a refused body, by mebibyte, of the dearest kind.
    pub refused: Duration,
}

pub async fn measure(server: &Server) -> Figures {
    let mut refused = Duration::ZERO;
    for body in bodies() {
        refused = refused.max(refuse(server, body).await);
    }
    let (submitted, sweep) = submit(server, 100, 100).await;
    cancel(server, &sweep).await;
    let (short, long) = (report(server, 64).await, report(server, 500).await);
    Figures { submitted, short, long, refused }
}

/// Bodies of about a mebibyte, each wrong in one way.
fn bodies() -> Vec<String> {
    let lists = [
        ("seeds", (0..140_000).map(|i| i.to_string()).collect::<Vec<_>>().join(",")),
        ("seeds", vec!["7"; 500_000].join(",")),
        ("weight_decay", vec!["0.1"; 250_000].join(",")),
        ("levels", vec!["0.1"; 250_000].join(",")),
        ("methods", vec!["\"flood\""; 120_000].join(",")),
        ("methods", vec![r#"{"kind":"gradient_penalty","lambda":[1]}"#; 25_000].join(",")),
    ];
    let body = |(field, list): (&str, String)| {
        format!(
            r#"{{"name":"x","recipe":{{"dataset":{{"name":"digits"}}}},"search":{{"{field}":[{list}]}}}}"#
        )
    };
    lists.into_iter().map(body).collect()
}

async fn refuse(server: &Server, body: String) -> Duration {
    let mebibytes = body.len() as f64 / f64::from(1 << 20);
    let before = server.cpu();
    for _ in 0..REFUSED {
        let request = server.http.post(format!("{}/v1/plans", server.address));
        let request = request.header("content-type", "application/json").body(body.clone());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    (server.cpu() - before).div_f64(f64::from(REFUSED) * mebibytes)
}

/// Submits a sweep of 191 arms that is given out first; answers how long that took, and its id.
async fn submit(server: &Server, seeds: u32, epochs: u32) -> (Duration, String) {
    let spec = json!({
        "name": "large",
        "recipe": { "dataset": { "name": "digits" }, "epochs": epochs },
        "search": { "levels": { "from": 0.001, "to": 0.19, "step": 0.001 },
                    "seeds": (0..seeds).collect::<Vec<_>>() },
        "scheduler": { "kind": "grid", "priority": 100 }
    });
    let began = Instant::now();
    let request = server.http.post(format!("{}/v1/sweeps", server.address)).json(&spec);
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    let made: Value = answer.json().await.unwrap();
    (began.elapsed(), made["id"].as_str().unwrap().to_owned())
}

async fn cancel(server: &Server, sweep: &str) {
    let request = server.http.post(format!("{}/v1/sweeps/{sweep}/cancel", server.address));
    request.send().await.unwrap().error_for_status().unwrap();
}

/// Reports so many epochs of all arms of a sweep at once.
async fn report(server: &Server, epochs: u32) -> Duration {
    // A segment is a tenth of a run.
    let (_, sweep) = submit(server, 1, 10 * epochs).await;
    let claim = json!({ "worker": "large", "fingerprint": "bench", "wait_s": 5 });
    let request = server.http.post(format!("{}/v1/work/claim", server.address)).json(&claim);
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    let work: Assignment = answer.json().await.unwrap();
    let (steps, arms) = (work.recipe.steps_per_epoch(), &work.segment.branches[0].arms);
    let row = |epoch: u32| {
        let loss = 2.0 / f64::from(epoch);
        json!({ "arms": arms, "epoch": epoch, "step": u64::from(epoch) * steps, "train_loss": loss,
                "metrics": { "val_loss": loss, "val_error": 0.25 } })
    };
    let body = json!({ "rows": (1..=epochs).map(row).collect::<Vec<_>>() });
    let url = format!("{}/v1/work/{}/reports", server.address, work.lease.lease);
    let began = Instant::now();
    let request = server.http.post(url).header(LEASE_TOKEN_HEADER, &work.lease.token).json(&body);
    request.send().await.unwrap().error_for_status().unwrap();
    let took = began.elapsed();
    cancel(server, &sweep).await;
    took
}
