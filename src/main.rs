//! The `floodgauge` program: an enum of commands and a match.

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, error::ErrorKind};
use floodgauge::{
    cli::{self, control::Control, *},
    config::without_empty,
};
use std::process::ExitCode;

/// Training takes and gives back large tensors all the time, which the system's allocator returns
/// to the kernel each time.
#[cfg(feature = "worker")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Finds the flood level of a training recipe, and says how sure it is
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
struct Program {
    /// When to colour what people read
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Worker(worker::Args),
    Submit(submit::Args),
    Watch(watch::Args),
    Best(best::Args),
    List(list::Args),
    Show(show::Args),
    Logs(logs::Args),
    Table(table::Args),
    Export(export::Args),
    Rerun(rerun::Args),
    Dataset(dataset::Args),
    Simulate(simulate::Args),
    /// Pause a sweep; what its workers hold is handed in at the end of their epoch
    #[command(after_help = "Example:\n  floodgauge pause ID")]
    Pause(control::Args),
    /// Let a paused sweep go on
    #[command(after_help = "Example:\n  floodgauge resume ID")]
    Resume(control::Args),
    Extend(extend::Args),
    /// End a sweep
    #[command(after_help = "Example:\n  floodgauge cancel ID")]
    Cancel(control::Args),
    Delete(delete::Args),
    Token(token::Args),
    Migrate(migrate::Args),
    /// Print the description of the HTTP surface (OpenAPI 3.1)
    #[command(after_help = "Example:\n  floodgauge openapi > openapi.json")]
    Openapi,
    Healthcheck(healthcheck::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
}

impl Program {
    /// What the command line says. Variables that are set to nothing count as unset, but help names them.
    fn read() -> Self {
        let mut command = without_empty(Self::command());
        let read = command.try_get_matches_from_mut(std::env::args_os());
        let read = read.and_then(|mut matches| Self::from_arg_matches_mut(&mut matches));
        match read {
            Ok(program) => program,
            Err(error) if error.kind() == ErrorKind::DisplayHelp => Self::parse(),
            Err(error) => error.format(&mut command).exit(),
        }
    }
}

fn main() -> ExitCode {
    let program = Program::read();
    program.color.apply();
    match program.command {
        Command::Demo(args) => cli::run(demo::run(args)),
        Command::Serve(args) => cli::run(serve::run(args)),
        Command::Worker(args) => cli::run(worker::run(args)),
        Command::Submit(args) => cli::run(submit::run(args)),
        Command::Watch(args) => cli::run(watch::run(args)),
        Command::Best(args) => cli::run(best::run(args)),
        Command::List(args) => cli::run(list::run(args)),
        Command::Show(args) => cli::run(show::run(args)),
        Command::Logs(args) => cli::run(logs::run(args)),
        Command::Table(args) => cli::run(table::run(args)),
        Command::Export(args) => cli::run(export::run(args)),
        Command::Rerun(args) => cli::run(rerun::run(args)),
        Command::Dataset(args) => cli::run(dataset::run(args)),
        Command::Simulate(args) => cli::run(simulate::run(args)),
        Command::Pause(args) => cli::run(control::run(args, Control::Pause)),
        Command::Resume(args) => cli::run(control::run(args, Control::Resume)),
        Command::Extend(args) => cli::run(extend::run(args)),
        Command::Cancel(args) => cli::run(control::run(args, Control::Cancel)),
        Command::Delete(args) => cli::run(delete::run(args)),
        Command::Token(args) => cli::run(token::run(args)),
        Command::Migrate(args) => cli::run(migrate::run(args)),
        Command::Openapi => cli::run(openapi::run()),
        Command::Healthcheck(args) => cli::run(healthcheck::run(args)),
        Command::Doctor(args) => cli::run(doctor::run(args)),
        Command::Completions(args) => cli::run(completions::run(args, Program::command())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands without commands of their own, each with its path.
    fn leaves(command: &clap::Command, path: &str) -> Vec<(String, String)> {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            return command.get_subcommands().flat_map(|sub| leaves(sub, &path)).collect();
        }
        let help = command.get_after_help().map(ToString::to_string);
        vec![(path, help.unwrap_or_default())]
    }

    #[test]
    fn the_command_line_is_consistent_and_every_command_has_examples() {
        Program::command().debug_assert();
        let leaves = leaves(&Program::command(), "");
        assert!(leaves.len() > 15);
        for (path, help) in leaves {
            let command = path.trim_start().to_owned();
            assert!(help.contains(&format!("  {command}")), "{command}: {help:?}");
        }
    }
}
