//! `floodgauge serve`: the server.

use super::{
    Failure,
    commands::Commands,
    listen, log, print,
    server::{Server, Settings, open_store},
    signals,
    sole::Sole,
};
use crate::{
    config::{Connections, Data, Drain, Listen, Log, Retention, Storage, Work},
    http::access::OpenTo,
    scratch,
};
use anyhow::Context as _;
use futures::FutureExt as _;

/// Run the server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge serve
  floodgauge serve --listen 127.0.0.1:0 --data-dir /srv/floodgauge --keep-checkpoints 30d
  floodgauge serve --listen 0.0.0.0:7878
  floodgauge serve --database-url postgres://floodgauge@db/floodgauge --workers 0")]
pub struct Args {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    connections: Connections,
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    drain: Drain,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    retention: Retention,
    #[command(flatten)]
    log: Log,
}

/// What to know of a server without tokens.
fn open(to: OpenTo, storage: &Storage) -> String {
    let whom = match to {
        OpenTo::Everyone => "whoever reaches it",
        OpenTo::ThisMachine | OpenTo::Nobody => "everybody on this machine",
    };
    tracing::warn!("there are no tokens: open to {whom}");
    format!(
        "there are no tokens, so it is open to {whom}; the first one closes it: {}",
        create_token(storage)
    )
}

/// The command that makes the first token.
fn create_token(storage: &Storage) -> String {
    Commands::on(storage).line("token create NAME --scope admin")
}

/// Looks whether uploads have a place to come to, before somebody uploads.
fn check_scratch() -> Result<(), Failure> {
    match scratch::file() {
        Ok(_) => Ok(()),
        Err(error) if scratch::is_chosen() => Err(Failure::BadInput(error.to_string())),
        Err(error) => {
            tracing::warn!(%error, "no data set can be added");
            Ok(())
        }
    }
}

/// Runs `serve`, until Ctrl-C or SIGTERM.
///
/// # Errors
/// A refused address; a port in use; a TMPDIR that can't be written; a database that can't be opened, or
/// that is another server's.
pub async fn run(args: Args) -> Result<(), Failure> {
    let _logging = log::start(&args.log, "info", "floodgauge")?;
    signals::outlive_file_limits();
    check_scratch()?;
    let mut sole = Sole::of(&args.storage).await?;
    let store = open_store(&args.storage).await?;
    let has_tokens = store.any_token().await.context("the tokens")?;
    let create = create_token(&args.storage);
    args.listen.check(has_tokens, &create).map_err(Failure::BadInput)?;
    let listener = listen::on(args.listen.listen).await?;
    let bound = listener.local_addr().context("the listener has no address")?;
    let base = args.listen.base_path.as_ref();
    let below = base.map_or_else(String::new, |base| format!("{base}/"));
    if let Some(sole) = &mut sole {
        sole.publish(&format!("http://{bound}{below}"))?;
    }
    let settings = Settings {
        storage: &args.storage,
        work: &args.work,
        data: &args.data,
        listen: &args.listen,
        connections: args.connections,
        retention: args.retention,
    };
    let server = Server::start(listener, store, settings).await?;
    print::out(&format!("listening on http://{bound}{below}"))?;
    if !has_tokens {
        print::out(&open(args.listen.open_to(), &args.storage))?;
    }
    server.run_until(signals::interrupted().map(Ok), &args.drain).await
}
