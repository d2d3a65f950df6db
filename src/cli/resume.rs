//! `floodgauge resume`: lets a paused sweep go on.

use super::{Failure, connect, print};
use crate::config::Server;
use floodgauge_protocol::SweepId;

/// Let a paused sweep go on
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge resume ID")]
pub struct Args {
    /// The sweep's id
    #[arg(value_parser = super::sweep_id)]
    id: SweepId,
    /// Print what the server answers as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `resume`.
///
/// # Errors
/// [`Failure::BadInput`] if the sweep has ended already; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let answer = connect(&args.server)?.resume(args.id).await?;
    if args.json {
        return print::out(&answer.body);
    }
    let sweep = answer.value.summary;
    print::out(&format!("sweep `{}` is {}", sweep.name, sweep.status.as_str()))
}
