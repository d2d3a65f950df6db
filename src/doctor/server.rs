//! What a running server says of itself: whether it is ready, what its sweeps wait for, and who is in
//! trouble.

use super::{Finding, finding::or_ok, workers};
use crate::client::{
    Client, ClientError, NoAnswer,
    api::{SweepDetail, SweepQuery},
};
use crate::{counting::count, scheduler::SweepStatus};
use std::collections::BTreeMap;

/// The most sweeps that are asked for, of each status.
const MAX_SWEEPS: u32 = 200;

/// Asks it; workers in trouble aren't told of a second time where they `are_told` of.
pub(super) async fn look(client: &Client, are_told: bool) -> Vec<Finding> {
    if let Err(error) = client.ready().await {
        return vec![Finding::fail(error.to_string(), todo_about(&error))];
    }
    match of_sweeps(client, are_told).await {
        Ok(found) => found,
        Err(error) => vec![Finding::warn(
            format!("it is ready, and doesn't tell of its sweeps: {error}"),
            todo_about(&error),
        )],
    }
}

/// What to do about an answer that didn't come, or wasn't the hoped-for one.
fn todo_about(error: &ClientError) -> &'static str {
    match error {
        ClientError::Unreachable { kind, .. } => about_silence(*kind),
        ClientError::Unavailable { .. } => {
            "mend what it says; where it runs, `floodgauge doctor` looks at its database and its disks"
        }
        ClientError::Intermediary { .. } => {
            "see to what answers in its place, or name the server itself with --server"
        }
        ClientError::Refused(problem) => match problem.status {
            401 | 403 => "give a token of the scope `read` (--token)",
            429 | 503 => "ask again a little later",
            500.. => "see the server's log, which has what went wrong under this time",
            _ => "use the command of the server's release: the two don't understand each other",
        },
        ClientError::Unclear { .. } => {
            "see that a Floodgauge server listens at that address, and not another program; if it is one, \
             use the command of its release"
        }
    }
}

fn about_silence(kind: NoAnswer) -> &'static str {
    match kind {
        NoAnswer::Refused => {
            "nothing listens there: start a server with `floodgauge serve`, or name another with --server"
        }
        NoAnswer::TimedOut => {
            "see that the address is right, that its machine is up, and that no firewall drops what is sent \
             there; a server that is overloaded answers later"
        }
        NoAnswer::Tls => {
            "see that the address has the scheme that is spoken there (http or https), and that this machine \
             trusts its certificate (--ca-file)"
        }
        NoAnswer::Other => {
            "see that the address is right and can be reached from here; start a server with \
             `floodgauge serve`, or name another with --server"
        }
    }
}

/// What sweeps that could go on wait for.
async fn of_sweeps(client: &Client, are_told: bool) -> Result<Vec<Finding>, ClientError> {
    let (mut found, mut going, mut troubled) = (vec![], 0, BTreeMap::new());
    for status in [SweepStatus::Running, SweepStatus::Queued] {
        let which =
            SweepQuery { status: Some(status), limit: Some(MAX_SWEEPS), ..SweepQuery::default() };
        for sweep in client.list(&which).await?.value.items {
            going += 1;
            let detail = client.sweep(sweep.id).await?.value;
            found.extend(of_sweep(&detail));
            let workers = detail.troubled_workers.into_iter();
            troubled.extend(workers.map(|worker| (worker.worker, worker.message)));
        }
    }
    if !are_told {
        let workers = troubled.iter();
        found.extend(workers.map(|(worker, message)| workers::in_trouble(worker, message)));
    }
    let server = client.server();
    Ok(or_ok(found, || {
        format!("{server} is ready, and none of {} waits in vain", count(going, "sweep"))
    }))
}

fn of_sweep(sweep: &SweepDetail) -> Option<Finding> {
    let why = sweep.waits_for.as_ref()?;
    let (id, name) = (sweep.summary.id, &sweep.summary.name);
    Some(Finding::warn(
        format!("nobody trains sweep {id} (`{name}`): {why}"),
        "start a worker of that kind, add the data, or cancel the sweep",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Problem;

    fn todo_of(kind: NoAnswer) -> &'static str {
        let (server, reason) = ("http://a/".into(), "no".into());
        todo_about(&ClientError::Unreachable { server, kind, reason })
    }

    #[test]
    fn what_is_known_of_a_silence_says_what_to_do() {
        assert!(todo_of(NoAnswer::Refused).contains("nothing listens there"));
        assert!(todo_of(NoAnswer::Refused).contains("`floodgauge serve`"));
        assert!(todo_of(NoAnswer::TimedOut).contains("firewall"));
        assert!(todo_of(NoAnswer::Tls).contains("--ca-file"));
        assert!(todo_of(NoAnswer::Other).contains("--server"));
    }

    #[test]
    fn a_servers_log_is_named_only_where_the_server_failed() {
        let refused = |status: u16| {
            let problem = serde_json::json!({ "title": "no", "status": status });
            let problem = serde_json::from_value::<Problem>(problem).unwrap();
            todo_about(&ClientError::Refused(problem))
        };
        assert!(refused(500).contains("log"));
        for status in [401, 403, 404, 429, 503] {
            assert!(!refused(status).contains("log"), "{status}");
        }
        assert!(refused(403).contains("--token") && refused(429).contains("later"));
    }
}
