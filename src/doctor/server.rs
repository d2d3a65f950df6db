//! What a running server says of itself: whether it is ready, what its sweeps wait for, and who is in
//! trouble.

use super::{Finding, finding::or_ok, workers};
use crate::client::{
    Client, ClientError, NoAnswer,
    api::{SweepQuery, Waiting, WaitsFor},
};
use crate::{counting::count, scheduler::SweepStatus};
use floodgauge_protocol::SweepId;
use std::collections::BTreeMap;

/// The most sweeps that are asked for, of each status.
const MAX_SWEEPS: u32 = 200;

/// Asks it; workers in trouble aren't told of a second time where they `are_told` of.
pub(super) async fn look(client: &Client, are_told: bool) -> Vec<Finding> {
    if let Err(error) = client.ready().await {
        return vec![Finding::fail(error.to_string(), remedy_of(&error))];
    }
    match of_sweeps(client, are_told).await {
        Ok(found) => found,
        Err(error) => vec![Finding::warn(
            format!("it is ready, and doesn't tell of its sweeps: {error}"),
            remedy_of(&error),
        )],
    }
}

/// What to do about an answer that didn't come, or wasn't the hoped-for one.
fn remedy_of(error: &ClientError) -> &'static str {
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
            let waiting = detail.waiting.as_ref();
            found.extend(waiting.and_then(|waiting| of_waiting(sweep.id, &sweep.name, waiting)));
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

/// Whether nothing that a server's workers do by themselves ends it, and no other check tells of it: nobody
/// trains where no worker asks, and workers in trouble are told by name.
fn is_in_vain(what: WaitsFor) -> bool {
    match what {
        WaitsFor::Data | WaitsFor::Machine | WaitsFor::IncompatibleWorkers => true,
        WaitsFor::Resume
        | WaitsFor::LeaseExpired
        | WaitsFor::HeldBack
        | WaitsFor::Worker
        | WaitsFor::WorkersInTrouble
        | WaitsFor::Turn => false,
    }
}

fn of_waiting(sweep: SweepId, name: &str, waiting: &Waiting) -> Option<Finding> {
    let what = || format!("nobody trains sweep {sweep} (`{name}`): {}", waiting.words);
    is_in_vain(waiting.what).then(|| Finding::warn(what(), &waiting.remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Problem;

    fn remedy_for(kind: NoAnswer) -> &'static str {
        let (server, reason) = ("http://a/".into(), "no".into());
        remedy_of(&ClientError::Unreachable { server, kind, reason })
    }

    #[test]
    fn what_is_known_of_a_silence_says_what_to_do() {
        assert!(remedy_for(NoAnswer::Refused).contains("nothing listens there"));
        assert!(remedy_for(NoAnswer::Refused).contains("`floodgauge serve`"));
        assert!(remedy_for(NoAnswer::TimedOut).contains("firewall"));
        assert!(remedy_for(NoAnswer::Tls).contains("--ca-file"));
        assert!(remedy_for(NoAnswer::Other).contains("--server"));
    }

    #[test]
    fn a_sweep_that_waits_in_vain_is_told_with_the_servers_own_words_and_remedy() {
        let told = |what| {
            let (words, remedy) = ("it waits for a disk".into(), "mount it".into());
            let waiting = Waiting {
                what,
                words,
                remedy,
                wants_worker: false,
                transient: false,
                backoff_s: None,
            };
            of_waiting("01970000-0000-7000-8000-000000000000".parse().unwrap(), "a", &waiting)
        };
        for vain in [WaitsFor::Data, WaitsFor::Machine, WaitsFor::IncompatibleWorkers] {
            let found = told(vain).unwrap();
            assert!(found.what.ends_with("(`a`): it waits for a disk"), "{}", found.what);
            assert_eq!(found.remedy.as_deref(), Some("mount it"));
        }
        assert_eq!(told(WaitsFor::Turn), None);
    }

    #[test]
    fn a_servers_log_is_named_only_where_the_server_failed() {
        let refused = |status: u16| {
            let problem = serde_json::json!({ "title": "no", "status": status });
            let problem = serde_json::from_value::<Problem>(problem).unwrap();
            remedy_of(&ClientError::Refused(problem))
        };
        assert!(refused(500).contains("log"));
        for status in [401, 403, 404, 429, 503] {
            assert!(!refused(status).contains("log"), "{status}");
        }
        assert!(refused(403).contains("--token") && refused(429).contains("later"));
    }
}
