//! `floodgauge token revoke`: a token works nowhere from then on.

use super::list::every;
use crate::{
    cli::{Failure, commands::Commands, print, server::open_existing},
    config::Storage,
};
use anyhow::Context as _;
use floodgauge_protocol::text;

/// Revoke a token: it works nowhere from then on, and whoever signed in with it is signed out
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  floodgauge token revoke workers")]
pub struct Args {
    /// Its name or its id
    token: String,
    #[command(flatten)]
    storage: Storage,
}

/// Runs `token revoke`.
///
/// # Errors
/// [`Failure::BadInput`] if there is no such token; what the database says.
pub async fn run(args: Args) -> Result<(), Failure> {
    let store = open_existing(&args.storage).await?;
    let wanted = &args.token;
    let mut rows = every(&store).await?;
    // A name may have been another token's before.
    rows.retain(|row| row.revoked_ms.is_none());
    let found = rows.iter().find(|row| row.name == *wanted || row.token.to_string() == *wanted);
    let Some(row) = found else {
        let list = Commands::on(&args.storage).line("token list");
        let message = format!("no token `{wanted}` that isn't revoked; see them with: {list}");
        return Err(Failure::BadInput(message));
    };
    store.revoke_token(row.token).await.context("the token can't be revoked")?;
    print::out(&format!("{} ({}) works no more", text::escaped(&row.name), row.token))
}
