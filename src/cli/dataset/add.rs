//! `floodgauge dataset add`: uploads a file.

use super::{Ask, Failure, bytes_bar, dataset_name, print, samples, size};
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
    let set = answer.value;
    print::out(&format!(
        "{name}: {} for training and validation{}, {}, {} classes\n\
         submit a sweep with: dataset = {{ name = \"{name}\" }}",
        set.max_samples,
        match set.kept.and_then(|kept| kept.test_samples) {
            Some(count) if count > 0 => format!(", {count} for testing"),
            _ => String::new(),
        },
        samples(set.features, set.image),
        set.classes,
    ))
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
