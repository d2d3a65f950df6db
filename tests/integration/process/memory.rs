//! What a server and the worker inside it hold of large data sets, and the doctor of long curves.

use super::{
    follow,
    programs::{Server, program},
};
use crate::support::{eventually, trained};
use floodgauge_protocol::{SweepId, SweepSpec};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use std::{
    fs,
    io::{BufWriter, Read as _, Write},
    path::Path,
    process::Stdio,
};

/// As many images as the best known set of its kind has.
const TRAIN: u32 = 60_000;
const TEST: u32 = 10_000;

/// Files as the set's authors name them, of images whose first pixels tell their class.
fn put_images(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (part, count) in [("train", TRAIN), ("t10k", TEST)] {
        let create = |name: String| BufWriter::new(fs::File::create(folder.join(name)).unwrap());
        let mut images = create(format!("{part}-images-idx3-ubyte"));
        let mut labels = create(format!("{part}-labels-idx1-ubyte"));
        let header = |magic: u32, dims: &[u32]| {
            let words = std::iter::once(magic).chain(dims.iter().copied());
            words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>()
        };
        images.write_all(&header(0x803, &[count, 28, 28])).unwrap();
        labels.write_all(&header(0x801, &[count])).unwrap();
        for sample in 0..count {
            let class = (sample * 7 % 10) as u8;
            let mut pixels: [u8; 784] =
                std::array::from_fn(|pixel| (sample as usize * 31 + pixel * 17) as u8 / 4);
            pixels[usize::from(class) * 20..][..20].fill(255);
            images.write_all(&pixels).unwrap();
            labels.write_all(&[class]).unwrap();
        }
    }
}

fn spec(number: u32) -> SweepSpec {
    let seeds = [0, 1, 2].map(|seed| 10 * number + seed);
    serde_json::from_value(serde_json::json!({
        "name": format!("images {number}"),
        "recipe": {
            "dataset": { "name": "mnist", "n_train": 1_600, "n_val": 400 },
            "model": { "kind": "mlp", "hidden": [32] },
            "epochs": 2
        },
        "search": { "levels": [0.5], "seeds": seeds },
        "scheduler": { "kind": "grid" }
    }))
    .unwrap()
}

/// The most memory that a process has held so far, in MiB.
fn most_held(process: u32) -> u64 {
    held_so_far(process).unwrap()
}

/// The same; none once it has ended.
fn held_so_far(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(held.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024)
}

#[tokio::test]
async fn the_doctor_holds_a_page_of_any_number_of_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), None);
    let sweep = super::submit(&server).await;
    assert!(server.process.terminate());
    let url = format!("sqlite://{}", folder.path().join("floodgauge.db").display());
    let mut db = SqliteConnection::connect(&url).await.unwrap();
    // A third of a million: held as rows, they take several hundred MiB.
    let sql = AssertSqlSafe(trained(sweep, 16, 20_000));
    sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let at = folder.path().to_str().unwrap();
    let mut doctor = program(&["doctor", "--data-dir", at, "--json"]);
    let mut doctor = doctor.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut held = 0;
    eventually("the doctor's report", async || {
        held = held.max(held_so_far(doctor.id()).unwrap_or(0));
        doctor.try_wait().unwrap()
    })
    .await;
    let mut report = String::new();
    doctor.stdout.unwrap().read_to_string(&mut report).unwrap();
    assert!(report.contains("320000 epochs superfluous"), "{report}");
    assert!(0 < held && held < 200, "{held} MiB");
}

#[tokio::test]
async fn ten_sweeps_on_two_thousand_of_many_images_take_no_memory_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    put_images(&data.join("mnist"));
    let flags = ["--listen", "127.0.0.1:0", "--workers", "1", "--data", data.to_str().unwrap()];
    let server = Server::with(&folder.path().join("server"), &flags);
    let mut sweeps: Vec<SweepId> = vec![];
    for number in 0..10 {
        sweeps.push(server.client.submit(&spec(number), None).await.unwrap().value.summary.id);
    }
    for sweep in sweeps {
        follow(&server, sweep).await;
    }
    let held = most_held(server.process.id());
    assert!(held < 400, "{held} MiB");
}
