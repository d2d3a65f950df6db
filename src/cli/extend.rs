//! `floodgauge extend`: adds seeds, levels or epochs to a completed sweep.

use super::{
    Failure,
    args::{Ask, SweepArg},
    print, watch, words,
};
use floodgauge_protocol::Extension;

/// Add seeds, levels or epochs to a completed sweep; only what is missing is trained
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge extend ID --seeds 2
  floodgauge extend ID --levels 0.25,0.3 --watch
  floodgauge extend ID --epochs 200")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    /// How many further seeds
    #[arg(long, value_name = "N", required_unless_present_any = ["levels", "epochs"])]
    seeds: Option<u32>,
    /// Further levels, with commas between them
    #[arg(long, value_name = "LEVELS", value_delimiter = ',')]
    levels: Vec<f64>,
    /// Epochs of a full run from now on, more than before
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Follow the sweep to its end and print its answer
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    ask: Ask,
}

/// Runs `extend`.
///
/// # Errors
/// [`Failure::BadInput`] if the sweep isn't completed or can't be extended by this; whatever the
/// client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = args.ask.connect()?;
    let extension = Extension { seeds: args.seeds, levels: args.levels, epochs: args.epochs };
    let answer = client.extend(args.sweep.id, &extension).await?;
    let sweep = answer.value;
    if args.watch {
        let best = watch::follow(&client, &sweep).await?;
        return match args.ask.json {
            true => print::json(&best.body),
            false => print::out(&words::card(&best.value, &sweep)),
        };
    }
    if args.ask.json {
        return print::json(&answer.body);
    }
    let (name, status) = (&sweep.summary.name, sweep.summary.status.as_str());
    print::out(&format!(
        "sweep `{name}` is {status}: {}",
        words::page(client.server(), args.sweep.id)
    ))
}
