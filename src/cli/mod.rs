//! The program's commands, a file each (pause, resume and cancel share `control.rs`), and what they
//! have in common: words, bars, exit codes.

pub mod best;
pub mod completions;
pub mod control;
pub mod dataset;
pub mod delete;
pub mod demo;
pub mod doctor;
pub mod export;
pub mod extend;
pub mod healthcheck;
pub mod list;
pub mod logs;
pub mod migrate;
pub mod openapi;
pub mod rerun;
pub mod serve;
pub mod show;
pub mod simulate;
pub mod submit;
pub mod table;
pub mod token;
pub mod watch;
pub mod worker;

mod args;
mod bars;
mod color;
mod commands;
mod error_text;
mod failure;
mod fetched;
#[cfg(test)]
mod hostile;
mod housekeeping;
mod limits;
mod listen;
mod log;
mod phases;
mod plan;
mod print;
mod progress;
mod retention;
mod server;
mod signals;
mod sole;
mod stage;
mod sweep_file;
#[cfg(test)]
mod testing;
mod words;

pub use color::Color;
pub use failure::{EXIT_CODES, Failure};

use args::connect;
use std::{process::ExitCode, time::Duration};

/// How long threads that still train may keep the process from ending.
const RUNTIME_SHUTDOWN: Duration = Duration::from_secs(2);

/// Runs a command to its end, and says what went wrong if something did.
pub fn run(command: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let outcome = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let outcome = runtime.block_on(command);
            runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
            outcome
        }
        Err(error) => Err(Failure::Other(error.into())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print::complain(&failure);
            failure.exit_code()
        }
    }
}
