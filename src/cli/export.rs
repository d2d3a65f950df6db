//! `floodgauge export`: a sweep as one file.

mod target;

use super::{
    Failure,
    args::SweepArg,
    connect,
    fetched::{fetched, kept},
    print,
};
use crate::{
    client::{
        Client,
        api::{SweepDetail, SweepStatus},
    },
    config::Server,
    export::{Appended, Export, ExportedData, MAX_BYTES, MAX_CURVE_VALUES, Origin},
};
use anyhow::Context as _;
use floodgauge_protocol::{DatasetKind, Format, SweepId};
use futures::{StreamExt as _, pin_mut};
use std::{fs::File, io::Seek as _, path::PathBuf};
use target::Target;

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
    if let Some(why) = unreadable(&mut json)? {
        print::note(&why);
    }
    target.write(&mut json, data)
}

/// Why this program won't read an export back, if so.
fn unreadable(json: &mut File) -> Result<Option<String>, Failure> {
    let bytes = json.metadata().context("the export's length")?.len();
    if bytes > MAX_BYTES {
        return Ok(Some(format!(
            "the export has {bytes} bytes: `rerun` and `simulate` read at most {MAX_BYTES}"
        )));
    }
    // Nothing counts as more than three values a byte, not even an empty list.
    if bytes * 3 <= MAX_CURVE_VALUES {
        return Ok(None);
    }
    json.rewind().map_err(kept)?;
    let values = Export::count_values(&*json).context("the export's curves")?;
    Ok((values > MAX_CURVE_VALUES).then(|| {
        format!(
            "the export's curves have {values} values: `rerun` reads at most {MAX_CURVE_VALUES}"
        )
    }))
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
