//! `floodgauge extend`: adds seeds, levels or epochs to a completed sweep, or finishes levels that it has.

use super::{
    Failure,
    args::{Ask, SweepArg},
    commands::Commands,
    print, watch, words,
};
use crate::config::numbers::{FROM_ONE, level, whole};
use floodgauge_protocol::{Extension, SweepId};

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
    #[arg(long, value_name = "N", value_parser = whole::<u32>(FROM_ONE))]
    seeds: Option<u32>,
    /// Levels to train to the end, with commas between them: further ones, or the sweep's own
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', value_parser = level)]
    levels: Vec<f64>,
    /// Epochs of a full run from now on, more than before
    #[arg(long, value_name = "N", value_parser = whole::<u32>(FROM_ONE))]
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
    let commands = args.ask.commands();
    let extension = Extension { seeds: args.seeds, levels: args.levels, epochs: args.epochs };
    if extension == Extension::default() {
        return Err(Failure::BadInput(what_to_add(&commands, args.sweep.id)));
    }
    let client = args.ask.connect()?;
    let answer = client.extend(args.sweep.id, &extension).await?;
    let sweep = answer.value;
    if args.watch {
        let best = watch::follow(&client, &commands, &sweep).await?;
        return match args.ask.json {
            true => print::json(&best.body),
            false => print::out(&words::card(&best.value, &sweep, &commands)),
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

/// What may be added to a sweep, each with an example.
fn what_to_add(commands: &Commands, sweep: SweepId) -> String {
    let add = |more: &str| commands.line(&format!("extend {sweep} {more}"));
    format!(
        "say what to add to the sweep:\n  \
         further seeds: {}\n  \
         levels, further ones or the sweep's own that were only probed or not trained: {}\n  \
         longer runs, of so many epochs in all: {}",
        add("--seeds 2"),
        add("--levels 0.25,0.3"),
        add("--epochs 200"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_adds_nothing_is_told_all_that_may_be_added() {
        let commands = Commands::at(&"http://gauge:1".parse().unwrap());
        let sweep = "01970000-0000-7000-8000-000000000000";
        let told = what_to_add(&commands, sweep.parse().unwrap());
        for more in ["--seeds 2", "--levels 0.25,0.3", "--epochs 200"] {
            let command = format!("floodgauge extend {sweep} {more} --server http://gauge:1");
            assert!(told.contains(&command), "{told}");
        }
    }
}
