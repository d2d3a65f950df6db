//! `floodgauge serve`: the server.

use super::{Failure, log, print, server::Server, signals};
use crate::config::{Data, Listen, Log, Storage, Work};
use anyhow::Context as _;
use futures::FutureExt as _;
use tokio::net::TcpListener;

/// Run the server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge serve
  floodgauge serve --listen 127.0.0.1:0 --data-dir /srv/floodgauge
  floodgauge serve --database-url postgres://floodgauge@db/floodgauge --workers 0")]
pub struct Args {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    log: Log,
}

/// Runs `serve`, until Ctrl-C or SIGTERM.
///
/// # Errors
/// A refused address; a port in use; a database that can't be opened.
pub async fn run(args: Args) -> Result<(), Failure> {
    log::start(&args.log, "info")?;
    args.listen.check().map_err(Failure::BadInput)?;
    let address = args.listen.listen;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("can't listen on {address}"))?;
    let bound = listener.local_addr().context("the listener has no address")?;
    let base = args.listen.base_path;
    let below = base.as_ref().map_or_else(String::new, |base| format!("{base}/"));
    let server = Server::start(listener, &args.storage, &args.work, &args.data, base).await?;
    print::out(&format!("listening on http://{bound}{below}"))?;
    server.run_until(signals::interrupted().map(Ok)).await
}
