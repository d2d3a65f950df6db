//! `floodgauge rerun`: an exported sweep once more, and what differs.

mod supply;
mod words;

use super::{
    Failure,
    args::sweep_id,
    commands::{self, Commands},
    connect,
    fetched::fetched,
    print, watch,
};
use crate::{
    cli::words::page,
    client::{Client, ClientError, api::SweepSummary},
    config::Server,
    export::{
        Export, ExportError,
        compare::{Comparison, End},
    },
};
use anyhow::{Context as _, anyhow};
use floodgauge_protocol::SweepId;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Run an exported sweep again, and say what differs
///
/// The file is what `floodgauge export` writes, or a grid that `GET /v1/sweeps/{id}/grid` answers. Its
/// sweep is submitted as it stands there, pinned to its data; a data set that the file holds is added where
/// the server has none of the name. At the end every value is compared. It differs if another arm won, if
/// a value differs in any bit, if a run ended at another epoch, or if one sweep failed and the other didn't: then the
/// exit code is 1. Of a sweep that hadn't completed, what is recorded is compared, and what can't be is told. If the sweep
/// fails or is cancelled now, the exit code is 3, whatever was recorded. Bits agree on machines of the same kind.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge rerun digits.json
  floodgauge rerun digits.zip --server http://gauge.example:7878
  floodgauge rerun digits.json --no-wait
  floodgauge rerun digits.json --against 01970000-0000-7000-8000-000000000000")]
pub struct Args {
    /// The export to run again
    file: PathBuf,
    /// Submit the sweep and leave it there
    #[arg(long, conflicts_with = "against")]
    no_wait: bool,
    /// Submit nothing: compare with this sweep of the server, followed to its end
    #[arg(long, value_name = "ID", value_parser = sweep_id)]
    against: Option<SweepId>,
    /// Print the comparison as JSON, with --no-wait the sweep
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct RerunReport<'a> {
    /// The sweep that the file was compared with.
    sweep: SweepId,
    /// Whether anything differs.
    differs: bool,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Runs `rerun`.
///
/// # Errors
/// [`Failure::BadInput`] for a file that can't be run again, and a server that lacks its data;
/// [`Failure::Sweep`] if the sweep fails or is cancelled, once what there is of it was compared;
/// [`Failure::Other`] if it differs.
pub async fn run(args: Args) -> Result<(), Failure> {
    let recorded = read(&args.file)?;
    let (client, commands) = (connect(&args.server)?, Commands::to_server(&args.server));
    let sweep = match args.against {
        Some(id) => client.sweep(id).await?.value,
        None => {
            let dataset = &recorded.spec.recipe.dataset;
            supply::supply(&client, dataset, &args.file).await?;
            let made = client.submit(&recorded.spec, None).await;
            let made = made.map_err(|error| refused(&args.file, error))?;
            let id = made.value.summary.id;
            if args.no_wait {
                if args.json {
                    return print::json(&made.body);
                }
                print::out(&id.to_string())?;
                let compare = commands.line(&comparing(&args.file, id));
                print::note(&format!("compare it with: {compare}"));
                return Ok(());
            }
            made.value
        }
    };
    print::note(&format!("{}\n", page(client.server(), sweep.summary.id)));
    let gave_up = match watch::follow(&client, &commands, &sweep).await {
        Ok(_) => None,
        Err(failure @ Failure::Sweep(_)) => Some(failure),
        Err(other) => return Err(other),
    };
    let comparison = compared(&client, &recorded, sweep.summary.id).await?;
    if args.json {
        let differs = comparison.differs();
        let report = RerunReport { sweep: sweep.summary.id, differs, comparison: &comparison };
        print::json(&serde_json::to_string(&report).context("the comparison")?)?;
    } else {
        print::out(&words::card(&comparison, &recorded))?;
    }
    match gave_up {
        Some(failure) => Err(failure),
        None if comparison.differs() => Err(anyhow!("the sweep differs from its recording").into()),
        None => Ok(()),
    }
}

/// The command that compares the file with a sweep.
fn comparing(file: &Path, sweep: SweepId) -> String {
    format!("rerun {} --against {sweep}", commands::file(file))
}

fn read(file: &Path) -> Result<Export, Failure> {
    Export::open(file).map_err(|error| unusable(file, &error))
}

/// That a file can't be run again, and why.
fn unusable(file: &Path, error: &ExportError) -> Failure {
    Failure::BadInput(format!("{}: {error}", file.display()))
}

fn refused(file: &Path, error: ClientError) -> Failure {
    match error {
        ClientError::Refused(problem) if problem.status < 500 => {
            Failure::BadInput(format!("{}: {problem}", file.display()))
        }
        error => error.into(),
    }
}

/// Compares what is recorded with what a sweep of the server came to, however it ended.
async fn compared(
    client: &Client,
    recorded: &Export,
    sweep: SweepId,
) -> Result<Comparison, Failure> {
    let best = client.best(sweep).await?.value;
    let curves = fetched(client.grid(sweep).await?).await?;
    let now = Export::read(curves).context("the curves that the server answers")?;
    let SweepSummary { status, end_reason: reason, .. } = client.sweep(sweep).await?.value.summary;
    Ok(Comparison::of(recorded, &now, &best, End { status, reason }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_compares_can_be_pasted_whatever_the_file_is_called() {
        let sweep: SweepId = "01970000-0000-7000-8000-000000000000".parse().unwrap();
        let command = comparing(Path::new("my sweep;.json"), sweep);
        assert_eq!(command, format!("rerun 'my sweep;.json' --against {sweep}"));
    }
}
