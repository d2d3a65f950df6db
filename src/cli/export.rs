//! `floodgauge export`: a sweep as one file.

use super::{Failure, args::SweepArg, connect, print};
use crate::{
    client::{
        Client, Download,
        api::{SweepDetail, SweepStatus},
    },
    config::Server,
    export::{Appended, ExportedData, MAX_BYTES, Origin, archive},
    scratch,
};
use anyhow::Context as _;
use floodgauge_protocol::{DatasetKind, Format, SweepId};
use futures::{StreamExt as _, pin_mut};
use std::{
    fs::{self, File},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// Write a sweep to one file: what was asked, decided and measured, and its answer
///
/// The file is JSON: the sweep as it was submitted, its arms and curves in the recorded-grid format, its
/// log, its answer, its data set by name and digest, and the versions of all that had a say in it. With
/// --with-data it is a zip archive that holds this as sweep.json, and an uploaded data set beside it.
/// `floodgauge rerun` runs it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge export 01970000-0000-7000-8000-000000000000
  floodgauge export ID --output digits.json
  floodgauge export ID --with-data --output digits.zip
  floodgauge export ID --output - | gzip > digits.json.gz")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    /// The file; `-` writes to standard output. Without it one that is called like the sweep, in this folder
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Pack the data set too, if somebody uploaded it; others are had everywhere
    #[arg(long)]
    with_data: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `export`.
///
/// # Errors
/// [`Failure::BadInput`] for a file that is there already or can't be written; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    let sweep = client.sweep(args.sweep.id).await?.value;
    if sweep.summary.status != SweepStatus::Completed {
        let status = sweep.summary.status.as_str();
        print::note(&format!("the sweep is {status}: the file holds what there is of it"));
    }
    let data = if args.with_data { data(&client, &sweep).await? } else { None };
    let end = if data.is_some() { "zip" } else { "json" };
    let target = Target::of(args.output, &sweep.summary.name, end);
    if data.is_some() && target.is_stdout() {
        let words = "an archive can't be written to standard output: name a file with --output";
        return Err(Failure::BadInput(words.into()));
    }
    // Before much is fetched for a file that can't be written.
    target.check()?;
    let mut json = assembled(&client, &sweep).await?;
    if json.metadata().context("the export's length")?.len() > MAX_BYTES {
        print::note("it is larger than what `rerun` and `simulate` read");
    }
    target.write(&mut json, data)
}

/// The sweep as JSON, in a file that goes when it is closed.
async fn assembled(client: &Client, sweep: &SweepDetail) -> Result<File, Failure> {
    let id = sweep.summary.id;
    let curves = fetched(client.grid(id).await?).await?;
    let answer = client.best(id).await?.body;
    let written = |error| Failure::from(kept(error));
    let mut fields = Appended::open(curves).map_err(written)?;
    let origin = serde_json::to_string(&Origin::of(sweep)).context("who wrote it")?;
    let data = ExportedData::of(&sweep.spec.recipe.dataset);
    let data = serde_json::to_string(&data).context("the data set")?;
    for (name, json) in [("export", &origin), ("dataset", &data), ("answer", &answer)] {
        fields.field(name, json).map_err(written)?;
    }
    log(client, id, sweep.seq, &mut fields).await?;
    fields.close().map_err(written)
}

/// Adds the log as far as it went when the sweep was asked for: of one that runs, it goes on for ever.
async fn log(
    client: &Client,
    sweep: SweepId,
    newest: u64,
    fields: &mut Appended,
) -> Result<(), Failure> {
    let entries = client.events_as::<serde_json::Value, serde_json::Value>(sweep, 0);
    pin_mut!(entries);
    while let Some(entry) = entries.next().await {
        let entry = entry?;
        fields.entry(&entry.body).map_err(kept)?;
        if entry.value.seq >= newest {
            break;
        }
    }
    Ok(())
}

/// The data set's file with its format; none where there is nothing to pack, which is said.
async fn data(client: &Client, sweep: &SweepDetail) -> Result<Option<(Format, File)>, Failure> {
    let dataset = &sweep.spec.recipe.dataset;
    let (name, kind) = (&dataset.name, dataset.name.kind());
    let upload = dataset.pin.and_then(|pin| pin.upload);
    let why = match (kind, upload) {
        (DatasetKind::Uploaded, Some(upload)) => {
            let file = fetched(client.dataset_file(name).await?).await?;
            return Ok(Some((upload.format, file)));
        }
        (DatasetKind::Uploaded, None) => "it isn't known what its file is",
        (DatasetKind::BuiltIn | DatasetKind::Generated, _) => "every server has it in itself",
        (DatasetKind::Files, _) => "every server reads it from its data folder",
    };
    print::note(&format!("the data set `{name}` isn't packed: {why}"));
    Ok(None)
}

/// An answer in a file that goes when it is closed.
pub(super) async fn fetched(mut download: Download) -> Result<File, Failure> {
    let mut file = scratch::file().map_err(kept)?;
    while let Some(piece) = download.piece().await? {
        file.write_all(piece.as_ref()).map_err(kept)?;
    }
    file.rewind().map_err(kept)?;
    Ok(file)
}

fn kept(error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context("what was fetched can't be kept")
}

/// Where it is written.
enum Target {
    Stdout,
    /// A file that was named.
    Named(PathBuf),
    /// One that nobody named, which takes no other's place.
    New(PathBuf),
}

impl Target {
    fn of(output: Option<PathBuf>, sweep: &str, end: &str) -> Self {
        match output {
            Some(path) if path.as_os_str() == "-" => Self::Stdout,
            Some(path) => Self::Named(path),
            None => Self::New(PathBuf::from(format!("{}.{end}", file_name(sweep)))),
        }
    }

    fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Refuses a place that is taken or that isn't there.
    fn check(&self) -> Result<(), Failure> {
        let there = |path: &Path| path.try_exists().unwrap_or(false);
        match self {
            Self::New(path) if there(path) => {
                let shown = path.display();
                Err(Failure::BadInput(format!(
                    "{shown} is there already; name a file with --output"
                )))
            }
            Self::Named(path) => match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() && !there(folder) => {
                    Err(Failure::BadInput(format!("there is no folder {}", folder.display())))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn write(&self, json: &mut File, data: Option<(Format, File)>) -> Result<(), Failure> {
        let (path, opened) = match self {
            Self::Stdout => {
                json.rewind().map_err(kept)?;
                let copied = io::copy(json, &mut io::stdout().lock());
                copied.context("standard output")?;
                return Ok(());
            }
            Self::Named(path) => (path, File::create(path)),
            Self::New(path) => (path, File::create_new(path)),
        };
        let shown = path.display();
        let refused = |error| Failure::BadInput(format!("{shown} can't be written: {error}"));
        let mut file = opened.map_err(refused)?;
        let written = match data {
            Some((format, mut data)) => archive::write(&mut file, json, format, &mut data),
            None => json.rewind().and_then(|()| io::copy(json, &mut file)).map(drop),
        };
        if let Err(error) = written {
            // Half of it would be taken for the whole.
            let _ = fs::remove_file(path);
            return Err(refused(error));
        }
        print::out(&shown.to_string())
    }
}

/// A sweep's name as every file system takes it.
fn file_name(sweep: &str) -> String {
    let parts = sweep.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.collect::<Vec<_>>().join("-").chars().take(80).collect();
    if name.is_empty() { "sweep".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nobody_named_is_called_like_its_sweep() {
        for (sweep, file) in [("digits", "digits"), ("../a b\u{202e}", "a-b"), ("…", "sweep")] {
            assert_eq!(file_name(sweep), file);
        }
        let Target::New(path) = Target::of(None, "x y", "zip") else { panic!("it is new") };
        assert_eq!(path, Path::new("x-y.zip"));
        assert!(Target::of(Some("-".into()), "x", "json").is_stdout());
    }

    #[test]
    fn a_file_takes_the_place_of_one_that_was_named_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        fs::write(&path, "before").unwrap();
        let mut json = tempfile::tempfile().unwrap();
        json.write_all(b"{}").unwrap();
        let new = Target::New(path.clone());
        assert!(new.check().is_err() && new.write(&mut json, None).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        let named = Target::Named(path.clone());
        named.check().unwrap();
        named.write(&mut json, None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
        let nowhere = Target::Named(folder.path().join("no/x.json"));
        assert!(nowhere.check().unwrap_err().to_string().contains("there is no folder"));
    }
}
