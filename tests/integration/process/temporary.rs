//! Where programs put what is on its way.

use super::programs::{Server, program};
use crate::support::eventually;
use reqwest::StatusCode;
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Stdio,
};

/// What the first line is that `serve` prints, and what it complains of if it ends by itself.
fn serve(data: &Path, temporary: &str) -> (String, String) {
    let mut serve = program(&["serve", "--listen", "127.0.0.1:0", "--workers", "0", "--data-dir"]);
    let mut serve = serve
        .arg(data)
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(serve.stdout.take().unwrap()).read_line(&mut said).unwrap();
    // It may have ended by itself.
    let _ = serve.kill();
    let complaint = serve.wait_with_output().unwrap().stderr;
    (said, String::from_utf8(complaint).unwrap())
}

#[test]
fn a_server_with_a_temporary_folder_that_is_not_there_says_which_and_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let missing = data.path().join("missing");
    let missing = missing.to_str().unwrap();
    let (said, complaint) = serve(data.path(), missing);
    assert_eq!(said, "", "{complaint}");
    assert!(complaint.contains(missing) && complaint.contains("TMPDIR"), "{complaint}");
    let demo = program(&["demo", "--exit"]).env("TMPDIR", missing).output().unwrap();
    let complaint = String::from_utf8(demo.stderr).unwrap();
    assert_eq!(demo.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains(missing) && complaint.contains("TMPDIR"), "{complaint}");
}

/// The files below a folder that a process has open.
fn open_below(process: u32, folder: &Path) -> BTreeSet<PathBuf> {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    // Some are closed while they are looked at.
    let open = open.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    open.filter(|file| file.starts_with(folder)).collect()
}

#[tokio::test]
async fn an_upload_lies_in_the_temporary_folder_while_it_comes() {
    let [data, temporary] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let folder = temporary.path().canonicalize().unwrap();
    let variables = [("TMPDIR", folder.to_str().unwrap())];
    let server = Server::start_with(data.path(), None, &[], &variables);
    let place = server.address.trim_start_matches("http://");
    let mut connection = TcpStream::connect(place).unwrap();
    write!(
        connection,
        "POST /v1/datasets?name=numbers HTTP/1.1\r\nhost: {place}\r\ncontent-type: text/csv\r\n\
         content-length: 1000\r\n\r\n1,2,0\n"
    )
    .unwrap();
    // Looks at the folder write files there too, which go at once.
    let mut earlier = BTreeSet::new();
    let stays = async || {
        let open = open_below(server.process.id(), &folder);
        let stays = !open.is_disjoint(&earlier);
        earlier = open;
        stays.then_some(())
    };
    eventually("an upload in the temporary folder", stays).await;
    drop(connection);
    let none = async || open_below(server.process.id(), &folder).is_empty().then_some(());
    eventually("none once nobody uploads", none).await;
}

#[tokio::test]
async fn a_temporary_folder_that_is_lost_is_named_in_the_log() {
    let [data, around] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let temporary = around.path().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let mut serve = program(&["serve", "--listen", "127.0.0.1:0", "--workers", "0", "--data-dir"]);
    let mut serve = serve
        .arg(data.path())
        .env("TMPDIR", &temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(serve.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on ").unwrap();
    std::fs::remove_dir_all(&temporary).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let add = http.post(format!("{address}/v1/datasets?name=numbers"));
    let add = add.header("content-type", "text/csv").body("1,2,0\n2,1,1\n").send().await.unwrap();
    assert_eq!(add.status(), StatusCode::INTERNAL_SERVER_ERROR);
    serve.kill().unwrap();
    let log = String::from_utf8(serve.wait_with_output().unwrap().stderr).unwrap();
    let told = format!("{} (named by TMPDIR)", temporary.display());
    assert!(log.contains(&told), "{log}");
}
