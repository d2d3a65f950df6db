//! Answers that are longer than what is held of them: they say the same as if they were made at once, and
//! go to nobody who doesn't take them.

use super::server::{Server, problem, small};
use crate::support::{TestDatabase, all_rows, on_both_databases, trained};
use floodgauge::{
    http::{ConnectionBounds, bounds::Bounds},
    store::CurveRow,
};
use floodgauge_api::{
    curves::{Curve, CurveList},
    grid::Grid,
};
use floodgauge_protocol::{ArmIx, FamilyIx, Metric, MetricName, SweepId, TrialKey};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{interval, timeout},
};

on_both_databases! {
    curves_longer_than_what_is_held_of_them_are_the_same_as_at_once,
    a_grid_longer_than_what_is_held_of_it_is_the_same_as_at_once,
    what_is_reported_meanwhile_is_no_part_of_an_answer_and_what_is_deleted_breaks_it_off,
    who_takes_nothing_or_next_to_nothing_of_an_answer_is_cut_off,
}

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(120);

/// More than four MiB hold of all columns of a trial.
const LONG: u32 = 50_000;

/// A server over a database, and a sweep there with so many epochs of its two first arms; the third has
/// none.
async fn with_curves(db: &TestDatabase, server: Server, epochs: u32) -> (Server, SweepId) {
    let mut spec = small("long");
    spec["recipe"]["epochs"] = json!(epochs);
    let sweep = server.submit(&spec).await.parse().unwrap();
    db.execute(&trained(sweep, 2, epochs)).await;
    (server, sweep)
}

async fn over(db: &TestDatabase) -> Server {
    Server::on_folder(tempfile::tempdir().unwrap(), db.store.clone()).await
}

fn curve(rows: &[CurveRow], onset: Option<u64>) -> Curve {
    let metric = |name: &str| -> Vec<Option<Metric>> {
        let name: MetricName = name.parse().unwrap();
        rows.iter().map(|row| row.metrics.get(name)).collect()
    };
    let told = |name| metric(name).into_iter().collect::<Option<_>>();
    Curve {
        family: rows[0].trial.family,
        arm: rows[0].trial.arm,
        epoch: rows.iter().map(|row| row.epoch).collect(),
        step: rows.iter().map(|row| row.step).collect(),
        train_loss: rows.iter().map(|row| row.train_loss).collect(),
        metrics: ["lr", "val_error", "val_loss"]
            .map(|name| (name.parse().unwrap(), metric(name)))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        val_loss: told("val_loss"),
        val_error: told("val_error"),
        branch: rows.iter().map(|row| row.branch).collect(),
        grad_norm: rows.iter().map(|row| Some(row.diagnostics?.grad_norm)).collect(),
        ascending: rows.iter().map(|row| Some(row.diagnostics?.ascending)).collect(),
        flooded_steps: rows.iter().map(|row| Some(row.diagnostics?.flooded_steps)).collect(),
        onset_step: rows.iter().map(|row| onset.filter(|&onset| onset < row.step)).collect(),
    }
}

async fn text(server: &Server, path: &str, accept: &str) -> String {
    let request = server.request(Method::GET, path).header("accept", accept);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

/// Two texts that are too long to be shown.
fn assert_same(a: &str, b: &str) {
    let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| text[at.saturating_sub(80)..].chars().take(160).collect::<String>();
    assert!(a == b, "from byte {at} on: {} … is not {} …", around(a), around(b));
}

async fn curves_longer_than_what_is_held_of_them_are_the_same_as_at_once(db: TestDatabase) {
    let (server, sweep) = with_curves(&db, over(&db).await, LONG).await;
    let path = format!("/v1/sweeps/{sweep}/curves");
    let rows = all_rows(&db.store, sweep, 10_000).await;
    assert_eq!(rows.len(), 2 * LONG as usize);
    let (plain, flooded) = rows.split_at(LONG as usize);
    let items = vec![curve(plain, None), curve(flooded, Some(3))];
    let at_once = serde_json::to_string(&CurveList { items }).unwrap();
    assert_same(&text(&server, &path, "application/json").await, &at_once);

    let csv = text(&server, &path, "text/csv").await;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + rows.len());
    assert_eq!(lines[5], "0,0,0,0,plain,,5,10,diverged,1.0986122886681098,0.125,,,,,0.05");
    assert_eq!(lines[6], "0,0,0,0,plain,,6,12,0.3333333333333333,diverged,0.1,0.25,0.25,6,,");
    let last = lines[rows.len()];
    assert_eq!(
        last,
        "0,0,0,1,flood,0.1,50000,100000,0.00004,1.0986122886681098,0.125,0.00003,0.25,50000,3,0.05"
    );
    let epochs =
        lines[1..].iter().map(|line| line.split(',').nth(6).unwrap().parse::<u32>().unwrap());
    assert!(epochs.eq((1..=LONG).chain(1..=LONG)));
}

async fn a_grid_longer_than_what_is_held_of_it_is_the_same_as_at_once(db: TestDatabase) {
    let (server, sweep) = with_curves(&db, over(&db).await, LONG).await;
    let grid = text(&server, &format!("/v1/sweeps/{sweep}/grid"), "*/*").await;
    let read: Grid = serde_json::from_str(&grid).unwrap();
    assert_same(&grid, &serde_json::to_string(&read).unwrap());
    let rows = all_rows(&db.store, sweep, 10_000).await;
    let (plain, flooded) = rows.split_at(LONG as usize);
    let run = &read.runs[0];
    assert_eq!(run.onset_step, [None, Some(3), None]);
    let of = |name: &str| -> MetricName { name.parse().unwrap() };
    for (arm, rows) in [plain, flooded, &[]].into_iter().enumerate() {
        let told =
            |name| -> Vec<_> { rows.iter().filter_map(|row| row.metrics.get(of(name))).collect() };
        assert!(run.train_loss[arm].iter().eq(rows.iter().map(|row| &row.train_loss)));
        assert_eq!(run.val_loss.as_ref().unwrap()[arm], told("val_loss"));
        assert_eq!(run.val_error.as_ref().unwrap()[arm], told("val_error"));
        let rates: Vec<_> = rows.iter().map(|row| row.metrics.get(of("lr"))).collect();
        assert_eq!(run.metrics[&of("lr")][arm], rates);
    }
}

/// A connection that asks for something, showing the server's token if it has one, and takes as little
/// at once as can be.
pub async fn asks(server: &Server, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = server.base.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let token = server.token.iter().map(|token| format!("authorization: bearer {token}\r\n"));
    let token: String = token.collect();
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{token}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    stream
}

/// Whether what is still to come ends as an answer does, and how long that is.
async fn rest(mut stream: TcpStream) -> (bool, usize) {
    let mut rest = Vec::new();
    // One that is closed with bytes unread is reset.
    let _ = timeout(BOUND, stream.read_to_end(&mut rest)).await.expect("the answer has no end");
    (rest.ends_with(b"0\r\n\r\n"), rest.len())
}

async fn what_is_reported_meanwhile_is_no_part_of_an_answer_and_what_is_deleted_breaks_it_off(
    db: TestDatabase,
) {
    let (server, sweep) = with_curves(&db, over(&db).await, LONG).await;
    let path = format!("/v1/sweeps/{sweep}/curves");
    let before = text(&server, &path, "*/*").await.len();
    let begun = asks(&server, &path).await;
    let more = format!(
        "insert into reports (sweep, family, arm, epoch, step, train_loss, metrics, branch)
         select sweep, family, arm, epoch + 1, step + 2, 1.0, metrics, 0 from reports
         where sweep = '{sweep}' and epoch = {LONG};
         update trials set epochs = epochs + 1 where sweep = '{sweep}' and epochs > 0;"
    );
    db.execute(&more).await;
    let (is_whole, length) = rest(begun).await;
    assert!(is_whole && length > before, "{length} bytes in chunks, {before} without");
    let after = text(&server, &path, "*/*").await;
    assert!(after.contains(",50001]") && after.len() > before);

    let begun = asks(&server, &path).await;
    let deleted = format!("delete from reports where sweep = '{sweep}' and epoch > 1000");
    db.execute(&deleted).await;
    let (is_whole, length) = rest(begun).await;
    assert!(!is_whole && length < before, "{length} of {before} bytes");
    problem(server.get(&path).await, 503, "unavailable").await;
}

async fn who_takes_nothing_or_next_to_nothing_of_an_answer_is_cut_off(db: TestDatabase) {
    let connections = ConnectionBounds {
        write: Duration::from_secs(2),
        least_rate: 256 << 10,
        ..Default::default()
    };
    let bounds = Bounds { exports: 4, ..Bounds::default() };
    let server = Server::with_store(db.store.clone(), connections, bounds).await;
    let (server, sweep) = with_curves(&db, server, LONG).await;
    let path = format!("/v1/sweeps/{sweep}/curves");
    let whole = text(&server, &path, "*/*").await.len();
    let silent = join_all((0..4).map(|_| asks(&server, &path))).await;
    // Once those have gone there is a place again; what isn't long is answered all the same.
    assert_eq!(server.get(&format!("/v1/sweeps/{sweep}/best")).await.status(), StatusCode::OK);
    assert_eq!(text(&server, &path, "*/*").await.len(), whole);
    for stream in silent {
        let (is_whole, length) = rest(stream).await;
        assert!(!is_whole && length < whole / 2, "{length} of {whole} bytes");
    }
    // Half of the least rate.
    let mut trickling = asks(&server, &path).await;
    let (mut ticks, mut taken) = (interval(Duration::from_millis(8)), 0);
    let mut bytes = [0; 1024];
    let cut = async {
        loop {
            ticks.tick().await;
            match trickling.read(&mut bytes).await {
                Ok(count) if count > 0 => taken += count,
                _ => return,
            }
        }
    };
    timeout(BOUND, cut).await.expect("it may trickle for ever");
    assert!(taken < whole / 2, "{taken} of {whole} bytes");
}

#[tokio::test]
async fn who_takes_an_answer_at_its_pace_gets_all_of_it() {
    let connections = ConnectionBounds {
        write: Duration::from_secs(1),
        least_rate: 16 << 10,
        ..Default::default()
    };
    let db = TestDatabase::sqlite().await;
    let server = Server::with_store(db.store.clone(), connections, Bounds::default()).await;
    let (server, sweep) = with_curves(&db, server, 10_000).await;
    let mut stream = asks(&server, &format!("/v1/sweeps/{sweep}/curves")).await;
    // For longer than it may take nothing.
    let (mut ticks, mut bytes) = (interval(Duration::from_millis(2)), vec![0; 16 << 10]);
    let mut last = Vec::new();
    let taken = async {
        loop {
            ticks.tick().await;
            match stream.read(&mut bytes).await.unwrap() {
                0 => return,
                count => last = bytes[..count].to_vec(),
            }
        }
    };
    timeout(BOUND, taken).await.unwrap();
    assert!(last.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn a_list_of_any_length_is_a_page_with_its_cursor() {
    let server = Server::start().await;
    for number in 0..41 {
        server.submit(&small(&format!("sweep {number}"))).await;
    }
    let page = async |limit: u32, cursor: Option<&str>| {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        server.json(&format!("/v1/sweeps?limit={limit}{cursor}")).await
    };
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<_> = (0..41).rev().map(|number| format!("sweep {number}")).collect();
    for limit in [1, 19, 20, 21, 39, 40, 41, 42, 200] {
        let first = page(limit, None).await;
        assert_eq!(names(&first), all[..all.len().min(limit as usize)], "{limit}");
        let next = &first["next_cursor"];
        assert_eq!(next.is_null(), limit >= 41, "{limit}");
        if let Some(cursor) = next.as_str() {
            let second = page(200, Some(cursor)).await;
            assert_eq!(names(&second), all[limit as usize..], "{limit}");
        }
    }
    let nothing = server.json("/v1/sweeps?search=nothing").await;
    assert_eq!(nothing, json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn trials_are_listed_family_by_family_however_many_they_are() {
    let server = Server::start().await;
    let mut spec = small("many");
    spec["search"]["seeds"] = json!((0..100).collect::<Vec<_>>());
    let sweep = server.submit(&spec).await;
    let path = format!("/v1/sweeps/{sweep}/trials");
    let text = server.get(&path).await.text().await.unwrap();
    assert!(text.len() > 64 << 10, "more than two pieces");
    let list: Value = serde_json::from_str(&text).unwrap();
    let items = list["items"].as_array().unwrap();
    let keys = items.iter().map(|item| TrialKey {
        family: FamilyIx(u16::try_from(item["family"].as_u64().unwrap()).unwrap()),
        arm: ArmIx(u16::try_from(item["arm"].as_u64().unwrap()).unwrap()),
    });
    let all = (0..100).flat_map(|family| (0..3).map(move |arm| (family, arm)));
    assert!(keys.eq(all.map(|(family, arm)| TrialKey::new(FamilyIx(family), ArmIx(arm)))));
}
