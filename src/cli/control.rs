//! `floodgauge pause`, `resume` and `cancel`: has a sweep wait, go on or end.

use super::{
    Failure,
    args::{Ask, SweepArg},
    print,
};

/// Which sweep, and where it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    #[command(flatten)]
    ask: Ask,
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
    let client = args.ask.connect()?;
    let answer = match control {
        Control::Pause => client.pause(args.sweep.id).await?,
        Control::Resume => client.resume(args.sweep.id).await?,
        Control::Cancel => client.cancel(args.sweep.id).await?,
    };
    if args.ask.json {
        return print::json(&answer.body);
    }
    let sweep = answer.value.summary;
    print::out(&format!("sweep `{}` is {}", sweep.name, sweep.status.as_str()))
}
