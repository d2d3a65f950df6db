//! `floodgauge dataset remove`: deletes what a server keeps of a data set.

use super::{Failure, connect, dataset_name, print};
use crate::config::Server;
use floodgauge_protocol::DatasetName;

/// Delete a data set, unless a sweep is pinned to it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge dataset remove beans")]
pub struct Args {
    /// Its name
    #[arg(value_parser = dataset_name)]
    name: DatasetName,
    #[command(flatten)]
    server: Server,
}

/// Runs `dataset remove`.
///
/// # Errors
/// [`Failure::BadInput`] if a sweep is pinned to it; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    connect(&args.server)?.remove_dataset(&args.name).await?;
    print::out(&format!("data set `{}` is deleted", args.name))
}
