//! What a running server says of itself: whether it is ready, and what its sweeps wait for.

use super::{Finding, finding::or_ok};
use crate::client::{Client, ClientError, api::SweepQuery};
use crate::{counting::count, scheduler::SweepStatus};

/// The most sweeps that are asked for.
const MAX_SWEEPS: u32 = 200;

/// Asks it.
pub(super) async fn look(client: &Client) -> Vec<Finding> {
    if let Err(error) = client.ready().await {
        return vec![Finding::fail(
            error.to_string(),
            "see the server's log; `floodgauge doctor` where it runs looks at its database",
        )];
    }
    match of_sweeps(client).await {
        Ok(found) => found,
        Err(error) => {
            let todo = match &error {
                ClientError::Refused(problem) if matches!(problem.status, 401 | 403) => {
                    "give a token of the scope `read` (--token)"
                }
                _ => "see the server's log",
            };
            vec![Finding::warn(
                format!("it is ready, and doesn't tell of its sweeps: {error}"),
                todo,
            )]
        }
    }
}

/// What sweeps that could go on wait for.
async fn of_sweeps(client: &Client) -> Result<Vec<Finding>, ClientError> {
    let (mut found, mut going) = (vec![], 0);
    for status in [SweepStatus::Running, SweepStatus::Queued] {
        let which =
            SweepQuery { status: Some(status), limit: Some(MAX_SWEEPS), ..SweepQuery::default() };
        for sweep in client.list(&which).await?.value.items {
            going += 1;
            let detail = client.sweep(sweep.id).await?.value;
            if let Some(why) = detail.waits_for {
                let what = format!("nobody trains sweep {} (`{}`): {why}", sweep.id, sweep.name);
                let todo = "start a worker of that kind, add the data, or cancel the sweep";
                found.push(Finding::warn(what, todo));
            }
        }
    }
    let server = client.server();
    Ok(or_ok(found, || {
        format!("{server} is ready, and none of {} waits in vain", count(going, "sweep"))
    }))
}
