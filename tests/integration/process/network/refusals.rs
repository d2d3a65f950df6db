//! A proxy that answers in the server's place.

use super::{nginx::Nginx, quick, said};
use crate::process::{
    entries, follow,
    programs::{Server, program},
    reported, until,
};
use floodgauge::client::Client;
use floodgauge_protocol::{Levels, Model};
use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

/// An nginx that hands everything on, and that nobody told more.
fn untold(server: &Server) -> (Nginx, String) {
    let nginx = Nginx::start(|[port, _]| {
        let address = &server.address;
        format!("server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {address}; }} }}")
    });
    let address = format!("http://localhost:{}", nginx.ports[0]);
    (nginx, address)
}

const SETTING: &str = "client_max_body_size";

#[tokio::test]
async fn a_checkpoint_that_a_proxy_refuses_is_told_with_the_proxys_setting() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let (_nginx, address) = untold(&server);
    let mut large = quick();
    large.recipe.model = Model::Mlp { hidden: vec![512, 256], batch_norm: false };
    server.client.submit(&large, None).await.unwrap();
    let mut worker = program(&["worker", "--server", &address, "--threads", "1"]);
    let mut worker = worker.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(worker.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = log.into_iter().find(|line| line.contains("413")).unwrap();
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(told.contains("nginx/") && told.contains(SETTING), "{told}");
}

#[tokio::test]
async fn a_data_set_that_a_proxy_refuses_is_told_with_the_proxys_setting() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let (_nginx, address) = untold(&server);
    let table = folder.path().join("numbers.csv");
    let rows: String = (0..200_000).map(|i| format!("{}.5,{},{}\n", i, i % 7, i % 2)).collect();
    std::fs::write(&table, rows).unwrap();
    let add = ["dataset", "add", table.to_str().unwrap(), "--server"];
    let refused = said(&[&add[..], &[&address]].concat(), &[]);
    assert_eq!(refused.code, Some(4), "{}", refused.complaint);
    assert!(refused.complaint.contains("nginx/"), "{}", refused.complaint);
    assert!(refused.complaint.contains(SETTING), "{}", refused.complaint);
}

#[tokio::test]
async fn a_server_that_restarts_behind_a_proxy_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), None);
    let (_nginx, address) = untold(&server);
    let sweep = server.client.submit(&quick(), None).await.unwrap().value.summary.id;
    let behind = Client::new(address.parse().unwrap()).unwrap();
    let following = tokio::spawn({
        let client = behind.clone();
        async move { futures::StreamExt::collect::<Vec<_>>(client.events(sweep, 0)).await }
    });
    server.process.kill();
    // The proxy stays, and answers for it.
    let list = said(&["list", "--server", &address], &[]);
    assert_eq!(list.code, Some(4), "{}", list.complaint);
    let words = "502 Bad Gateway came from nginx/";
    assert!(list.complaint.contains(words), "{}", list.complaint);
    assert!(!list.complaint.contains("floodgauge serve"), "{}", list.complaint);
    server = server.replace(folder.path(), None);
    let _worker = crate::process::programs::worker(&address, "patient");
    until(entries(&server, sweep), 1, reported).await;
    let log = follow(&server, sweep).await;
    let heard = following.await.unwrap();
    assert!(heard.iter().all(Result::is_ok), "{:?}", heard.last());
    assert_eq!(heard.len(), log.len());
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_is_told_with_where() {
    let nginx = Nginx::start(|[port, _]| {
        let to = "https://gauge.example$request_uri";
        format!("server {{ listen 127.0.0.1:{port}; return 301 {to}; }}")
    });
    let address = format!("http://localhost:{}", nginx.ports[0]);
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    let mut spec = quick();
    spec.search.levels = Levels::List(vec![1.0]);
    serde_json::to_writer(file.as_file(), &spec).unwrap();
    let submitted = said(&["submit", file.path().to_str().unwrap(), "--server", &address], &[]);
    assert_eq!(submitted.code, Some(4), "{}", submitted.complaint);
    let words = "it redirects to https://gauge.example: give that as the server's address";
    assert!(submitted.complaint.contains(words), "{}", submitted.complaint);
    assert!(!submitted.complaint.contains("/v1/sweeps"), "{}", submitted.complaint);
}
