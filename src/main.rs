//! The `floodgauge` program: an enum of commands and a match.

use clap::{Parser, Subcommand};
use floodgauge::cli::{self, *};
use std::process::ExitCode;

/// Finds the flood level of a training recipe, and says how sure it is
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Find the flood level of a small recipe, with nothing to set up
    Demo(demo::Args),
    /// Run the server
    Serve(serve::Args),
    /// Train for a server
    Worker(worker::Args),
    /// Hand a sweep to a server
    Submit(submit::Args),
    /// Follow a sweep to its end and print its answer
    Watch(watch::Args),
    /// Print a sweep's best arm, so far or at all
    Best(best::Args),
    /// List the sweeps of a server, newest first
    List(list::Args),
    /// Show a sweep with its trials, and why each ended
    Show(show::Args),
    /// End a sweep
    Cancel(cancel::Args),
    /// Make the database's tables, or bring them up to date
    Migrate(migrate::Args),
    /// Print the description of the HTTP surface (OpenAPI 3.1)
    Openapi,
    /// Tell whether a server is ready
    Healthcheck(healthcheck::Args),
}

fn main() -> ExitCode {
    match Program::parse().command {
        Command::Demo(args) => cli::run(demo::run(args)),
        Command::Serve(args) => cli::run(serve::run(args)),
        Command::Worker(args) => cli::run(worker::run(args)),
        Command::Submit(args) => cli::run(submit::run(args)),
        Command::Watch(args) => cli::run(watch::run(args)),
        Command::Best(args) => cli::run(best::run(args)),
        Command::List(args) => cli::run(list::run(args)),
        Command::Show(args) => cli::run(show::run(args)),
        Command::Cancel(args) => cli::run(cancel::run(args)),
        Command::Migrate(args) => cli::run(migrate::run(args)),
        Command::Openapi => cli::run(openapi::run()),
        Command::Healthcheck(args) => cli::run(healthcheck::run(args)),
    }
}
