//! What a server's memory is while clients take nothing of what they asked for.

use super::programs::{Process, Server};
use crate::support::{TestDatabase, trained};
use floodgauge::{
    blobs::Blobs,
    driver::{Driver, DriverConfig},
};
use floodgauge_protocol::SweepId;
use futures::future::join_all;
use serde_json::json;
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{interval, timeout},
};

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(300);

const READERS: usize = 24;
const TRIALS: u32 = 4;
const EPOCHS: u32 = 25_000;

/// What a reader may take, in MiB, with what the allocator keeps to itself. All rows at once take
/// several times that.
const MIB_EACH: u64 = 12;

/// A sweep of which every trial was trained.
async fn sweep_of_many_epochs(db: &TestDatabase, folder: &Path) -> SweepId {
    let blobs = Blobs::open(folder.join("blobs")).unwrap();
    let data = folder.join("data");
    let lease_ttl = Duration::from_secs(60);
    let config = DriverConfig { lease_ttl, data, start_over_after: None, data_dir: None };
    let driver = Driver::new(db.store.clone(), blobs, config);
    let spec = json!({
        "name": "long",
        "recipe": { "dataset": { "name": "spiral" }, "batch_size": 50, "epochs": EPOCHS },
        "search": { "levels": [0.1, 0.2, 0.3] },
        "scheduler": { "kind": "grid" }
    });
    let submitted = driver.submit(serde_json::from_value(spec).unwrap(), None).await.unwrap();
    db.execute(&trained(submitted.sweep, TRIALS, EPOCHS)).await;
    submitted.sweep
}

/// A figure of a process, in MiB.
fn mib(process: &Process, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

/// How many connections a server has.
fn connections(server: &Server) -> usize {
    let port: u16 = server.address.rsplit(':').next().unwrap().parse().unwrap();
    let (local, established) = (format!(":{port:04X}"), "01");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[1].ends_with(&local) && row[3] == established).count()
}

/// A connection that asked, and takes no more than the head of the answer. A machine that is busy with other
/// tests may have it ask again.
async fn asks(server: &Server, path: &str, accept: &str) -> TcpStream {
    loop {
        let (stream, begin) = ask(server, path, accept).await;
        if &begin != b"HTTP/1.1 503 Se" {
            assert_eq!(&begin, b"HTTP/1.1 200 OK");
            return stream;
        }
    }
}

async fn ask(server: &Server, path: &str, accept: &str) -> (TcpStream, [u8; 15]) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = server.address.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begin = [0; 15];
    timeout(BOUND, stream.read_exact(&mut begin)).await.expect("no answer").unwrap();
    (stream, begin)
}

async fn readers_that_do_not_read(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep_of_many_epochs(&db, folder.path()).await;
    let url = db.url.clone();
    // A SQLite file has one server, but what else is open of it is no matter.
    let server = Server::start_with(folder.path(), Some(&url), &["--write-timeout", "10"], &[]);
    server.json("/v1/sweeps").await;
    let before = mib(&server.process, "VmHWM:");
    let path = format!("/v1/sweeps/{sweep}/curves");
    let accepts = ["application/json", "text/csv"];
    let asked = (0..READERS).map(|reader| asks(&server, &path, accepts[reader % 2]));
    let readers = join_all(asked).await;

    // Beside them one that does.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("{}{path}", server.address)).header("accept", "text/csv");
    let mut response = request.send().await.unwrap();
    let mut lines = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        lines += chunk.iter().filter(|byte| **byte == b'\n').count();
    }
    assert_eq!(lines, 1 + (TRIALS * EPOCHS) as usize);
    let grown = mib(&server.process, "VmHWM:") - before;
    println!("{READERS} readers that don't read: {grown} MiB");
    assert!(grown < MIB_EACH * (READERS as u64 + 1), "it grew by {grown} MiB");

    drop((response, client));
    let mut ticks = interval(Duration::from_millis(100));
    let cut = async {
        while connections(&server) > 0 {
            ticks.tick().await;
        }
    };
    timeout(BOUND, cut).await.expect("they are kept");
    for mut reader in readers {
        let mut rest = Vec::new();
        // One that is closed with bytes unread is reset.
        let _ = timeout(BOUND, reader.read_to_end(&mut rest)).await.expect("it is kept");
        assert!(!rest.ends_with(b"0\r\n\r\n"), "all of it was sent");
    }
}

#[tokio::test]
async fn readers_that_do_not_read_cost_little_and_are_cut_off_on_sqlite() {
    readers_that_do_not_read(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn readers_that_do_not_read_cost_little_and_are_cut_off_on_postgres() {
    readers_that_do_not_read(TestDatabase::postgres().await).await;
}
