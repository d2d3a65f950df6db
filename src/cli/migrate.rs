//! `floodgauge migrate`: makes the database's tables, or brings them up to date. `serve` does so
//! itself; this is for those who want it to happen apart.

use super::{Failure, print, server::open_store};
use crate::config::Storage;

/// Make the database's tables, or bring them up to date
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  floodgauge migrate --database-url postgres://floodgauge@db/floodgauge"
)]
pub struct Args {
    #[command(flatten)]
    storage: Storage,
}

/// Runs `migrate`.
///
/// # Errors
/// What the database says.
pub async fn run(args: Args) -> Result<(), Failure> {
    open_store(&args.storage).await?;
    print::out("the tables are up to date")
}
