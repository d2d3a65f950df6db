//! `floodgauge best`: a sweep's best arm, so far or at all.

use super::{Failure, connect, print, words};
use crate::config::Server;
use floodgauge_protocol::SweepId;

/// Print a sweep's best arm, so far or at all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge best 01970000-0000-7000-8000-000000000000
  floodgauge best 01970000-0000-7000-8000-000000000000 --json | jq .best.b")]
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

/// Runs `best`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    let best = client.best(args.id).await?;
    if args.json {
        return print::out(&best.body);
    }
    let sweep = client.sweep(args.id).await?.value;
    print::out(&words::answer(&best.value.best, &sweep))
}
