//! `floodgauge pause`, `resume` and `cancel`: has a sweep wait, go on or end.

use super::{Failure, connect, print};
use crate::config::Server;
use floodgauge_protocol::SweepId;

/// Which sweep, and where it is.
#[derive(Debug, clap::Args)]
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

/// What is to become of it.
#[derive(Clone, Copy, Debug)]
pub enum Control {
    /// To wait.
    Pause,
    /// To go on.
    Resume,
    /// To end.
    Cancel,
}

/// Runs `pause`, `resume` or `cancel`.
///
/// # Errors
/// [`Failure::BadInput`] if the sweep has ended already; whatever the client meets.
pub async fn run(args: Args, control: Control) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    let answer = match control {
        Control::Pause => client.pause(args.id).await?,
        Control::Resume => client.resume(args.id).await?,
        Control::Cancel => client.cancel(args.id).await?,
    };
    if args.json {
        return print::out(&answer.body);
    }
    let sweep = answer.value.summary;
    print::out(&format!("sweep `{}` is {}", sweep.name, sweep.status.as_str()))
}
