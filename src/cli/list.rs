//! `floodgauge list`: the sweeps of a server, newest first.

use super::{Failure, args::Ask, print, words};
use crate::{
    client::{
        Client,
        api::{SweepQuery, SweepSummary},
    },
    config::numbers::whole,
};
use anyhow::Context as _;
use floodgauge_protocol::SweepId;
use serde::{Deserialize, Serialize};

/// The most sweeps that the server lists at once.
const MAX_PAGE: u32 = 200;
/// The most that are asked for, page by page.
const MAX_LISTED: u32 = 10_000;

/// List the sweeps of a server, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge list
  floodgauge list digits --limit 500 --json")]
pub struct Args {
    /// Only sweeps whose name contains this
    search: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole::<u32>(1..=MAX_LISTED.into()))]
    limit: u32,
    #[command(flatten)]
    ask: Ask,
}

/// Runs `list`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = args.ask.connect()?;
    let search = args.search.as_deref();
    let found = collect(&client, search, args.limit).await?;
    if args.ask.json {
        return print::json(&serde_json::to_string(&found.body).context("the list")?);
    }
    if found.sweeps.is_empty() {
        print::note(&match search {
            Some(text) => format!("no sweep has `{text}` in its name"),
            None => {
                let submit = args.ask.commands().line("submit examples/digits.toml --watch");
                format!("no sweeps; submit one with: {submit}")
            }
        });
        return Ok(());
    }
    let header =
        ["ID", "NAME", "STATUS", "DATA", "ARMS", "SEEDS", "BEST", "FINDING", "SUBMITTED (UTC)"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(found.sweeps.iter().map(row));
    let expendable = ["SEEDS", "ARMS", "DATA", "SUBMITTED (UTC)", "STATUS"];
    print::out(&print::fitted(&rows, &expendable, false, print::width()))?;
    for sweep in &found.sweeps {
        if let Some(why) = &sweep.replay_error {
            print::note(&format!("{}: {}", sweep.id, words::unreplayable(why)));
        }
    }
    if found.body.next_cursor.is_some() {
        let further = args.limit.saturating_mul(5).min(MAX_LISTED);
        print::note(&format!("there are more; see further back with --limit {further}"));
    }
    Ok(())
}

/// Sweeps of one or more pages.
struct Found {
    sweeps: Vec<SweepSummary>,
    /// The same with every field that the server answers, as one page.
    body: Body,
}

#[derive(Default, Serialize, Deserialize)]
struct Body {
    items: Vec<serde_json::Value>,
    next_cursor: Option<SweepId>,
}

/// The newest `limit` sweeps, page by page.
async fn collect(client: &Client, search: Option<&str>, limit: u32) -> Result<Found, Failure> {
    let mut found = Found { sweeps: Vec::new(), body: Body::default() };
    loop {
        let missing = limit.saturating_sub(found.sweeps.len() as u32);
        let which = SweepQuery {
            cursor: found.body.next_cursor.take(),
            limit: Some(missing.min(MAX_PAGE)),
            search: search.map(str::to_owned),
            status: None,
        };
        let page = client.list(&which).await?;
        let body: Body = serde_json::from_str(&page.body).context("the list")?;
        found.sweeps.extend(page.value.items);
        found.body.items.extend(body.items);
        found.body.next_cursor = body.next_cursor;
        if found.body.next_cursor.is_none() || found.sweeps.len() >= limit as usize {
            return Ok(found);
        }
    }
}

/// A sweep in the list.
pub(super) fn row(sweep: &SweepSummary) -> Vec<String> {
    let best = sweep.best.as_ref().and_then(|best| best.best.as_ref());
    vec![
        sweep.id.to_string(),
        sweep.name.clone(),
        sweep.status.as_str().into(),
        sweep.dataset.clone(),
        sweep.arms.to_string(),
        sweep.seeds.to_string(),
        best.map_or_else(String::new, |arm| {
            let before = sweep.best.as_ref().is_some_and(|best| best.before_extension);
            let before = if before { ", before the extension" } else { "" };
            format!("{} ({}{before})", arm.arm, words::metric(arm.objective))
        }),
        sweep.finding.map_or_else(String::new, |finding| finding.words().into()),
        sweep.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
    ]
}
