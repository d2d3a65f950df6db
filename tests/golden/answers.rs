//! What today's model answers of the logs that releases recorded.
//!
//! Where the model changes on purpose, `FLOODGAUGE_RECORD_ANSWERS=1 cargo test --test golden` records them anew;
//! the difference in what is checked in is then to be read.

use super::{name, recorded};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use serde_json::Value;
use std::{
    env,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

/// The first place at which the answers to a log differ from those recorded; recorded anew where that is asked
/// for.
pub fn difference(release: &Path, log: &Path, answers: &[(u64, Value)]) -> Option<String> {
    let file = file(release, log);
    let now = serde_json::to_value(answers).unwrap();
    if env::var_os("FLOODGAUGE_RECORD_ANSWERS").is_some_and(|value| value == "1") {
        record(&file, &now);
        return None;
    }
    recorded::difference(&read(&file), &now).map(|place| format!("best of {place}"))
}

fn file(release: &Path, log: &Path) -> PathBuf {
    let of = name(log).replace(".jsonl.gz", ".json.gz");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/answers").join(name(release)).join(of)
}

fn read(file: &Path) -> Value {
    let mut text = String::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The same bytes whenever the answers are the same.
fn record(file: &Path, answers: &Value) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut packed = GzBuilder::new().mtime(0).write(vec![], Compression::best());
    packed.write_all(answers.to_string().as_bytes()).unwrap();
    fs::write(file, packed.finish().unwrap()).unwrap();
}
