//! `floodgauge watch`: follows a sweep to its end.

use super::{
    Failure, args::SweepArg, bars::Bars, commands::Commands, connect, print, progress::Progress,
    words,
};
use crate::{
    client::{
        Answer, Client,
        api::{SweepBest, SweepDetail},
    },
    config::Server,
    scheduler::{Decision, Event, SweepStatus},
};
use futures::{StreamExt as _, pin_mut};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How often it is asked how far the sweep has got, at most.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long a sweep may lie unclaimed before that is worth a word.
const PATIENCE: Duration = Duration::from_secs(5);

/// Follow a sweep to its end and print its answer
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge watch 01970000-0000-7000-8000-000000000000")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `watch`.
///
/// # Errors
/// [`Failure::Sweep`] if the sweep fails or is cancelled; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let (client, commands) = (connect(&args.server)?, Commands::to_server(&args.server));
    let sweep = client.sweep(args.sweep.id).await?.value;
    let best = follow(&client, &commands, &sweep).await?;
    match args.json {
        true => print::json(&best.body),
        false => print::out(&words::card(&best.value, &sweep, &commands)),
    }
}

/// Follows a sweep to its end, drawing its progress; answers its best arm. What is to be done elsewhere is
/// told as `commands` to the same server.
///
/// # Errors
/// [`Failure::Sweep`] if the sweep fails or is cancelled; whatever the client meets.
pub async fn follow(
    client: &Client,
    commands: &Commands,
    sweep: &SweepDetail,
) -> Result<Answer<SweepBest>, Failure> {
    let id = sweep.summary.id;
    if let Some(why) = words::halted(sweep).filter(|_| !is_for_a_moment(sweep)) {
        print::note(&why);
    }
    let mut progress = Progress::new(sweep);
    let mut bars = Bars::new(&progress);
    let entries = client.events_as::<Event, Decision>(id, 0);
    pin_mut!(entries);
    let mut asked = Instant::now();
    let mut hinted = false;
    let mut ending = None;
    loop {
        let patience = if hinted || progress.is_claimed() { Duration::MAX } else { PATIENCE };
        let Ok(entry) = timeout(patience, entries.next()).await else {
            hinted = true;
            // What it waits for may not have been known when the sweep was asked for.
            if let Ok(now) = client.sweep(id).await {
                tell_waiting(&bars, &now.value, commands);
            }
            continue;
        };
        let Some(entry) = entry else { break };
        let entry = entry?.value;
        progress.apply(&entry);
        bars.draw(&progress);
        entry.lines.iter().filter(|line| line.news).for_each(|line| bars.note(&words::news(line)));
        // A sweep that was extended since goes on after that.
        ending = entry
            .ending()
            .map(|status| (status, entry.decisions.last().map(|decision| decision.reason.clone())));
        if asked.elapsed() >= ASK_EVERY {
            // The stream tells if the server has gone; this is but a line on a screen.
            if let Ok(now) = client.sweep(id).await
                && let Some(progress) = &now.value.progress
            {
                bars.so_far(&words::so_far(progress));
            }
            asked = Instant::now();
        }
    }
    bars.finish();
    match ending {
        Some((SweepStatus::Completed, _)) => Ok(client.best(id).await?),
        Some((status, why)) => Err(Failure::Sweep(ended(&sweep.summary.name, status, why))),
        None => {
            Err(Failure::Other(anyhow::anyhow!("the log of sweep {id} ended before the sweep did")))
        }
    }
}

/// Whether what a sweep waits for may come any moment.
fn is_for_a_moment(sweep: &SweepDetail) -> bool {
    sweep.waiting.as_ref().is_some_and(|waiting| waiting.transient)
}

/// Says why nobody works on a sweep, and who can't.
fn tell_waiting(bars: &Bars, sweep: &SweepDetail, commands: &Commands) {
    if let Some(why) = words::halted(sweep) {
        bars.waits(&why, words::worker_command(sweep, commands).as_deref());
    }
    let lines = words::troubles(sweep, Timestamp::now());
    lines.iter().for_each(|line| bars.note(line));
}

fn ended(name: &str, status: SweepStatus, why: Option<String>) -> String {
    let how = match status {
        SweepStatus::Cancelled => "was cancelled",
        _ => "failed",
    };
    format!("sweep `{name}` {how}: {}", why.unwrap_or_else(|| "no reason was given".into()))
}
