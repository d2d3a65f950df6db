//! A SQLite file has one server.

use super::programs::{Server, ended, program, run};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

fn serve(folder: &Path) -> [&str; 7] {
    let folder = folder.to_str().unwrap();
    ["serve", "--data-dir", folder, "--listen", "127.0.0.1:0", "--workers", "0"]
}

#[test]
fn a_second_server_on_a_folder_is_refused_with_the_address_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Server::start(folder.path(), None);
    let url = format!("sqlite://{}", folder.path().join("floodgauge.db").display());
    let elsewhere = tempfile::tempdir().unwrap();
    let by_url = [&serve(elsewhere.path())[..], &["--database-url", &url]].concat();
    for second in [&serve(folder.path())[..], &by_url] {
        let ended = ended(second);
        assert_eq!(ended.code, 1);
        assert!(ended.complaint.contains(&first.address), "{}", ended.complaint);
    }
    // Its lock is gone with it, however it went.
    first.process.kill();
    Server::start(folder.path(), None);
}

#[test]
fn other_commands_open_the_database_of_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path(), None);
    let at = ["--data-dir", folder.path().to_str().unwrap()];
    run(&[&["token", "create", "ci", "--scope", "read"], &at[..]].concat());
    assert!(run(&[&["token", "list"], &at[..]].concat()).contains("ci"));
    run(&[&["token", "revoke", "ci"], &at[..]].concat());
    run(&[&["migrate"], &at[..]].concat());
}

/// Starts servers on a new folder, all at once.
fn race(folder: &Path, count: usize) -> Vec<Child> {
    let start = |_| {
        let mut command = program(&serve(folder));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    (0..count).map(start).collect()
}

#[test]
fn of_servers_that_first_start_at_once_one_serves_and_the_others_name_it() {
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let mut servers = race(folder.path(), 4);
        let said = servers.iter_mut().map(|server| {
            let mut line = String::new();
            // One that is refused says nothing here, and ends.
            BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
            line.trim().strip_prefix("listening on ").map(str::to_owned)
        });
        let said: Vec<_> = said.collect();
        let serving: Vec<_> = said.iter().flatten().collect();
        let [address] = serving[..] else { panic!("one serves: {said:?}") };
        for (mut server, said) in servers.into_iter().zip(&said) {
            if said.is_some() {
                server.kill().unwrap();
                server.wait().unwrap();
                continue;
            }
            let output = server.wait_with_output().unwrap();
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{complaint}");
            assert!(complaint.contains(&format!("the server at {address}")), "{complaint}");
        }
    }
}

#[test]
fn commands_that_make_a_database_at_once_all_do_their_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let start = |number| {
        let name = format!("token-{number}");
        let mut command = program(&["token", "create", &name, "--scope", "read", "--data-dir", at]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let commands: Vec<_> = (0..6).map(start).collect();
    for command in commands {
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let list = run(&["token", "list", "--data-dir", at]);
    assert!((0..6).all(|number| list.contains(&format!("token-{number}"))), "{list}");
}
