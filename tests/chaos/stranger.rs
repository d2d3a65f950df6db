//! A worker on another kind of machine, which is there and does nothing.

use super::world::World;
use floodgauge_protocol::work::{Assignment, ClaimRequest, Fail, FailKind, LEASE_TOKEN_HEADER};
use reqwest::{Client, StatusCode};
use std::time::Duration;
use tokio::{task::JoinHandle, time::interval};

const EVERY: Duration = Duration::from_millis(200);

/// It asks for work until this is dropped, and hands back whatever it is given.
pub struct Stranger(JoinHandle<()>);

impl Stranger {
    pub fn start(world: &World) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        let (base, token) = (format!("http://{}/v1/work", world.address(0)), world.worker_token());
        let token = token.to_owned();
        Self(tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            let asks = ClaimRequest {
                worker: "stranger".to_owned(),
                fingerprint: "another kind of machine".to_owned(),
                wait_s: 0,
            };
            loop {
                ticks.tick().await;
                let claim = http.post(format!("{base}/claim")).bearer_auth(&token).json(&asks);
                // No server may be there at this moment.
                let Ok(answer) = claim.send().await else { continue };
                if answer.status() != StatusCode::OK {
                    continue;
                }
                let given: Assignment = answer.json().await.unwrap();
                let lease = &given.lease;
                let hands_back = Fail {
                    message: "nothing is trained here".to_owned(),
                    kind: FailKind::Machine,
                    retry_in_s: None,
                };
                let fail = http.post(format!("{base}/{}/fail", lease.lease)).json(&hands_back);
                let _ =
                    fail.header(LEASE_TOKEN_HEADER, &lease.token).bearer_auth(&token).send().await;
            }
        }))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.abort();
    }
}
