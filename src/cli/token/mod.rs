//! `floodgauge token`: who may do what. Works on the database itself, as `migrate` does: the
//! first token has to come from somewhere.

mod create;
mod list;
mod revoke;

use super::Failure;
use clap::Subcommand;

/// Make, list and revoke tokens, in the database itself
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Args),
    List(list::Args),
    Revoke(revoke::Args),
}

/// Runs `token`.
///
/// # Errors
/// Those of its commands.
pub async fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Create(args) => create::run(args).await,
        Command::List(args) => list::run(args).await,
        Command::Revoke(args) => revoke::run(args).await,
    }
}
