//! `floodgauge submit`: hands a sweep to a server.

use super::{Failure, commands::Commands, connect, plan, print, sweep_file, watch, words};
use crate::{client::ClientError, config::Server};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;

/// How long a submission waits for what there is to warn of: a plan of many arms takes a busy server its time.
const WARN_WITHIN: Duration = Duration::from_secs(3);

/// Hand a sweep to a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge submit examples/digits.toml --watch
  floodgauge submit examples/digits.toml --plan
  floodgauge submit sweep.json --server http://gauge.example:7878
  sed 's/epochs = 100/epochs = 200/' examples/digits.toml | floodgauge submit -")]
pub struct Args {
    /// The sweep, in TOML or JSON; `-` reads standard input
    file: PathBuf,
    /// Follow the sweep to its end and print the answer
    #[arg(long)]
    watch: bool,
    /// Check the sweep and print what it would train and cost; nothing is submitted
    #[arg(long, conflicts_with_all = ["watch", "idempotency_key"])]
    plan: bool,
    /// Print what the server answers as JSON: the sweep, with --watch the answer, with --plan the plan
    #[arg(long)]
    json: bool,
    /// A key under which the same sweep is made only once, however often it is submitted
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// Runs `submit`.
///
/// # Errors
/// [`Failure::BadInput`] for a sweep that can't be run; with --watch, as `watch`.
pub async fn run(args: Args) -> Result<(), Failure> {
    let spec = sweep_file::read(&args.file)?;
    let (client, commands) = (connect(&args.server)?, Commands::to_server(&args.server));
    let refused = |error| match error {
        // Who may not submit has no fault in the file.
        ClientError::Refused(problem) if matches!(problem.status, 400 | 404..=499) => {
            Failure::BadInput(format!("{}: {problem}", args.file.display()))
        }
        error => Failure::from(error),
    };
    if args.plan {
        let planned = client.plan(&spec).await.map_err(refused)?;
        return match args.json {
            true => print::json(&planned.body),
            false => print::out(&plan::card(&planned.value)),
        };
    }
    match timeout(WARN_WITHIN, client.plan(&spec)).await {
        Ok(Ok(planned)) => {
            let warnings = planned.value.warnings;
            warnings.iter().for_each(|words| print::note(&format!("warning: {words}")));
        }
        // Who isn't there needn't be waited for twice.
        Ok(Err(error @ ClientError::Unreachable { .. })) => return Err(refused(error)),
        // Servers of 0.1.0 have no plans there. What else is wrong, the submission tells.
        Ok(Err(_)) | Err(_) => {}
    }
    let made = client.submit(&spec, args.idempotency_key.as_deref()).await;
    let made = made.map_err(refused)?;
    let id = made.value.summary.id;
    let page = words::page(client.server(), id);
    if args.watch {
        print::note(&format!("{page}\n"));
        let best = watch::follow(&client, &commands, &made.value).await?;
        return match args.json {
            true => print::json(&best.body),
            false => print::out(&words::card(&best.value, &made.value, &commands)),
        };
    }
    if args.json {
        return print::json(&made.body);
    }
    print::out(&id.to_string())?;
    let watch = commands.line(&format!("watch {id}"));
    print::note(&format!("{page}\nfollow it with: {watch}"));
    Ok(())
}
