//! Sweeps that are taken away as a file and run again elsewhere, by the real programs.

use super::{
    entries, follow,
    programs::{Process, Server, ended, program, refused, run, worker},
};
use crate::support::postgres;
use floodgauge::{client::LogEntry, scheduler::SweepStatus};
use floodgauge_protocol::{SweepId, SweepSpec};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::{fs, io::Read as _, path::Path};

/// A halving of two seeds on a data set.
fn spec(dataset: &str) -> SweepSpec {
    serde_json::from_value(json!({
        "name": "taken away",
        "recipe": {
            "dataset": { "name": dataset, "label_noise": 0.2 },
            "model": { "kind": "mlp", "hidden": [16] },
            "optimizer": { "kind": "sgd", "lr": 0.1, "momentum": 0.9 },
            "batch_size": 10,
            "epochs": 12
        },
        "search": { "levels": [0.2, 0.4, 0.6, 0.8], "seeds": [0, 1] }
    }))
    .unwrap()
}

/// 80 rows of two features, the class their sign.
fn table() -> String {
    (0..80)
        .map(|i| {
            let (x, y) = (f64::from(i * 7 % 80) / 40.0 - 1.0, f64::from(i * 11 % 80) / 40.0 - 1.0);
            format!("{x},{y},{}\n", u8::from(x + y > 0.0))
        })
        .collect()
}

/// A server with a worker.
struct Place {
    server: Server,
    _worker: Process,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new(database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), database);
        let worker = worker(&server.address, "local");
        Self { server, _worker: worker, _folder: folder }
    }

    async fn train(&self, spec: &SweepSpec) -> SweepId {
        let sweep = self.server.client.submit(spec, None).await.unwrap().value.summary.id;
        follow(&self.server, sweep).await;
        sweep
    }

    /// Adds the table as `signs`.
    fn with_data(self, folder: &Path) -> Self {
        let file = folder.join("signs.csv");
        fs::write(&file, table()).unwrap();
        run(&["dataset", "add", file.to_str().unwrap(), "--server", &self.server.address]);
        self
    }

    fn export(&self, sweep: SweepId, file: &Path, flags: &[&str]) {
        let (id, file) = (sweep.to_string(), file.to_str().unwrap());
        let arguments = ["export", &id, "--output", file, "--server", &self.server.address];
        let said = run(&[&arguments, flags].concat());
        assert_eq!(said.trim_end(), file);
    }

    fn rerun(&self, file: &Path, flags: &[&str]) -> Vec<String> {
        let arguments = ["rerun", file.to_str().unwrap(), "--server", &self.server.address];
        [&arguments, flags].concat().into_iter().map(String::from).collect()
    }
}

/// The words of a command as `programs` takes them.
fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

async fn taken_away_and_run_again(database: Option<&str>, elsewhere: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.json");
    let (first, second) = (Place::new(database), Place::new(elsewhere));
    let sweep = first.train(&spec("digits")).await;
    first.export(sweep, &file, &[]);

    let exported: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let id = sweep.to_string();
    let best = first.server.json(&format!("/v1/sweeps/{sweep}/best")).await;
    assert_eq!(exported["answer"], best);
    let grid = first.server.json(&format!("/v1/sweeps/{sweep}/grid")).await;
    for (field, value) in grid.as_object().unwrap() {
        assert_eq!(&exported[field], value, "{field}");
    }
    let log = exported["log"].as_array().unwrap();
    let newest = first.server.json(&format!("/v1/sweeps/{sweep}")).await["seq"].as_u64().unwrap();
    assert!(log.iter().map(|entry| entry["seq"].as_u64().unwrap()).eq(1..=newest));
    assert!(log.iter().any(|entry| !entry["decisions"].as_array().unwrap().is_empty()));
    let origin = &exported["export"];
    assert_eq!((&origin["format"], &origin["sweep"]), (&json!(1), &json!(id)));
    assert_eq!(origin["program"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&origin["scheduler"], &origin["status"]), (&json!("halving"), &json!("completed")));
    assert!(origin["scheduler_version"].as_u64().unwrap() >= 1 && origin["protocol"].is_string());
    let data = &exported["dataset"];
    assert_eq!((&data["name"], &data["kind"]), (&json!("digits"), &json!("built_in")));
    assert_eq!((&data["sha256"], &data["features"]), (&Value::Null, &json!(64)));

    let arguments = second.rerun(&file, &["--json"]);
    let told: Value = serde_json::from_str(&run(&words(&arguments))).unwrap();
    assert_eq!((&told["differs"], &told["winner"]["same"]), (&json!(false), &json!(true)));
    assert!(told["figures"].as_u64().unwrap() > 100, "{told}");
    assert_eq!((&told["same"], &told["lengths"]), (&told["figures"], &json!(0)));
    let again: SweepId = told["sweep"].as_str().unwrap().parse().unwrap();
    let elsewhere = second.server.json(&format!("/v1/sweeps/{again}/grid")).await;
    assert_eq!(elsewhere, grid, "bit for bit");
    let shown = run(&words(&second.rerun(&file, &["--against", &again.to_string()])));
    assert!(shown.contains("      winner  the same: "), "{shown}");
    assert!(shown.contains(" agree bit for bit\n"), "{shown}");

    // One bit of it altered is found, and is no success.
    let mut altered = exported;
    let loss = &mut altered["runs"][1]["val_loss"][0][3];
    *loss = json!(loss.as_f64().unwrap().next_up());
    fs::write(&file, altered.to_string()).unwrap();
    let output =
        program(&words(&second.rerun(&file, &["--against", &again.to_string()]))).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("val_loss of plain, seed 1, epoch 4: "), "{shown}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("the sweep differs from its recording"), "{complaint}");
}

#[tokio::test]
async fn a_sweep_that_is_taken_away_comes_out_the_same_elsewhere_on_sqlite() {
    taken_away_and_run_again(None, None).await;
}

#[tokio::test]
async fn a_sweep_that_is_taken_away_comes_out_the_same_elsewhere_on_postgres() {
    let databases = [postgres::new_database().await, postgres::new_database().await];
    taken_away_and_run_again(Some(&databases[0]), Some(&databases[1])).await;
}

#[tokio::test]
async fn a_data_set_goes_with_its_sweep_or_is_missed_by_its_name_and_digest() {
    let folder = tempfile::tempdir().unwrap();
    let [alone, packed] = ["alone.json", "packed.zip"].map(|name| folder.path().join(name));
    let first = Place::new(None).with_data(folder.path());
    let sweep = first.train(&spec("signs")).await;
    first.export(sweep, &alone, &[]);
    first.export(sweep, &packed, &["--with-data"]);
    let exported: Value = serde_json::from_str(&fs::read_to_string(&alone).unwrap()).unwrap();
    let digest = exported["dataset"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(exported["spec"]["recipe"]["dataset"]["pin"]["sha256"], digest);

    // People open it with whatever opens archives.
    let mut archive = zip::ZipArchive::new(fs::File::open(&packed).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name("data.csv").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, table());
    let inside: Value = serde_json::from_reader(archive.by_name("sweep.json").unwrap()).unwrap();
    assert_eq!(inside["runs"], exported["runs"]);

    let second = Place::new(None);
    let complaint = refused(&words(&second.rerun(&alone, &[])));
    assert!(
        complaint.contains("no data set `signs`") && complaint.contains(&digest),
        "{complaint}"
    );
    assert!(complaint.contains("floodgauge dataset add FILE --name signs"), "{complaint}");
    assert_eq!(second.server.json("/v1/sweeps").await["items"], json!([]));

    let told: Value =
        serde_json::from_str(&run(&words(&second.rerun(&packed, &["--json"])))).unwrap();
    assert_eq!(told["differs"], json!(false), "{told}");
    let added = second.server.json("/v1/datasets/signs").await;
    assert_eq!(added["kept"]["sha256"], json!(digest));
    // By now it is there for a file without it, too; and nobody waits who doesn't want to.
    let id = run(&words(&second.rerun(&alone, &["--no-wait"])));
    assert!(id.trim_end().parse::<SweepId>().is_ok(), "{id}");

    let third = Place::new(None);
    let other = folder.path().join("other.csv");
    fs::write(&other, table().replacen("\n", "\n0,0,0\n", 1)).unwrap();
    let address = third.server.address.as_str();
    run(&["dataset", "add", other.to_str().unwrap(), "--name", "signs", "--server", address]);
    let complaint = refused(&words(&third.rerun(&packed, &[])));
    assert!(complaint.contains("data set `signs` is another one"), "{complaint}");
    assert!(complaint.contains(&digest), "{complaint}");
}

#[tokio::test]
async fn a_sweep_that_failed_is_run_again_and_compared_as_far_as_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("failed.json");
    let place = Place::new(None);
    let mut failing = spec("digits");
    // A step so long that no loss after it is finite.
    failing.recipe.optimizer =
        serde_json::from_value(json!({ "kind": "sgd", "lr": 1e30 })).unwrap();
    let made = place.server.client.submit(&failing, None).await.unwrap();
    let sweep = made.value.summary.id;
    let log: Vec<LogEntry> = entries(&place.server, sweep).collect().await;
    assert_eq!(log.last().unwrap().ending(), Some(SweepStatus::Failed));
    place.export(sweep, &file, &[]);

    let again = program(&words(&place.rerun(&file, &["--json"]))).output().unwrap();
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again.status.code(), Some(3), "{told}");
    assert_eq!((&told["differs"], &told["winner"]), (&json!(false), &Value::Null));
    let end = &told["end"];
    assert_eq!((&end["same"], &end["now"]["status"]), (&json!(true), &json!("failed")));
    let reason = end["recorded"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("no arm was trained to the end"), "{reason}");
    assert_eq!(end["now"]["reason"], reason);
    let complaint = String::from_utf8(again.stderr).unwrap();
    assert!(complaint.contains("sweep `taken away` failed: "), "{complaint}");

    // One that completes ends otherwise.
    let whole = place.train(&spec("digits")).await.to_string();
    let other = program(&words(&place.rerun(&file, &["--against", &whole]))).output().unwrap();
    let shown = String::from_utf8(other.stdout).unwrap();
    assert_eq!(other.status.code(), Some(1), "{shown}");
    assert!(shown.contains("end  another: failed (no arm was trained"), "{shown}");
}

#[tokio::test]
async fn what_is_no_export_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let path = folder.path().join("x");
    let said = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        refused(&["rerun", path.to_str().unwrap(), "--server", &server.address])
    };
    let sweep = fs::read("examples/digits.toml").unwrap();
    assert!(said(&sweep).contains("it is no export of a sweep"), "a sweep file");
    assert!(said(br#"{"spec": {"name": "x""#).contains("it is damaged: it breaks off"));
    assert!(said(b"PK\x03\x04 and no more").contains("it is damaged: the zip archive"));
    assert!(said(br#"{"arms": [], "runs": []}"#).contains("it has no field `spec`"));
    assert!(said(br#"{"export": {"format": 99}}"#).contains("a later version of floodgauge"));
    let simulated = refused(&["simulate", path.to_str().unwrap()]);
    assert!(simulated.contains("a later version of floodgauge"), "{simulated}");
    let nowhere = refused(&["rerun", "nowhere.json", "--server", &server.address]);
    assert!(nowhere.contains("nowhere.json: it can't be read"), "{nowhere}");
    let id = "01970000-0000-7000-8000-000000000000";
    let gone = ended(&["export", id, "--output", "-", "--server", &server.address]);
    assert_eq!(gone.code, 2, "{}", gone.complaint);
}
