//! `floodgauge cancel`: ends a sweep.

use super::{Failure, connect, print};
use crate::config::Server;
use floodgauge_protocol::SweepId;

/// End a sweep
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge cancel 01970000-0000-7000-8000-000000000000")]
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

/// Runs `cancel`.
///
/// # Errors
/// [`Failure::BadInput`] if the sweep has ended already; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let answer = connect(&args.server)?.cancel(args.id).await?;
    if args.json {
        return print::out(&answer.body);
    }
    let sweep = answer.value.summary;
    print::out(&format!("sweep `{}` is {}", sweep.name, sweep.status.as_str()))
}
