//! `floodgauge doctor` as a program: beside a running server, and once it has ended.

use super::programs::{Server, ended, program, refused, run};
use crate::support::on_either_database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

on_either_database! {
    it_looks_beside_a_server_and_mends_once_it_has_ended,
    work_without_workers_is_a_problem_only_while_a_server_runs,
}

fn at(folder: &Path, database: Option<&str>) -> Vec<String> {
    let folder = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let mut arguments = vec!["--data-dir".into(), folder(""), "--data".into(), folder("data")];
    arguments.extend(database.iter().flat_map(|url| ["--database-url".into(), (*url).into()]));
    arguments
}

fn doctor<'a>(at: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let at = at.iter().map(String::as_str);
    ["doctor"].into_iter().chain(at).chain(more.iter().copied()).collect()
}

async fn execute(folder: &Path, database: Option<&str>, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    match database {
        Some(url) => {
            sql.execute(&mut PgConnection::connect(url).await.unwrap()).await.unwrap();
        }
        None => {
            let url = format!("sqlite://{}", folder.join("floodgauge.db").display());
            sql.execute(&mut SqliteConnection::connect(&url).await.unwrap()).await.unwrap();
        }
    }
}

async fn it_looks_beside_a_server_and_mends_once_it_has_ended(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), database);
    super::submit(&server).await;
    let at = at(folder.path(), database);
    let beside = ["--server", server.address.as_str()];
    let said = run(&doctor(&at, &beside));
    for check in "disk database clock versions projections queue workers blobs server".split(' ') {
        let line = said.lines().find(|line| line.starts_with(check));
        assert!(line.is_some_and(|line| line.contains(" ok ")), "{check}: {said}");
    }
    let why = refused(&doctor(&at, &["--repair"]));
    assert!(why.contains("--repair is for a server that is stopped"), "{why}");
    if database.is_none() {
        assert!(why.contains(&server.address), "{why}");
    }
    // What it finds beside the server, it leaves alone.
    execute(folder.path(), database, "delete from trials where arm = 1").await;
    let found = ended(&doctor(&at, &[]));
    assert_eq!(found.code, 1, "{}", found.complaint);
    assert!(found.complaint.contains("1 finding"), "{}", found.complaint);
    assert!(server.process.terminate());
    if let Some(database) = database {
        gone(database).await;
    }
    let output = program(&doctor(&at, &["--json"])).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let wrong: Vec<_> = findings.iter().filter(|finding| finding["severity"] != "ok").collect();
    let [wrong] = wrong[..] else { panic!("{report}") };
    assert_eq!((&wrong["check"], &wrong["severity"]), (&"projections".into(), &"fail".into()));
    assert!(wrong["what"].as_str().unwrap().contains("2 trials missing"), "{wrong}");
    let said = run(&doctor(&at, &["--repair"]));
    assert!(said.contains("repaired") && said.contains("written anew from its log"), "{said}");
    run(&doctor(&at, &[]));
    Server::start(folder.path(), database);
}

/// Waits until no server listens to a database any more.
async fn gone(url: &str) {
    let mut db = PgConnection::connect(url).await.unwrap();
    loop {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() \
                   and query ilike 'listen%'";
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
        if count == 0 {
            return;
        }
    }
}

async fn work_without_workers_is_a_problem_only_while_a_server_runs(database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), database);
    super::submit(&server).await;
    let hour_ago = "update segments set queued_ms = queued_ms - 3600000; \
                    update queue set queued_ms = queued_ms - 3600000";
    execute(folder.path(), database, hour_ago).await;
    let at = at(folder.path(), database);
    let found = ended(&doctor(&at, &[]));
    assert_eq!(found.code, 1, "{}", found.complaint);
    assert!(found.complaint.contains("1 finding"), "{}", found.complaint);
    assert!(server.process.terminate());
    if let Some(database) = database {
        gone(database).await;
    }
    let said = run(&doctor(&at, &[]));
    let line = said.lines().find(|line| line.starts_with("workers")).unwrap();
    assert!(line.contains(" note ") && line.contains("no server is known to run"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_out_of_reach_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let address = server.address.clone();
    drop(server);
    let at = at(folder.path(), None);
    let output = program(&doctor(&at, &["--server", &address])).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("nothing listens there"), "{said}");
    assert!(!said.contains("server's log"), "{said}");
    // What it can't ask with is told before anything is read.
    let file = folder.path().join("missing");
    let asks = ["--server", &address, "--token-file", file.to_str().unwrap()];
    assert!(!refused(&doctor(&at, &asks)).is_empty());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_told_and_all_else_is_looked_at() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let mut server = Server::start(&folder, None);
    super::submit(&server).await;
    assert!(server.process.terminate());
    execute(&folder, None, "pragma wal_checkpoint(truncate)").await;
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(parent.path(), 0o755);
    set(&folder.join("floodgauge.db"), 0o644);
    set(&folder.join("blobs"), 0o555);
    set(&folder, 0o555);
    let at = at(&folder, None);
    let output = as_somebody(&doctor(&at, &["--json"])).output().unwrap();
    set(&folder, 0o755);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let wrong: Vec<_> = findings.iter().filter(|finding| finding["severity"] != "ok").collect();
    assert!(!wrong.is_empty() && wrong.iter().all(|f| f["check"] == "disk"), "{report}");
    assert!(wrong[0]["what"].as_str().unwrap().contains("nothing can be written to"), "{report}");
    assert!(findings.iter().any(|finding| finding["check"] == "projections"), "{report}");
}

/// A command as a user who may not write everywhere, as root may.
fn as_somebody(arguments: &[&str]) -> Command {
    let command = program(arguments);
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return command;
    }
    // The program lies where that user may not look.
    let mut somebody = Command::new("setpriv");
    somebody.args(["--bounding-set", "-dac_override,-dac_read_search"]);
    somebody.args(["--inh-caps", "-dac_override,-dac_read_search", "--"]);
    somebody.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => drop(somebody.env(name, value)),
            None => drop(somebody.env_remove(name)),
        }
    }
    somebody
}

#[test]
fn where_there_is_no_database_it_says_so_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let at = at(folder.path(), None);
    let why = refused(&doctor(&at, &[]));
    assert!(why.contains("there is no database"), "{why}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
