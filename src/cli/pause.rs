//! `floodgauge pause`: gives out nothing more of a sweep until it is resumed.

use super::{Failure, connect, print};
use crate::config::Server;
use floodgauge_protocol::SweepId;

/// Pause a sweep; what its workers hold is handed in at the end of their epoch
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge pause ID")]
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

/// Runs `pause`.
///
/// # Errors
/// [`Failure::BadInput`] if the sweep has ended already; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let answer = connect(&args.server)?.pause(args.id).await?;
    if args.json {
        return print::out(&answer.body);
    }
    let sweep = answer.value.summary;
    print::out(&format!("sweep `{}` is {}", sweep.name, sweep.status.as_str()))
}
