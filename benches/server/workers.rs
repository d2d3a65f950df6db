//! Scripted workers: they claim and report, and train nothing.

use super::{ROWS, latency::Latencies, process::Server, together};
use floodgauge_protocol::work::{Assignment, LEASE_TOKEN_HEADER};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

/// More epochs than any run reports.
const EPOCHS: u32 = 10_000;

/// A sweep of 21 arms, which one segment trains to the end.
pub fn spec(name: &str) -> Value {
    json!({
        "name": name,
        "recipe": { "dataset": { "name": "digits" }, "epochs": EPOCHS },
        "search": { "levels": { "from": 0.01, "to": 0.2, "step": 0.01 } },
        "scheduler": { "kind": "grid" }
    })
}

/// Submits sweeps; answers their ids.
pub async fn submit(server: &Server, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let request = server.http.post(format!("{}/v1/sweeps", server.address));
        let answer = request.json(&spec(&format!("sweep {number}"))).send().await.unwrap();
        let made: Value = answer.error_for_status().unwrap().json().await.unwrap();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Claims so many segments, which must be there.
pub async fn claim(server: &Server, count: usize) -> Vec<Assignment> {
    let mut work = Vec::new();
    for _ in 0..count {
        let request = server.http.post(format!("{}/v1/work/claim", server.address));
        let claim = json!({ "worker": "scripted", "fingerprint": "bench", "wait_s": 5 });
        let answer = request.json(&claim).send().await.unwrap().error_for_status().unwrap();
        work.push(answer.json::<Assignment>().await.unwrap());
    }
    work
}

/// Reports on all of them for some time, `rows` a second in all or as many as get through. A post counts from when it was due, so that one that waits for another is not the quicker
/// for it.
pub async fn report(server: &Server, work: &[Assignment], rows: u64, time: Duration) -> Latencies {
    let every = match rows {
        0 => Duration::ZERO,
        rows => Duration::from_secs_f64((ROWS * work.len()) as f64 / rows as f64),
    };
    let (began, count) = (Instant::now(), work.len() as u32);
    let workers = work.iter().enumerate().map(|(number, work)| {
        // Not all at the same moment.
        let start = began + every * number as u32 / count;
        run(server, work, start, every, began + time)
    });
    together(join_all(workers).await)
}

async fn run(
    server: &Server,
    work: &Assignment,
    start: Instant,
    every: Duration,
    until: Instant,
) -> Latencies {
    let url = format!("{}/v1/work/{}/reports", server.address, work.lease.lease);
    let steps = work.recipe.steps_per_epoch();
    let mut latencies = Latencies::default();
    for epoch in 1.. {
        let due = if every.is_zero() { Instant::now() } else { start + every * (epoch - 1) };
        if due >= until {
            break;
        }
        sleep_until(due.into()).await;
        let request = server.http.post(&url).header(LEASE_TOKEN_HEADER, &work.lease.token);
        let body = json!({ "rows": rows(epoch, steps) });
        request.json(&body).send().await.unwrap().error_for_status().unwrap();
        latencies.add(due.elapsed());
    }
    latencies
}

/// The rows of an epoch: every level is crossed in the first.
fn rows(epoch: u32, steps: u64) -> Vec<Value> {
    let row = |arm: usize| {
        let loss = std::f64::consts::LN_10 / f64::from(epoch) + 0.001 * arm as f64;
        json!({ "arms": [arm], "epoch": epoch, "step": u64::from(epoch) * steps,
                "train_loss": loss, "metrics": { "val_loss": loss * 1.1, "val_error": 0.25 },
                "onset_step": (arm > 0).then_some(3),
                "diagnostics": { "grad_norm": loss, "ascending": 0.45, "flooded_steps": epoch } })
    };
    (0..ROWS).map(row).collect()
}

/// The newest place in each sweep's log.
pub async fn heads(server: &Server, sweeps: &[String]) -> Vec<u64> {
    let head = async |id: &String| -> u64 {
        let sweep: Value =
            serde_json::from_str(&server.get(&format!("/v1/sweeps/{id}")).await).unwrap();
        sweep["seq"].as_u64().unwrap()
    };
    join_all(sweeps.iter().map(head)).await
}

/// Makes a list long, and asks for its pages.
pub async fn page(server: &Server, listed: usize) -> Latencies {
    const AT_ONCE: usize = 16;
    let make = async |number: usize| {
        let mut spec = spec(&format!("listed {number}"));
        spec["scheduler"]["priority"] = json!(-100);
        let request = server.http.post(format!("{}/v1/sweeps", server.address));
        request.json(&spec).send().await.unwrap().error_for_status().unwrap();
    };
    for batch in (0..listed).collect::<Vec<_>>().chunks(AT_ONCE) {
        join_all(batch.iter().map(|number| make(*number))).await;
    }
    let (mut latencies, mut cursor) = (Latencies::default(), None::<String>);
    loop {
        let after = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let asked = Instant::now();
        let page = server.get(&format!("/v1/sweeps?limit=50{after}")).await;
        latencies.add(asked.elapsed());
        let page: Value = serde_json::from_str(&page).unwrap();
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return latencies;
        }
    }
}
