//! What came of a sweep: best, trials, curves, grid.

use super::{
    server::{Server, small},
    worker::{claim, post, rows, train, train_all},
};
use floodgauge::simulate::{
    RecordedGrid,
    score::{Contestant, score},
};
use floodgauge_protocol::MetricName;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A grid of two levels and two seeds, run to its end.
async fn completed(server: &Server) -> String {
    let mut spec = small("whole");
    spec["search"]["seeds"] = json!([3, 4]);
    let sweep = server.submit(&spec).await;
    train_all(server).await;
    format!("/v1/sweeps/{sweep}")
}

#[tokio::test]
async fn the_best_arm_is_asked_for_at_any_time() {
    let server = Server::start().await;
    let sweep = server.submit(&small("asked")).await;
    let path = format!("/v1/sweeps/{sweep}/best");
    let best = server.json(&path).await;
    assert_eq!(best["sweep"], sweep);
    assert_eq!(best["status"], "queued");
    for nothing_yet in ["best", "baseline", "difference", "paste"] {
        assert_eq!(best[nothing_yet], json!(null));
    }
    train_all(&server).await;
    let best = server.json(&path).await;
    assert_eq!(best["status"], "completed");
    assert_eq!((&best["metric"], &best["at"]), (&json!("val_loss"), &json!("last")));
    let flood =
        json!({ "arm": 2, "name": "flood b=0.2", "method": "flood", "b": 0.2, "parameter": 0.2 });
    for (field, value) in flood.as_object().unwrap() {
        assert_eq!(&best["best"][field], value, "{field}");
        assert_eq!(&best["probabilities"][2][field], value, "{field}");
    }
    assert_eq!(best["best"]["test"], json!({ "loss": 0.5, "error": 0.1 }));
    assert!(best["difference"]["mean"].as_f64().unwrap() < 0.0);
    assert_eq!(best["difference"]["low"], json!(null), "one seed has no interval");
    assert_eq!(best["run_equivalents"]["full_grid"], 3.0);
    assert!(!best["verdict"].as_str().unwrap().is_empty());
    let paste = json!({ "line": "loss = (loss - 0.2).abs() + 0.2", "learning_rate": 0.05,
                        "weight_decay": 0.0, "epochs": 4,
                        "words": "at learning rate 0.05, for 4 epochs" });
    assert_eq!(best["paste"], paste);
    let listed = server.json("/v1/sweeps").await;
    assert_eq!(listed["items"][0]["best"]["best"], best["best"]);
}

#[tokio::test]
async fn a_sparkline_is_the_best_arms_curve() {
    let server = Server::start().await;
    let sweep = server.submit(&small("spark")).await;
    let path = format!("/v1/sweeps/{sweep}/sparkline");
    let before = server.json(&path).await;
    let nothing = json!({ "arm": 0, "family": 0, "metric": "val_loss", "epoch": [], "value": [] });
    assert_eq!(before, nothing);
    train_all(&server).await;
    let line = server.json(&path).await;
    assert_eq!(line["arm"], 2, "flood b=0.2 is the best of the three");
    assert_eq!(line["epoch"], json!([1, 2, 3, 4]));
    let curves = server.json(&format!("/v1/sweeps/{sweep}/curves")).await;
    assert_eq!(line["value"], curves["items"][2]["metrics"]["val_loss"]);
}

#[tokio::test]
async fn an_answer_of_several_seeds_says_how_sure_it_is_of_each_arm() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let best = server.json(&format!("{path}/best")).await;
    // Both seeds tell the very same, so that nothing is left to doubt.
    assert_eq!((&best["finding"], &best["noise_floor"]), (&json!("helps"), &json!(null)));
    let arms = best["probabilities"].as_array().unwrap();
    assert_eq!(arms.len(), 3);
    let sum: f64 = arms.iter().map(|arm| arm["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{best}");
    assert_eq!((&arms[2]["evidence"], &arms[2]["seeds"]), (&json!("trained"), &json!(2)));
    let metric = &best["other_metric"];
    assert_eq!((&metric["metric"], &metric["prefers"]), (&json!("val_error"), &json!("same")));
    let sweep = path.rsplit('/').next().unwrap();
    let command = format!("floodgauge extend {sweep} --levels 0.3,0.4,0.5,0.6");
    assert_eq!(best["advice"]["command"], command, "the best is the highest level");
}

#[tokio::test]
async fn the_table_has_a_row_a_read_out_and_weight_decay() {
    let server = Server::start().await;
    let mut spec = small("tabled");
    spec["search"]["seeds"] = json!([3, 4]);
    spec["search"]["weight_decay"] = json!([0.0, 0.1]);
    let path = format!("/v1/sweeps/{}/table", server.submit(&spec).await);
    let before = server.json(&path).await;
    assert_eq!(before["rows"].as_array().unwrap().len(), 4);
    assert_eq!(before["rows"][0]["without"], json!(null), "nothing was trained yet");
    train_all(&server).await;
    let table = server.json(&path).await;
    assert_eq!((&table["status"], &table["metric"]), (&json!("completed"), &json!("val_loss")));
    let shown: Vec<_> = table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (row["early_stopping"].as_bool().unwrap(), row["weight_decay"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(shown, [(false, 0.0), (false, 0.1), (true, 0.0), (true, 0.1)]);
    for row in &table["rows"].as_array().unwrap()[..2] {
        let with = &row["with"];
        assert_eq!(
            (&with["arm"], &with["name"], &with["seeds"]),
            (&json!(2), &json!("flood b=0.2"), &json!(2))
        );
        assert_eq!(with["metrics"]["val_loss"], json!({ "mean": 0.48, "standard_error": 0.0 }));
        for cell in [&row["without"], with] {
            assert_eq!(cell["test_error"], json!({ "mean": 0.1, "standard_error": 0.0 }));
        }
    }
    let csv = server.request(Method::GET, &path).header("accept", "text/csv");
    let response = csv.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    let text = response.text().await.unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 8);
    assert_eq!(lines[2], "false,0,flood,flood b=0.2,0.2,2,0.48,0,0.12,0,0.5,0,0.1,0");
}

#[tokio::test]
async fn all_trials_are_listed_from_the_start() {
    let server = Server::start().await;
    let sweep = server.submit(&small("trials")).await;
    let path = format!("/v1/sweeps/{sweep}/trials");
    let before = server.json(&path).await;
    assert_eq!(before["items"].as_array().unwrap().len(), 3);
    assert_eq!(before["items"][2]["objective"], json!(null));
    train_all(&server).await;
    let after = server.json(&path).await;
    let last = &after["items"][2];
    assert_eq!(last["id"], format!("{sweep}.0.2"));
    for (field, value) in [
        ("family", json!(0)),
        ("seed", json!(0)),
        ("weight_decay", json!(0.0)),
        ("arm", json!(2)),
        ("name", json!("flood b=0.2")),
        ("method", json!("flood")),
        ("b", json!(0.2)),
        ("parameter", json!(0.2)),
        ("status", json!("completed")),
        ("epochs", json!(4)),
        ("onset_step", json!(3)),
    ] {
        assert_eq!(last[field], value, "{field}");
    }
    assert!((last["objective"].as_f64().unwrap() - 0.48).abs() < 1e-12);
    assert_eq!(last["checkpoint"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn curves_come_as_json_with_aligned_arrays() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let curves = server.json(&format!("{path}/curves")).await;
    let curves = curves["items"].as_array().unwrap();
    assert_eq!(curves.len(), 6);
    let last = &curves[5];
    assert_eq!((&last["family"], &last["arm"]), (&json!(1), &json!(2)));
    assert_eq!(last["epoch"], json!([1, 2, 3, 4]));
    assert_eq!(last["step"], json!([2, 4, 6, 8]));
    assert_eq!(last["branch"], json!([0, 2, 2, 2]));
    assert_eq!(last["train_loss"], json!([2.0, 0.98, 0.6466666666666666, 0.48]));
    assert_eq!(last["grad_norm"], json!([null, null, null, null]), "no worker told any");
    assert_eq!(last["onset_step"], json!([null, 3, 3, 3]));
}

#[tokio::test]
async fn diagnostics_come_with_the_curves() {
    let server = Server::start().await;
    let sweep = server.submit(&small("told")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let mut rows = rows(&work, 1);
    rows[0]["diagnostics"] = json!({ "grad_norm": 0.5, "ascending": 0.25, "flooded_steps": 3 });
    let answer = post(&server, &work, "reports", &json!({ "rows": rows })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let path = format!("/v1/sweeps/{sweep}/curves");
    let curve = &server.json(&path).await["items"][0];
    for (field, value) in
        [("grad_norm", json!([0.5])), ("ascending", json!([0.25])), ("flooded_steps", json!([3]))]
    {
        assert_eq!(curve[field], value);
    }
    let csv = server.request(Method::GET, &path).header("accept", "text/csv");
    let table = csv.send().await.unwrap().text().await.unwrap();
    assert!(table.lines().nth(1).unwrap().ends_with(",0.5,0.25,3,,"), "{table}");
}

#[tokio::test]
async fn curves_come_as_csv_to_those_who_accept_it() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let request = server.request(Method::GET, &format!("{path}/curves"));
    let response = request.header("accept", "text/csv").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    let vary = response.headers().get_all("vary").iter().map(|value| value.to_str().unwrap());
    assert!(vary.collect::<String>().to_lowercase().contains("accept"));
    let table = response.text().await.unwrap();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(
        lines[0],
        "family,seed,weight_decay,arm,method,b,epoch,step,train_loss,val_loss,val_error,\
         grad_norm,ascending,flooded_steps,onset_step,lr"
    );
    assert_eq!(lines.len(), 1 + 6 * 4);
    assert_eq!(lines[1], "0,3,0,0,plain,,1,2,2,2,0.5,,,,,");
    assert_eq!(lines[24], "1,4,0,2,flood,0.2,4,8,0.48,0.48,0.12,,,,3,");
}

#[tokio::test]
async fn a_diverged_loss_is_a_word_in_json_and_csv() {
    let server = Server::start().await;
    let sweep = server.submit(&small("wild")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let mut rows = rows(&work, 1);
    rows[0]["metrics"]["val_loss"] = json!("diverged");
    let answer = post(&server, &work, "reports", &json!({ "rows": rows })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let path = format!("/v1/sweeps/{sweep}/curves");
    assert_eq!(server.json(&path).await["items"][0]["metrics"]["val_loss"], json!(["diverged"]));
    let csv = server.request(Method::GET, &path).header("accept", "text/csv");
    let table = csv.send().await.unwrap().text().await.unwrap();
    assert!(table.contains(",diverged,"), "{table}");
}

#[tokio::test]
async fn a_grid_sweep_is_a_recorded_grid() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let grid = server.json(&format!("{path}/grid")).await;
    assert_eq!((&grid["task"], &grid["status"]), (&json!("whole"), &json!("completed")));
    assert_eq!(grid["levels"], json!([null, 0.1, 0.2]));
    assert_eq!(grid["epochs"], 4);
    let recipe = json!({
        "data": "spiral", "n_train": 100, "n_val": 100, "label_noise": 0.0,
        "model": "mlp", "hidden": [128, 128], "batch_norm": false, "optimizer": "sgd", "lr": 0.05,
        "weight_decay": 0.0, "batch_size": 50, "epochs": 4
    });
    assert_eq!(grid["recipe"], recipe, "as in version 0.1.0");
    assert_eq!(grid["spec"], server.json(&path).await["spec"], "the recipe without loss");
    let runs = grid["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, seed) in runs.iter().zip([3, 4]) {
        assert_eq!(run["seed"], seed);
        assert_eq!(run["steps_per_epoch"], 2);
        assert_eq!(run["onset_step"], json!([null, 3, 3]));
        for curve in ["train_loss", "val_loss", "val_error"] {
            let arms = run[curve].as_array().unwrap();
            let lengths: Vec<_> = arms.iter().map(|arm| arm.as_array().unwrap().len()).collect();
            assert_eq!(lengths, [4, 4, 4], "{curve}");
        }
    }
}

#[tokio::test]
async fn the_grid_of_an_unfinished_sweep_is_as_long_as_its_arms_were_trained() {
    let server = Server::start().await;
    let mut spec = small("part");
    spec["search"]["weight_decay"] = json!([0.0, 0.1]);
    let sweep = server.submit(&spec).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let answer = post(&server, &work, "reports", &json!({ "rows": rows(&work, 1) })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let grid = server.json(&format!("/v1/sweeps/{sweep}/grid")).await;
    assert_eq!(grid["recipe"]["weight_decay"], json!(null), "the runs have their own");
    let runs = grid["runs"].as_array().unwrap();
    let decays: Vec<_> = runs.iter().map(|run| run["weight_decay"].as_f64().unwrap()).collect();
    assert_eq!(decays, [0.0, 0.1]);
    let epochs: usize = runs
        .iter()
        .flat_map(|run| run["val_loss"].as_array().unwrap())
        .map(|arm: &Value| arm.as_array().unwrap().len())
        .sum();
    let reported: usize = work.segment.branches.iter().map(|branch| branch.arms.len()).sum();
    assert_eq!(epochs, reported);
}

#[tokio::test]
async fn schedulers_can_be_judged_on_a_finished_grid() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let grid = server.json(&format!("{path}/grid")).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, grid.to_string().as_bytes()).unwrap();
    let grids = RecordedGrid::read(file.path()).unwrap();
    for contestant in Contestant::all() {
        let score = score(&grids[0], contestant, MetricName::val_loss(), 2, 1).unwrap();
        assert_eq!((score.task.as_str(), score.picks.len()), ("whole", 1));
        assert!(score.cost <= 6.0, "{}: {}", contestant.name(), score.cost);
    }
}

#[tokio::test]
async fn a_sweep_tells_how_far_it_has_got() {
    let server = Server::start().await;
    let sweep = server.submit(&small("halfway")).await;
    let path = format!("/v1/sweeps/{sweep}");
    let told = async || server.json(&path).await["progress"].clone();
    let before = told().await;
    assert_eq!(before["phase"], "not begun");
    assert_eq!((&before["elapsed_s"], &before["left_s"]), (&json!(null), &json!(null)));
    let work = claim(&server, "worker", 0).await.unwrap();
    let answer = post(&server, &work, "reports", &json!({ "rows": rows(&work, 1) })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let under_way = told().await;
    let figure = |of: &Value, name: &str| of[name].as_f64().unwrap();
    assert!(figure(&under_way, "spent") > 0.0, "{under_way}");
    assert!(figure(&under_way, "spent") < figure(&under_way, "planned"), "{under_way}");
    assert!(figure(&under_way, "elapsed_s") >= 0.0, "{under_way}");
    assert_eq!(under_way["pruned"], 0.0, "nothing is decided");
    train(&server, &work).await;
    train_all(&server).await;
    let after = told().await;
    let best = server.json(&format!("{path}/best")).await;
    assert_eq!((&after["phase"], &after["left_s"]), (&json!("done"), &json!(null)));
    let cost = &best["run_equivalents"];
    assert_eq!((&after["spent"], &after["planned"]), (&cost["spent"], &cost["spent"]));
    assert_eq!(after["pruned"], cost["saved_by_pruning"]);
}
