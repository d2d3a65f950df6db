//! `floodgauge show`: a sweep with its trials, and why each ended.

use super::{Failure, args::SweepArg, commands::Commands, connect, print, words};
use crate::{client::api::TrialItem, config::Server};
use anyhow::Context as _;
use floodgauge_protocol::Shown;
use jiff::Timestamp;
use serde_json::Value;

/// Show a sweep with its trials, and why each ended
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge show 01970000-0000-7000-8000-000000000000
  floodgauge show 01970000-0000-7000-8000-000000000000 --json | jq '.trials[].status'")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    /// Print the sweep as JSON, its trials among its fields
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `show`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let (client, commands) = (connect(&args.server)?, Commands::to_server(&args.server));
    let sweep = client.sweep(args.sweep.id).await?;
    let trials = client.trials(args.sweep.id).await?;
    if args.json {
        return print::json(&with_trials(&sweep.body, &trials.body).context("the sweep")?);
    }
    let trials = trials.value.items;
    let best = client.best(args.sweep.id).await?.value;
    let about = &sweep.value.summary;
    let rungs: Vec<String> = sweep.value.rungs.iter().map(u32::to_string).collect();
    let said = format!(
        "{} is {}: {} arms on {}, {}, {}, scheduler {} with rungs at {}",
        about.name,
        about.status.as_str(),
        about.arms,
        about.dataset,
        words::seeds(about.seeds),
        words::epochs(about.epochs),
        about.scheduler.as_str(),
        rungs.join(", "),
    );
    let said = print::wrapped(&said, print::width(), 0);
    print::out(&format!("{said}\n{}\n", words::page(client.server(), args.sweep.id)))?;
    if let Some(why) = words::halted(&sweep.value) {
        print::out(&format!("{}\n", print::wrapped(&why, print::width(), 0)))?;
    }
    for line in words::troubles(&sweep.value, Timestamp::now()) {
        print::out(&format!("{}\n", print::wrapped(&line, print::width(), 0)))?;
    }
    print::out(&format!("{}\n", words::answer(&best.best, &sweep.value, &commands)))?;
    let objective = about.metric.as_str().to_uppercase();
    let header = ["ARM", "SEED", "DECAY", "STATUS", "EPOCHS", "ONSET", &objective, "WHY"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(trials.iter().map(row));
    let expendable: &[&str] = match sweep.value.has_several_decays() {
        true => &["ONSET"],
        false => &["DECAY", "ONSET"],
    };
    print::out(&print::fitted(&rows, expendable, true, print::width()))
}

/// The sweep's answer with the items of its trials' answer in a field.
fn with_trials(sweep: &str, trials: &str) -> serde_json::Result<String> {
    let mut sweep: Value = serde_json::from_str(sweep)?;
    let mut trials: Value = serde_json::from_str(trials)?;
    sweep["trials"] = trials["items"].take();
    serde_json::to_string(&sweep)
}

/// A trial in its table.
pub(super) fn row(trial: &TrialItem) -> Vec<String> {
    let onset = trial.onset_step.map(|step| format!("step {step}"));
    vec![
        trial.arm.name.clone(),
        trial.seed.to_string(),
        Shown(trial.weight_decay).to_string(),
        trial.status.as_str().into(),
        trial.epochs.to_string(),
        onset.unwrap_or_default(),
        trial.objective.map(words::metric).unwrap_or_default(),
        trial.reason.clone().unwrap_or_default(),
    ]
}
