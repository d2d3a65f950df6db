//! Requests made to harm: each is refused with what is wrong with it.

use super::{
    server::{Server, problem, small},
    worker::{self, claim},
};
use crate::support::postgres;
use flate2::{Compression, write::GzEncoder};
use floodgauge::access::{Limits, Scope};
use floodgauge_api::{SweepBest, SweepList, SweepTable};
use floodgauge_protocol::{SegmentKind, work::Assignment};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::io::Write as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a server answers to bytes as they are.
async fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    // A server that has had enough doesn't read on.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn json_nested_deeper_than_anything_real_is_malformed() {
    let server = Server::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        deep.clone(),
        format!(r#"{{"name": "x", "recipe": {deep}}}"#),
        format!(r#"{{"name": {deep}}}"#),
        "{\"a\":".repeat(100_000),
    ] {
        let request = server.request(Method::POST, "/v1/sweeps").body(body);
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        problem(answer, 400, "malformed").await;
    }
}

#[tokio::test]
async fn a_packed_body_is_not_unpacked() {
    let server = Server::start().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 64 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    for (path, kind) in [("/v1/sweeps", "application/json"), ("/v1/datasets?name=x", "text/csv")] {
        let request = server.request(Method::POST, path).header("content-type", kind);
        let answer = request.header("content-encoding", "gzip").body(bomb.clone()).send().await;
        let body = problem(answer.unwrap(), 415, "unsupported-media-type").await;
        assert!(body["detail"].as_str().unwrap().contains("content-encoding"), "{body}");
    }
    let plain = server.request(Method::POST, "/v1/sweeps").header("content-encoding", "identity");
    let answer = plain.json(&small("plain")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    let server = Server::start().await;
    let huge = "x".repeat(1 << 20);
    let answer =
        raw(&server, &format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {huge}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:.100}");
    let many: String = (0..10_000).map(|i| format!("x{i}: y\r\n")).collect();
    let answer =
        raw(&server, &format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:.100}");
    let path = "a".repeat(1 << 20);
    let answer = raw(&server, &format!("GET /{path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer:.100}");
    assert_eq!(server.get("/livez").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_event_id_beyond_every_log_is_malformed_or_waits_for_what_comes() {
    let server = Server::start().await;
    let sweep = server.submit(&small("overflow")).await;
    let ask = async |path: &str, id: &str| {
        server.request(Method::GET, path).header("last-event-id", id).send().await.unwrap()
    };
    let of_sweep = format!("/v1/sweeps/{sweep}/events");
    for id in ["18446744073709551616", "-1", "1e3", "0x1", "99999999999999999999999"] {
        problem(ask(&of_sweep, id).await, 400, "malformed").await;
    }
    let most = u64::MAX.to_string();
    assert_eq!(ask(&of_sweep, &most).await.status(), StatusCode::OK);
    for id in ["9223372036854775808-0", "0-9223372036854775808", "1", "--"] {
        problem(ask("/v1/events", id).await, 400, "malformed").await;
    }
    let most = format!("{0}-{0}", i64::MAX);
    assert_eq!(ask("/v1/events", &most).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn no_path_leads_out_of_where_it_belongs() {
    let server = Server::start().await;
    std::fs::write(server.folder.path().join("secret"), "secret").unwrap();
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/../../../../../../etc/passwd",
        "/v1/datasets/..%2fsecret",
        "/v1/datasets/%2e%2e",
        "/v1/sweeps/..%2f..%2fsecret",
        "//etc/passwd",
    ] {
        // As it is: a client's library would tidy it up.
        let answer = raw(
            &server,
            &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer:.200}");
        assert!(!answer.contains("root:"), "{path}");
    }
    for name in ["../evil", "a/b", "..", "C:\\x", "a\0b", ".hidden"] {
        let request = server.request(Method::POST, "/v1/datasets").query(&[("name", name)]);
        let request = request.header("content-type", "text/csv").body("1,0\n");
        problem(request.send().await.unwrap(), 400, "malformed").await;
        let mut spec = small("x");
        spec["recipe"]["dataset"] = json!({ "name": name });
        let answer = server.post("/v1/sweeps", &spec).await;
        assert!([400, 422].contains(&answer.status().as_u16()), "{name}");
    }
}

#[tokio::test]
async fn a_data_folder_does_not_reach_beyond_itself() {
    let server = Server::start().await;
    let data = server.folder.path().join("data");
    let elsewhere = server.folder.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::create_dir_all(data.join("svhn")).unwrap();
    for file in ["train_32x32.mat", "test_32x32.mat"] {
        std::fs::write(elsewhere.join(file), "root:x:0:0").unwrap();
        std::os::unix::fs::symlink(elsewhere.join(file), data.join("svhn").join(file)).unwrap();
    }
    let mut spec = small("linked");
    spec["recipe"]["dataset"] = json!({ "name": "svhn" });
    spec["recipe"]["model"] = json!({ "kind": "mlp", "hidden": [8] });
    let body = problem(server.post("/v1/sweeps", &spec).await, 422, "invalid-sweep").await;
    assert_eq!(body["errors"][0]["pointer"], "/recipe/dataset/name");
    let detail = body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("leads out of the data folder"), "{detail}");
}

#[tokio::test]
async fn a_name_that_a_spreadsheet_would_run_is_no_formula_in_what_is_exported() {
    let server = Server::start().await;
    let sweep = server.submit(&small("=HYPERLINK(\"http://evil.example\")")).await;
    worker::train_all(&server).await;
    let request = server.request(Method::GET, &format!("/v1/sweeps/{sweep}/curves"));
    let table = request.header("accept", "text/csv").send().await.unwrap().text().await.unwrap();
    for cell in table.lines().flat_map(|line| line.split(',')) {
        let formula = cell.starts_with(['=', '+', '@', '\t'])
            || cell.starts_with('-') && cell.parse::<f64>().is_err();
        assert!(!formula, "{cell}");
    }
}

/// What is counted before it is made costs nothing: four thousand million seeds were made, and then refused.
#[tokio::test]
async fn an_extension_by_more_than_a_sweep_may_have_is_refused_by_its_count() {
    let server = Server::start().await;
    let sweep = server.submit(&small("extended")).await;
    super::worker::train_all(&server).await;
    let extend = format!("/v1/sweeps/{sweep}/extend");
    for (body, pointer, said) in [
        (json!({ "seeds": 3_000_000 }), "/seeds", "not 3000001"),
        (json!({ "seeds": u32::MAX }), "/seeds", "not 4294967296"),
        (json!({ "levels": vec![0.5; 200_000] }), "/levels", "200002 levels"),
    ] {
        let refused = problem(server.post(&extend, &body).await, 422, "invalid-sweep").await;
        assert_eq!(refused["errors"][0]["pointer"], pointer);
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains(said), "{refused}");
    }
    assert_eq!(server.json(&format!("/v1/sweeps/{sweep}")).await["status"], "completed");
}

/// The answer is as short as the list is long.
#[tokio::test]
async fn a_megabyte_of_wrong_values_is_refused_in_a_few_words() {
    let server = Server::start().await;
    for (pointer, at_fault) in [
        ("/search/seeds", json!({ "search": { "seeds": vec![7; 400_000] } })),
        ("/search/seeds", json!({ "search": { "seeds": (0..140_000).collect::<Vec<_>>() } })),
        ("/search/weight_decay", json!({ "search": { "weight_decay": vec![-1; 300_000] } })),
        ("/search/levels", json!({ "search": { "levels": vec![-1; 300_000] } })),
        ("/search/methods", json!({ "search": { "methods": vec!["flood"; 120_000] } })),
        (
            "/search",
            json!({ "search": { "methods": [
            { "kind": "gradient_penalty", "lambda": vec![0; 500_000] }
        ] } }),
        ),
        (
            "/recipe/model/hidden",
            json!({ "recipe": { "dataset": { "name": "spiral" },
            "model": { "kind": "mlp", "hidden": vec![0; 500_000] } } }),
        ),
    ] {
        let mut spec = small("huge");
        for (part, fields) in at_fault.as_object().unwrap() {
            for (field, value) in fields.as_object().unwrap() {
                spec[part][field] = value.clone();
            }
        }
        for path in ["/v1/sweeps", "/v1/plans", "/v1/sweeps?dry_run=true"] {
            let body = problem(server.post(path, &spec).await, 422, "invalid-sweep").await;
            let errors = body["errors"].as_array().unwrap();
            assert!(errors.len() <= 100 && body.to_string().len() < 20_000, "{pointer}");
            assert!(errors.iter().any(|error| error["pointer"] == pointer), "{body}");
        }
    }
}

#[tokio::test]
async fn a_search_that_nothing_could_match_is_malformed() {
    let server = Server::start().await;
    let search = async |text: &str| {
        server.request(Method::GET, "/v1/sweeps").query(&[("search", text)]).send().await.unwrap()
    };
    for long in ["x".repeat(201), "x".repeat(60_000), "%".repeat(20_000), "ü".repeat(10_000)] {
        let body = problem(search(&long).await, 400, "malformed").await;
        assert!(body["detail"].as_str().unwrap().contains("at most 200 characters"), "{body}");
    }
    problem(search("a\0b").await, 400, "malformed").await;
    assert_eq!(search(&"ü".repeat(200)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn names_that_do_something_to_a_terminal_or_show_nothing_are_refused() {
    let server = Server::start().await.with_token(Scope::Admin, Limits::default()).await;
    for name in ["\u{1b}[2J", "a\nb", "\u{7}", "\u{9b}31m", "\u{202e}fdp", "\0", " ", "\u{2003}"] {
        let body =
            problem(server.post("/v1/sweeps", &small(name)).await, 422, "invalid-sweep").await;
        assert_eq!(body["errors"][0]["pointer"], "/name", "{body}");
        let token = json!({ "name": name, "scopes": ["read"] });
        let body = problem(server.post("/v1/tokens", &token).await, 400, "malformed").await;
        assert_eq!(body["errors"][0]["pointer"], "/name", "{body}");
    }
}

/// What a worker says of its failure is a text like any other.
async fn a_reason_of_any_characters_is_kept(server: Server) {
    let sweep = server.submit(&small("failing")).await;
    let reason = "boom\n\u{1b}[2J\u{9b}\u{202e}\0 \u{10ffff}";
    let claim = json!({ "worker": "\u{1b}[2J", "fingerprint": "test", "wait_s": 0 });
    problem(server.post("/v1/work/claim", &claim).await, 422, "invalid-work").await;
    while let Some(work) = worker::claim(&server, "worker", 0).await {
        let failed = worker::post(&server, &work, "fail", &json!({ "message": reason })).await;
        assert_eq!(failed.status(), StatusCode::NO_CONTENT);
    }
    let answer = server.json(&format!("/v1/sweeps/{sweep}")).await;
    assert_eq!(answer["status"], "failed");
    let trials = server.json(&format!("/v1/sweeps/{sweep}/trials")).await;
    let told = trials["items"][0]["reason"].as_str().unwrap();
    assert!(told.contains(&reason.replace('\0', "\u{fffd}")), "{told}");
}

#[tokio::test]
async fn a_reason_of_any_characters_is_kept_on_sqlite() {
    a_reason_of_any_characters_is_kept(Server::start().await).await;
}

#[tokio::test]
async fn a_reason_of_any_characters_is_kept_on_postgres() {
    let url = postgres::new_database().await;
    a_reason_of_any_characters_is_kept(Server::on_postgres(&url).await).await;
}

#[tokio::test]
async fn reports_of_the_largest_numbers_have_an_answer_that_reads() {
    let server = Server::start().await;
    for scheduler in ["grid", "sha", "asha", "hyperband", "halving"] {
        for seeds in [json!([0]), json!([0, 1, 2])] {
            let mut spec = small(scheduler);
            spec["recipe"]["epochs"] = json!(9);
            spec["search"]["seeds"] = seeds;
            spec["scheduler"] = json!({ "kind": scheduler });
            let sweep = server.submit(&spec).await;
            while let Some(work) = claim(&server, "worker", 0).await {
                report_extremes(&server, &work).await;
                let path = format!("/v1/sweeps/{sweep}/best");
                let best = server.get(&path).await.text().await.unwrap();
                let read: Result<SweepBest, _> = serde_json::from_str(&best);
                assert!(read.is_ok(), "{scheduler}: {read:?} of {best}");
            }
            let ended = server.json(&format!("/v1/sweeps/{sweep}")).await;
            assert!(
                ["completed", "failed"].contains(&ended["status"].as_str().unwrap()),
                "{ended}"
            );
            let table = server.get(&format!("/v1/sweeps/{sweep}/table")).await;
            assert_eq!(table.status(), StatusCode::OK);
            serde_json::from_str::<SweepTable>(&table.text().await.unwrap()).unwrap();
        }
    }
    let list = server.get("/v1/sweeps").await.text().await.unwrap();
    let list: SweepList = serde_json::from_str(&list).unwrap();
    assert!(list.items.iter().all(|sweep| sweep.best.is_some()));
}

/// Trains an assignment: every other arm has the largest number as its loss, the others the smallest.
async fn report_extremes(server: &Server, work: &Assignment) {
    if work.segment.kind == SegmentKind::Train {
        let rows = worker::epochs(work).flat_map(|epoch| worker::rows(work, epoch));
        let rows = rows.map(|mut row| {
            let odd = row["arms"][0].as_u64().unwrap() % 2 == 1;
            let loss = if odd { -1.7e308 } else { 1.7e308 };
            row["train_loss"] = json!(loss);
            row["metrics"] = json!({ "val_loss": loss, "val_error": -loss });
            row
        });
        let report = json!({ "rows": rows.collect::<Vec<_>>() });
        let answer = worker::post(server, work, "reports", &report).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }
    let ends = json!({ "branches": worker::ends(server, work).await });
    let answer = worker::post(server, work, "finish", &ends).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
}
