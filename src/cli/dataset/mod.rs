//! `floodgauge dataset`: what sweeps can train on, one file a command.

mod add;
mod download;
mod list;
mod remove;
mod show;

use super::{Failure, args::Ask, connect, print};
use crate::{client::api::DatasetItem, counting::count, warnings};
use bytesize::ByteSize;
use clap::Subcommand;
use floodgauge_protocol::DatasetName;
use indicatif::{ProgressBar, ProgressStyle};

/// Add, list and remove data sets, and download known ones
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge dataset add beans.csv
  floodgauge dataset download mnist --data /srv/data
  floodgauge dataset list")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(add::Args),
    List(list::Args),
    Show(show::Args),
    Remove(remove::Args),
    Download(download::Args),
}

/// Runs `dataset`.
///
/// # Errors
/// Those of its commands.
pub async fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Add(args) => add::run(args).await,
        Command::List(args) => list::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Remove(args) => remove::run(args).await,
        Command::Download(args) => download::run(args).await,
    }
}

/// Reads the name of a data set.
fn dataset_name(text: &str) -> Result<DatasetName, String> {
    text.parse().map_err(|error: floodgauge_protocol::dataset::BadName| error.to_string())
}

/// What makes the features of a set hard to train on as they are, where the server measured them and something does.
fn unscaled(set: &DatasetItem) -> Option<String> {
    warnings::unscaled(set.scales.as_ref()?, set.kept.as_ref()?.format?, set.image)
}

/// A bar over the bytes of a file; nothing where there is no terminal.
fn bytes_bar(file: &str, total: u64) -> ProgressBar {
    const BAR: &str = "{prefix}  {bar:24.cyan/dim}  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}";
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style).with_prefix(file.to_owned())
}

/// So many bytes, as people say it.
fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// `1 × 28 × 28 images` or `10 features`.
fn samples(features: u32, image: Option<floodgauge_protocol::Image>) -> String {
    match image {
        Some(i) if i.channels == 1 => format!("{} × {} images", i.height, i.width),
        Some(i) => format!("{} × {} × {} images", i.channels, i.height, i.width),
        None => count(features as usize, "feature"),
    }
}
