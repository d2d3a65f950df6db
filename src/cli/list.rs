//! `floodgauge list`: the sweeps of a server, newest first.

use super::{Failure, print, words};
use crate::{
    client::{Client, SweepSummary},
    config::Server,
};

/// List the sweeps of a server, newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only sweeps whose name contains this
    search: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Print what the server answers as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `list`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = Client::new(args.server.url)?;
    let page = client.list(args.limit, args.search.as_deref()).await?;
    if args.json {
        return print::out(&page.body);
    }
    if page.value.items.is_empty() {
        print::note("no sweeps; submit one with: floodgauge submit examples/digits.toml --watch");
        return Ok(());
    }
    let header = ["ID", "NAME", "STATUS", "DATA", "ARMS", "SEEDS", "BEST", "SUBMITTED (UTC)"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(page.value.items.iter().map(row));
    print::out(&print::table(&rows))
}

fn row(sweep: &SweepSummary) -> Vec<String> {
    let best = sweep.best.as_ref().and_then(|best| best.best.as_ref());
    vec![
        sweep.id.to_string(),
        sweep.name.clone(),
        sweep.status.as_str().into(),
        sweep.dataset.clone(),
        sweep.arms.to_string(),
        sweep.seeds.to_string(),
        best.map_or_else(String::new, |arm| {
            format!("{} ({})", arm.arm, words::metric(arm.objective))
        }),
        sweep.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
    ]
}
