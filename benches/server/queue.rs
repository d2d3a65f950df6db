//! Claims: what those that wait cost everybody else, and what one takes where much waits.

use super::{
    latency::Latencies,
    process::Server,
    workers::{self, spec},
};
use floodgauge_protocol::work::Assignment;
use futures::future::join_all;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Sweeps that are reported on while others wait.
const SWEEPS: usize = 4;
/// For so long.
const TIME: Duration = Duration::from_secs(5);
/// Segments of each of the sweeps that wait.
const SEEDS: usize = 50;
/// Claims that are timed.
const CLAIMS: usize = 200;

/// The processor time that the server takes for a report, alone and with so many claims waiting.
pub async fn cost_of_waiting(server: &Server, idle: usize) -> [Duration; 2] {
    workers::submit(server, 2 * SWEEPS).await;
    let (first, second) =
        (workers::claim(server, SWEEPS).await, workers::claim(server, SWEEPS).await);
    let alone = cost(server, &first).await;
    // Dropped, they go away.
    let mut waiting = JoinSet::new();
    for number in 0..idle {
        let request = server.http.post(format!("{}/v1/work/claim", server.address));
        // Nothing is for their kind of machine but what is begun by nobody, and that there is none of.
        let claim =
            json!({ "worker": format!("idle {number}"), "fingerprint": "idle", "wait_s": 30 });
        waiting.spawn(request.json(&claim).send());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    [alone, cost(server, &second).await]
}

/// The processor time of a report, over many.
async fn cost(server: &Server, work: &[Assignment]) -> Duration {
    let before = server.cpu();
    let load = workers::report(server, work, 1_000, TIME).await;
    (server.cpu() - before) / load.count().max(1) as u32
}

/// How long claims take where at least so many segments wait.
pub async fn claims(server: &Server, queued: usize) -> Latencies {
    let make = async |number: usize| {
        let mut spec = spec(&format!("queued {number}"));
        spec["search"] = json!({ "levels": [0.1], "seeds": (0..SEEDS).collect::<Vec<_>>() });
        let request = server.http.post(format!("{}/v1/sweeps", server.address));
        request.json(&spec).send().await.unwrap().error_for_status().unwrap();
    };
    for batch in (0..queued.div_ceil(SEEDS)).collect::<Vec<_>>().chunks(8) {
        join_all(batch.iter().map(|number| make(*number))).await;
    }
    let mut latencies = Latencies::default();
    for _ in 0..CLAIMS {
        let asked = Instant::now();
        workers::claim(server, 1).await;
        latencies.add(asked.elapsed());
    }
    latencies
}
