//! What people and scripts see of the commands that ask a server.

use super::{
    follow,
    programs::{Server, ended, run, worker},
    spec,
};
use floodgauge::client::LogEntry;
use floodgauge_protocol::{
    Levels,
    text::is_hidden,
    work::{Assignment, LEASE_TOKEN_HEADER},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A server, and the id of a small sweep that it completed.
async fn completed(folder: &std::path::Path) -> (Server, String) {
    let server = Server::start(folder, None);
    let _worker = worker(&server.address, "quick");
    let mut spec = spec();
    spec.recipe.epochs = 6;
    spec.search.levels = Levels::List(vec![0.5, 1.0]);
    let sweep = server.client.submit(&spec, None).await.unwrap().value.summary.id;
    follow(&server, sweep).await;
    (server, sweep.to_string())
}

#[tokio::test]
async fn a_sweep_is_told_in_words_and_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let (server, id) = completed(folder.path()).await;
    let ask = |command: &[&str]| run(&[command, &["--server", &server.address]].concat());
    let logs = ask(&["logs", &id]);
    assert!(logs.contains("submitted  sweep `disturbed`"), "{logs}");
    assert!(logs.contains("quick took segment 0: seed 0, weight decay 0, "), "{logs}");
    assert!(logs.contains("completed  best: "), "{logs}");
    assert!(!logs.contains('\u{1b}'), "no colours but on a terminal");
    assert_eq!(ask(&["logs", &id, "--follow"]), logs, "it has ended");
    let of_arm = ask(&["logs", &id, "--arm", "0.5"]);
    assert!(of_arm.lines().count() < logs.lines().count(), "{of_arm}");
    assert!(of_arm.contains("took segment 0"), "{of_arm}");
    let entries = ask(&["logs", &id, "--json"]);
    let entries: Vec<LogEntry> =
        entries.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=entries.len() as u64));
    // What is printed is what the server told, in its order.
    let mut rest = logs.as_str();
    for line in entries.iter().flat_map(|entry| &entry.lines) {
        let printed = format!(" {}  {}\n", line.kind, line.text);
        let at = rest.find(&printed).unwrap_or_else(|| panic!("{printed} isn't in {rest}"));
        rest = &rest[at + printed.len() - 1..];
        assert!(rest.contains(&line.reason), "{}", line.reason);
    }
    assert!(ask(&["list"]).contains(&id));
    assert!(ask(&["show", &id]).contains("flood b=0.5"));
    let shown: Value = serde_json::from_str(&ask(&["show", &id, "--json"])).unwrap();
    assert_eq!(shown["trials"].as_array().unwrap().len(), 6);
    assert!(ask(&["best", &id]).contains("     verdict  "));
    let best: Value = serde_json::from_str(&ask(&["best", &id, "--json"])).unwrap();
    assert_eq!(best["status"], "completed");
    assert!(ask(&["--color", "always", "best", &id]).contains('\u{1b}'));
    let unknown = ended(&["logs", &id, "--arm", "7", "--server", &server.address]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.complaint.contains("no arm is named `7`"), "{}", unknown.complaint);
}

#[tokio::test]
async fn scripts_tell_how_a_command_ended_by_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let id = server.client.submit(&spec(), None).await.unwrap().value.summary.id;
    server.client.cancel(id).await.unwrap();
    let id = id.to_string();
    let nobody = "01970000-0000-7000-8000-000000000000";
    for (arguments, code) in [
        (vec!["list"], 0),
        (vec!["best", nobody], 2),
        (vec!["best", "x"], 2),
        (vec!["logs", nobody], 2),
        (vec!["watch", &id], 3),
    ] {
        let ended = ended(&[&arguments[..], &["--server", &server.address]].concat());
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.complaint);
    }
    // Nobody listens on the port of a listener that has gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://{gone}");
    for command in ["best", "show"] {
        assert_eq!(ended(&[command, nobody, "--server", &gone]).code, 4, "{command}");
    }
    assert_eq!(ended(&["healthcheck", "--server", &gone]).code, 4);
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]);
        for command in ["submit", "logs", "completions", "--follow"] {
            let is_long_flag_of_fish = shell == "fish" && command == "--follow";
            let name = if is_long_flag_of_fish { "-l follow" } else { command };
            assert!(script.contains(name), "{shell} lacks {name}");
        }
    }
}

/// Whoever holds a worker's token may say anything of its failure.
#[tokio::test]
async fn what_a_worker_says_does_nothing_to_the_terminal_that_shows_it() {
    const REASON: &str = "boom\n\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{85}";
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let sweep = server.client.submit(&spec(), None).await.unwrap().value.summary.id.to_string();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, token: &str, body: Value| {
        let request = http.post(format!("{}/v1/work/{path}", server.address)).json(&body);
        request.header(LEASE_TOKEN_HEADER, token).send().await.unwrap()
    };
    let claim = json!({ "worker": "loud", "fingerprint": "test", "wait_s": 0 });
    loop {
        let claimed = post("claim", "", claim.clone()).await;
        if claimed.status() == StatusCode::NO_CONTENT {
            break;
        }
        let work: Assignment = claimed.json().await.unwrap();
        let path = format!("{}/fail", work.lease.lease);
        let failed = post(&path, &work.lease.token, json!({ "message": REASON })).await;
        assert_eq!(failed.status(), StatusCode::NO_CONTENT);
    }
    let ask = |command: &[&str]| run(&[command, &["--server", &server.address]].concat());
    for shown in [
        ask(&["show", &sweep]),
        ask(&["logs", &sweep]),
        ask(&["list"]),
        ask(&["logs", &sweep, "--json"]),
        ask(&["show", &sweep, "--json"]),
        ended(&["watch", &sweep, "--server", &server.address]).complaint,
    ] {
        let hidden = |c: char| is_hidden(c) && c != '\n';
        assert!(!shown.contains(hidden), "{shown:?}");
    }
    let shown = ask(&["logs", &sweep]);
    assert!(shown.contains("boom\\n\\u{1b}]0;title\\u{7}"), "{shown}");
}
