//! `floodgauge healthcheck`: whether a server is ready, for containers and scripts.

use super::{Failure, connect, print};
use crate::config::Server;

/// Tell whether a server is ready
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge healthcheck --server http://gauge.example:7878")]
pub struct Args {
    #[command(flatten)]
    server: Server,
}

/// Runs `healthcheck`.
///
/// # Errors
/// [`Failure::OutOfReach`] if the server or its database doesn't answer.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    client.ready().await?;
    print::out(&format!("{} is ready", client.server()))
}
