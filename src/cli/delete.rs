//! `floodgauge delete`: deletes sweeps that have ended, with all that is theirs.

use super::{Failure, args::connect, args::sweep_id, print};
use crate::config::Server;
use floodgauge_protocol::SweepId;

/// Delete sweeps that have ended, with their logs, curves and checkpoints
///
/// There is no way back. Cancel one first that still goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge delete ID
  floodgauge list --status failed --json | jq -r '.items[].id' | xargs floodgauge delete")]
pub struct Args {
    /// The sweeps' ids
    #[arg(required = true, value_name = "ID", value_parser = sweep_id)]
    sweeps: Vec<SweepId>,
    #[command(flatten)]
    server: Server,
}

/// Runs `delete`.
///
/// # Errors
/// [`Failure::BadInput`] for one that goes on or isn't there, those after it are left as they are then;
/// whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    for sweep in args.sweeps {
        client.delete(sweep).await?;
        print::out(&format!("sweep {sweep} is deleted"))?;
    }
    Ok(())
}
