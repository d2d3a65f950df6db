//! `floodgauge dataset add`: uploads a file.

use super::{Ask, Failure, bytes_bar, dataset_name, print, samples, size, unscaled};
use crate::client::api::DatasetItem;
use anyhow::Context as _;
use floodgauge_datasets::upload::MAX_BYTES;
use floodgauge_net::plain_io;
use floodgauge_protocol::{DatasetKind, DatasetName, Format};
use std::{
    fs::Metadata,
    path::{Path, PathBuf},
};

/// Check a CSV or NPZ file and keep it on the server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
CSV: a row a sample, numbers, the class in the column `label` or else in the last.
NPZ: arrays x [n, d] or [n, channels, height, width] and y [n]; x_test and y_test if you like.
Classes are 0, 1, 2 and so on.

Examples:
  floodgauge dataset add iris.csv
  floodgauge dataset add features.npz --name beans-v2")]
pub struct Args {
    /// The file
    file: PathBuf,
    /// The name that recipes will call it by; the file's by default
    #[arg(long, value_parser = dataset_name)]
    name: Option<DatasetName>,
    #[command(flatten)]
    ask: Ask,
}

/// Runs `dataset add`.
///
/// # Errors
/// [`Failure::BadInput`] with the row or the array that is at fault; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let shown = args.file.display();
    let format = format_of(&args.file)
        .ok_or_else(|| Failure::BadInput(format!("{shown} is neither a .csv nor an .npz file")))?;
    let name = match args.name {
        Some(name) => name,
        None => name_of(&args.file)?,
    };
    if name.kind() != DatasetKind::Uploaded {
        let message = format!("`{name}` is a set that everybody has; choose another --name");
        return Err(Failure::BadInput(message));
    }
    let file = tokio::fs::File::open(&args.file).await;
    let file = file.map_err(|error| {
        Failure::BadInput(format!("{shown} can't be read: {}", plain_io(&error)))
    })?;
    let about = file.metadata().await.context("the file's length")?;
    let length = length(&about).map_err(|why| Failure::BadInput(format!("{shown} {why}")))?;
    let bar = bytes_bar(&shown.to_string(), length);
    let message = bar.clone();
    let client = args.ask.connect()?;
    let sent =
        client.add_dataset(&name, format, file, length, move |bytes| message.inc(bytes)).await;
    bar.finish_and_clear();
    let answer = sent?;
    if args.ask.json {
        return print::json(&answer.body);
    }
    print::out(&added(&answer.value))
}

/// What was added, and how to train on it.
fn added(set: &DatasetItem) -> String {
    let testing = match set.kept.as_ref().and_then(|kept| kept.test_samples) {
        Some(count) if count > 0 => format!(", {count} for testing"),
        _ => String::new(),
    };
    let (fault, standardize) = match unscaled(set) {
        Some(fault) => (format!("{fault}\n"), ", standardize = true"),
        None => (String::new(), ""),
    };
    format!(
        "{name}: {} for training and validation{testing}, {}, {} classes\n\
         {fault}submit a sweep with: dataset = {{ name = \"{name}\"{standardize} }}",
        set.max_samples,
        samples(set.features, set.image),
        set.classes,
        name = set.name,
    )
}

/// How long a file is, if it can be a data set.
///
/// # Errors
/// That it is longer, or no file whose length is known beforehand.
fn length(about: &Metadata) -> Result<u64, String> {
    match about.len() {
        _ if about.is_dir() => Err("is a folder, not a file".into()),
        // The length of a device or a pipe is told as 0, whatever comes of it.
        _ if !about.is_file() => {
            Err("is a device or a pipe: copy what it holds to a file first".into())
        }
        length if length > MAX_BYTES => {
            Err(format!("has {}, more than {}", size(length), size(MAX_BYTES)))
        }
        length => Ok(length),
    }
}

fn format_of(file: &Path) -> Option<Format> {
    let extension = file.extension()?.to_str()?;
    let known = [Format::Csv, Format::Npz];
    known.into_iter().find(|format| extension.eq_ignore_ascii_case(format.as_str()))
}

/// The file's name without its end, as names of data sets are written.
fn name_of(file: &Path) -> Result<DatasetName, Failure> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = stem.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    name.trim_start_matches(['-', '_']).parse().map_err(|_| {
        Failure::BadInput(format!("{} gives no name; choose one with --name", file.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn who_adds_features_that_train_badly_is_told_and_how_to_standardise_them() {
        let added = |scales: Value| {
            let set = json!({
                "name": "beans", "kind": "uploaded", "ready": true, "missing": [], "features": 4,
                "image": null, "classes": 3, "most_samples": 540, "n_train": 432, "n_val": 108,
                "kept": { "sha256": "0".repeat(64), "bytes": 9, "format": "csv", "test_samples": 60,
                          "since": "2026-03-01T12:30:00Z" },
                "scales": scales
            });
            added(&serde_json::from_value(set).unwrap())
        };
        let feature = |column: u32, max: f64| json!({ "column": column, "min": 0.0, "max": max, "mean": max / 2.0, "deviation": max / 4.0 });
        let first =
            "beans: 540 for training and validation, 60 for testing, 4 features, 3 classes\n";
        let plain = format!("{first}submit a sweep with: dataset = {{ name = \"beans\" }}");
        let even =
            json!({ "largest": feature(2, 1.0), "narrowest": feature(2, 1.0), "constant": 0 });
        // Servers of earlier releases tell nothing.
        assert_eq!([added(even), added(Value::Null)], [plain.clone(), plain]);
        let uneven =
            json!({ "largest": feature(3, 1e5), "narrowest": feature(1, 1.0), "constant": 0 });
        assert_eq!(
            added(uneven),
            format!(
                "{first}Features differ much in scale: column 3 goes from 0 to 100,000, column 1 goes from 0 to 1\n\
                 submit a sweep with: dataset = {{ name = \"beans\", standardize = true }}"
            )
        );
    }

    #[test]
    fn a_file_is_as_long_as_it_may_be_or_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let of_length = |bytes: u64| {
            file.as_file().set_len(bytes).unwrap();
            length(&file.as_file().metadata().unwrap())
        };
        assert_eq!(of_length(MAX_BYTES), Ok(MAX_BYTES));
        assert!(of_length(MAX_BYTES + 1).unwrap_err().contains("more than"));
        let folder = std::fs::metadata(std::env::temp_dir()).unwrap();
        assert!(length(&folder).unwrap_err().contains("is a folder"));
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_no_data_set() {
        let zeros = std::fs::metadata("/dev/zero").unwrap();
        assert!(length(&zeros).unwrap_err().contains("is a device"));
    }

    #[test]
    fn a_file_gives_its_data_set_a_name_and_a_format() {
        let name = |file: &str| name_of(Path::new(file)).map(|name| name.to_string());
        assert_eq!(name("/data/My beans (v2).npz").unwrap(), "my-beans--v2-");
        assert_eq!(name("iris.csv").unwrap(), "iris");
        assert!(name("---.csv").is_err());
        assert_eq!(format_of(Path::new("a/b.CSV")), Some(Format::Csv));
        assert_eq!(format_of(Path::new("b.npz")), Some(Format::Npz));
        assert_eq!(format_of(Path::new("b.npy")), None);
    }
}
