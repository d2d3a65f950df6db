//! What people are told who get something wrong: in plain words, with what to do about it.

use super::programs::{Server, ended, program, refused, run};
use crate::support::DISTURBED as SWEEP;
use std::net::TcpListener;

/// Words of libraries and systems that nobody is to meet.
const RAW: [&str; 9] = [
    "invalid digit",
    "invalid float",
    "os error",
    "Os {",
    "lookup address",
    "InvalidCertificate",
    "relative URL",
    "error sending request",
    "number too large",
];

/// What is complained of, which has none of these words.
fn plain(complaint: String) -> String {
    let raw = RAW.iter().find(|raw| complaint.contains(**raw));
    assert!(raw.is_none(), "{complaint}");
    complaint
}

#[test]
fn what_a_flag_cannot_take_is_told_with_what_it_takes() {
    let nobody = "01970000-0000-7000-8000-000000000000";
    for (arguments, expected) in [
        (&["serve", "--listen", "7878"][..], "an address and a port from 0 to 65535"),
        (&["serve", "--listen", "127.0.0.1:99999"], "an address and a port from 0 to 65535"),
        (&["serve", "--listen", "nobody.invalid:80"], "no machine is known by that name"),
        (&["serve", "--workers", "two"], "a whole number from 0 to 65535"),
        (&["serve", "--lease-ttl", "1"], "a whole number from 2 to 3600"),
        (&["serve", "--max-connections", "0"], "a whole number from 1 to"),
        (&["serve", "--keep-checkpoints", "soon"], "a time such as 30m, 12h or 30d"),
        (
            &["serve", "--log", "floodgauge=loud"],
            "expected a level (error, warn, info, debug, trace)",
        ),
        (&["worker", "--threads", "none"], "a whole number from 1 to"),
        (&["worker", "--memory", "much"], "a size such as 2GiB or 500MB"),
        (&["worker", "--server", "http://gauge:port"], "such as http://gauge.example:7878"),
        (&["worker", "--token", "hunter"], "a token is fg_ and 64 hexadecimal digits"),
        (&["list", "--limit", "many"], "a whole number from 1 to 10000"),
        (&["extend", nobody, "--seeds", "x"], "a whole number from 1 to"),
        (&["extend", nobody, "--levels", "0.1,b"], "a number such as 0.25"),
        (&["best", "latest"], "`floodgauge list` shows them"),
        (&["token", "create", "a", "--scope", "all"], "read, submit, worker, admin"),
        (&["token", "create", "a", "--scope", "read", "--rate", "fast"], "from 1 to 100000"),
        (&["token", "create", "a", "--scope", "read", "--expires", "x"], "12h, 90d or 1y"),
        (&["dataset", "download", "mnist", "--mirror", "here"], "https://mirror.example/sets"),
        (&["dataset", "add", "/nowhere/beans.csv"], "there is no such file or folder"),
        (&["submit", "/nowhere/sweep.toml"], "there is no such file or folder"),
        (&["list", "--token-file", "/nowhere"], "--token-file: /nowhere can't be read: there is"),
        (&["list", "--ca-file", "/nowhere"], "--ca-file: /nowhere can't be read: there is no such"),
    ] {
        let complaint = plain(refused(arguments));
        assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_told_in_plain_words() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (address, expected) in [
        (format!("http://{gone}"), "the connection was refused: nothing listens"),
        ("http://nobody.invalid".into(), "no machine is known by that name"),
    ] {
        let ended = ended(&["list", "--server", &address]);
        assert_eq!(ended.code, 4, "{}", ended.complaint);
        let complaint = plain(ended.complaint);
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn a_server_that_cannot_start_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(at("notes.db"), "to do: water the plants ".repeat(100)).unwrap();
    let notes = format!("sqlite:{}", at("notes.db"));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("postgres://me@{gone}/x");
    for (flags, expected) in [
        (["--listen", &address], "another program listens there"),
        (["--database-url", &notes], "its file is not a database of SQLite"),
        (["--database-url", &nobody], "the connection was refused"),
        (["--database-url", "postgres://me@host:port/x"], "expected postgres://user@host:5432"),
    ] {
        let data = at("data");
        let serve = ["serve", "--workers", "0", "--data-dir", &data];
        let ended = ended(&[&serve[..], &flags[..]].concat());
        assert_eq!(ended.code, 1, "{flags:?}: {}", ended.complaint);
        let complaint = plain(ended.complaint);
        assert!(complaint.contains(expected), "{flags:?}: {complaint}");
    }
}

/// As compose files set variables of which they have no value.
#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let empty = [
        "FLOODGAUGE_TOKEN",
        "FLOODGAUGE_TOKEN_FILE",
        "FLOODGAUGE_CA_FILE",
        "FLOODGAUGE_DATABASE_URL",
        "FLOODGAUGE_BLOBS",
        "FLOODGAUGE_BASE_PATH",
        "FLOODGAUGE_RATE_LIMIT",
        "FLOODGAUGE_LEASE_TTL",
        "FLOODGAUGE_KEEP_SWEEPS",
        "FLOODGAUGE_START_OVER_AFTER",
        "FLOODGAUGE_MAX_CONNECTIONS",
        "FLOODGAUGE_INSECURE_OPEN",
        "FLOODGAUGE_LOG_FORMAT",
        "FLOODGAUGE_DATA",
    ];
    let variables = empty.map(|name| (name, ""));
    let server = Server::start_with(folder.path(), None, &[], &variables);
    let asked = |arguments: &[&str]| {
        let output = program(arguments).envs(variables).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    asked(&["list", "--server", &server.address]);
    let addressed = program(&["list"])
        .envs([("FLOODGAUGE_SERVER", server.address.as_str()), ("FLOODGAUGE_TOKEN", "")])
        .output()
        .unwrap();
    assert!(addressed.status.success(), "{}", String::from_utf8_lossy(&addressed.stderr));
    asked(&["token", "create", "first", "--scope", "admin", "--data-dir", data]);
    // Help names them nevertheless.
    assert!(asked(&["list", "--help"]).contains("FLOODGAUGE_TOKEN"));
}

#[tokio::test]
async fn commands_that_are_printed_lead_to_the_same_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let there = format!("--server {}", server.address);
    let listed = ended(&["list", "--server", &server.address]).complaint;
    assert!(listed.contains(&format!("--watch {there}")), "{listed}");
    let file = folder.path().join("sweep.json");
    std::fs::write(&file, SWEEP).unwrap();
    let submit = ["submit", file.to_str().unwrap(), "--server", &server.address];
    let output = program(&submit).output().unwrap();
    let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let noted = String::from_utf8(output.stderr).unwrap();
    assert!(noted.contains(&format!("floodgauge watch {id} {there}")), "{noted}");
    let told = refused(&["extend", &id, "--server", &server.address]);
    for more in ["--seeds 2", "--levels 0.25,0.3", "--epochs 200"] {
        let command = format!("floodgauge extend {id} {more} {there}");
        assert!(told.contains(&command), "{told}");
    }
    let data = folder.path().to_str().unwrap();
    let tokens = ended(&["token", "list", "--data-dir", data]).complaint;
    assert!(tokens.contains(&format!("--scope admin --data-dir {data}")), "{tokens}");
}

#[test]
fn what_is_likely_to_go_wrong_is_said_to_who_adds_a_set_plans_and_submits() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let put = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let there = ["--server", &server.address];
    let rows = (0..60).map(|i| format!("{},{},{}\n", f64::from(i % 5) / 4.0, i * 1_000, i % 2));
    let table = put("incomes.csv", rows.collect());
    let fault = "column 2 goes from 0 to 59,000, column 1 goes from 0 to 1";
    let added = run(&[&["dataset", "add", &table][..], &there].concat());
    assert!(added.contains(fault), "{added}");
    let spelled = r#"dataset = { name = "incomes", standardize = true }"#;
    assert!(added.contains(spelled), "{added}");
    let shown = run(&[&["dataset", "show", "incomes"][..], &there].concat());
    assert!(shown.contains(fault), "{shown}");
    let sweep = |more: &str| {
        let text = format!(
            r#"{{ "name": "x", "recipe": {{ "dataset": {{ "name": "incomes"{more} }}, "batch_size": 10 }} }}"#
        );
        put("sweep.json", text)
    };
    let file = sweep("");
    let planned = run(&[&["submit", &file, "--plan"][..], &there].concat());
    assert!(planned.contains(fault), "{planned}");
    let said = ended(&[&["submit", &file][..], &there].concat());
    assert_eq!(said.code, 0, "{}", said.complaint);
    assert!(said.complaint.starts_with("warning: Features differ much"), "{}", said.complaint);
    let file = sweep(r#", "standardize": true"#);
    let said = ended(&[&["submit", &file][..], &there].concat());
    assert_eq!(said.code, 0, "{}", said.complaint);
    assert!(!said.complaint.contains("warning"), "{}", said.complaint);
}

#[test]
fn a_worker_says_that_it_connects_before_it_says_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let cache = folder.path().join("worker");
    let worker = ["worker", "--drain", "--threads", "1", "--cache", cache.to_str().unwrap()];
    let said = ended(&[&worker[..], &["--server", &server.address]].concat());
    assert_eq!(said.code, 0, "{}", said.complaint);
    let at = |words: &str| said.complaint.find(words).unwrap_or_else(|| panic!("no {words}"));
    assert!(at(&format!("connecting to {}", server.address)) < at("connected"));
    let data = folder.path().to_str().unwrap();
    run(&["token", "create", "first", "--scope", "read", "--data-dir", data]);
    let unasked = ended(&[&worker[..], &["--server", &server.address]].concat());
    let words = "this server asks for a token: set FLOODGAUGE_TOKEN or use --token";
    assert!(unasked.complaint.contains(words), "{}", unasked.complaint);
    for (complaint, of) in [
        (&unasked.complaint, "worker"),
        (&ended(&["list", "--server", &server.address]).complaint, "list"),
    ] {
        assert!(complaint.contains(words), "{of}: {complaint}");
        assert!(!complaint.contains("authorization"), "{of}: {complaint}");
    }
    assert!(!unasked.complaint.contains("connected"), "{}", unasked.complaint);
}
