//! `floodgauge delete`: deletes sweeps that have ended, with all that is theirs.

use super::{Failure, args::connect, args::sweep_id, print};
use crate::{
    client::{Client, api::SweepSummary},
    config::Server,
    counting::count,
};
use anyhow::Context as _;
use floodgauge_protocol::SweepId;
use std::{
    collections::BTreeSet,
    io::{self, BufRead, IsTerminal as _},
};

/// Delete sweeps that have ended, with their logs, curves and checkpoints
///
/// There is no way back, so on a terminal it asks first. Cancel one first that still goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge delete ID
  floodgauge delete ID ID --yes
  floodgauge list old --json | jq -r '.items[].id' | xargs floodgauge delete")]
pub struct Args {
    /// The sweeps' ids
    #[arg(required = true, value_name = "ID", value_parser = sweep_id)]
    sweeps: Vec<SweepId>,
    /// Don't ask; where there is no terminal nobody is asked anyway
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `delete`.
///
/// # Errors
/// [`Failure::BadInput`] for one that goes on or isn't there, those after it are left as they are then, and
/// if whoever is asked doesn't agree; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    let mut seen = BTreeSet::new();
    let sweeps: Vec<_> = args.sweeps.into_iter().filter(|sweep| seen.insert(*sweep)).collect();
    if !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal() {
        print::note(&question(&named(&client, &sweeps).await?));
        if !agrees(&mut io::stdin().lock()).context("standard input")? {
            return Err(Failure::BadInput("nothing was deleted".into()));
        }
    }
    for sweep in sweeps {
        client.delete(sweep).await?;
        print::out(&format!("sweep {sweep} is deleted"))?;
    }
    Ok(())
}

/// The sweeps as people know them.
async fn named(client: &Client, sweeps: &[SweepId]) -> Result<Vec<SweepSummary>, Failure> {
    let mut found = Vec::with_capacity(sweeps.len());
    for &sweep in sweeps {
        found.push(client.sweep(sweep).await?.value.summary);
    }
    Ok(found)
}

/// What is asked before anything is deleted.
fn question(sweeps: &[SweepSummary]) -> String {
    let each = sweeps.iter().map(|sweep| {
        let day = sweep.created_at.strftime("%Y-%m-%d");
        format!("  {}  `{}`, {}, of {day}\n", sweep.id, sweep.name, sweep.status.as_str())
    });
    format!(
        "{}Delete {} with log, curves and checkpoints, for good? [y/N]",
        each.collect::<String>(),
        count(sweeps.len(), "sweep")
    )
}

/// Whether the next line agrees; no line doesn't.
fn agrees(input: &mut impl BufRead) -> io::Result<bool> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing;

    #[test]
    fn only_a_yes_agrees() {
        for (line, expected) in [
            ("y\n", true),
            ("Yes\n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yesterday\n", false),
        ] {
            assert_eq!(agrees(&mut line.as_bytes()).unwrap(), expected, "{line:?}");
        }
    }

    #[test]
    fn who_is_asked_sees_what_would_go() {
        let sweep = testing::sweep(&[(0, 0.0)]).summary;
        let asked = question(&[sweep.clone(), sweep]);
        assert_eq!(asked.lines().count(), 3, "{asked}");
        assert!(asked.contains("`x`, running, of 2026-01-01"), "{asked}");
        assert!(asked.contains("Delete 2 sweeps with log, curves and checkpoints"), "{asked}");
    }
}
