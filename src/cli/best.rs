//! `floodgauge best`: a sweep's best arm, so far or at all.

use super::{
    Failure,
    args::{Ask, SweepArg},
    print, words,
};

/// Print a sweep's best arm, so far or at all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge best 01970000-0000-7000-8000-000000000000
  floodgauge best 01970000-0000-7000-8000-000000000000 --json | jq .best.b")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    #[command(flatten)]
    ask: Ask,
}

/// Runs `best`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = args.ask.connect()?;
    let best = client.best(args.sweep.id).await?;
    if args.ask.json {
        return print::json(&best.body);
    }
    let sweep = client.sweep(args.sweep.id).await?.value;
    print::out(&words::card(&best.value, &sweep, &args.ask.commands()))
}
