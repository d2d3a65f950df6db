//! Who follows sweeps: reads event streams and checks that nothing is missing, doubled or out of
//! order. Only ids are read; the rest is skipped as it comes.

use super::process::Server;
use futures::StreamExt as _;
use tokio::{sync::watch, task::JoinHandle};

/// Watchers at work.
pub struct Watchers {
    tasks: Vec<(usize, JoinHandle<u64>)>,
    head: Vec<watch::Sender<Option<u64>>>,
}

/// Has `count` watchers follow sweeps in turn, from their beginning.
pub async fn follow(server: &Server, sweeps: &[String], count: usize) -> Watchers {
    let head: Vec<_> = sweeps.iter().map(|_| watch::channel(None).0).collect();
    let mut tasks = Vec::new();
    for number in 0..count {
        let which = number % sweeps.len();
        let url = format!("{}/v1/sweeps/{}/events", server.address, sweeps[which]);
        let answer = server.http.get(url).send().await.unwrap().error_for_status().unwrap();
        tasks.push((which, tokio::spawn(read(answer, head[which].subscribe()))));
    }
    Watchers { tasks, head }
}

impl Watchers {
    /// Waits until each has read its sweep up to its head; answers how many events came.
    pub async fn finish(self, heads: &[u64]) -> u64 {
        for (sender, head) in self.head.iter().zip(heads) {
            sender.send_replace(Some(*head));
        }
        let mut events = 0;
        for (which, task) in self.tasks {
            let seen = task.await.unwrap();
            assert_eq!(seen, heads[which], "a watcher of sweep {which} missed events");
            events += seen;
        }
        events
    }
}

/// Reads a stream until it has reached the head, once that is known; answers the last id.
async fn read(answer: reqwest::Response, mut head: watch::Receiver<Option<u64>>) -> u64 {
    let mut chunks = answer.bytes_stream();
    let (mut seen, mut line) = (0, Vec::new());
    loop {
        let until = *head.borrow_and_update();
        if until.is_some_and(|head| seen >= head) {
            return seen;
        }
        let chunk = tokio::select! {
            chunk = chunks.next() => chunk,
            _ = head.changed() => continue,
        };
        let Some(Ok(chunk)) = chunk else { return seen };
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            // Of what isn't an id, its first bytes tell that.
            if line.len() < 24 {
                line.extend_from_slice(&part[..part.len().min(24)]);
            }
            if part.ends_with(b"\n") {
                if let Some(id) = line.strip_prefix(b"id: ") {
                    let id: u64 = std::str::from_utf8(id).unwrap().trim().parse().unwrap();
                    assert_eq!(id, seen + 1, "an event is missing or doubled");
                    seen = id;
                }
                line.clear();
            }
        }
    }
}
