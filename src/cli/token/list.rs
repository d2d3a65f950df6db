//! `floodgauge token list`: all tokens, without their secrets.

use crate::{
    access::{Limits, TokenId},
    cli::{Failure, commands::Commands, print, server::open_existing},
    config::Storage,
    counting::count,
    http::tokens::token_item,
    store::{DynStore, TokenRow},
};
use anyhow::Context as _;
use bytesize::ByteSize;
use floodgauge_api::access::TokenItem;
use floodgauge_protocol::text;
use jiff::Timestamp;
use serde_json::json;

/// How many are read at once.
const MAX_PAGE: u32 = 200;

/// List tokens, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge token list
  floodgauge token list --all --json | jq '.items[].name'")]
pub struct Args {
    /// Revoked and expired ones too
    #[arg(long)]
    all: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: Storage,
}

/// Runs `token list`.
///
/// # Errors
/// What the database says.
pub async fn run(args: Args) -> Result<(), Failure> {
    let store = open_existing(&args.storage).await?;
    let mut rows = every(&store).await?;
    rows.retain(|row| args.all || row.live);
    let items: Vec<_> = rows.iter().map(token_item).collect::<Result<_, _>>()?;
    if args.json {
        return print::json(&json!({ "items": items }).to_string());
    }
    if items.is_empty() {
        let create = Commands::on(&args.storage).line("token create NAME --scope admin");
        print::note(&format!("no tokens; make one with: {create}"));
        return Ok(());
    }
    let header =
        ["ID", "NAME", "SCOPES", "LIMITS", "CREATED (UTC)", "EXPIRES", "LAST USED (UTC)", "STATE"];
    let mut table = vec![header.map(String::from).to_vec()];
    table.extend(items.iter().map(row));
    print::out(&print::fitted(&table, &["CREATED (UTC)", "EXPIRES"], false, print::width()))
}

/// Every token, newest first.
pub(super) async fn every(store: &DynStore) -> Result<Vec<TokenRow>, Failure> {
    let (mut all, mut after) = (Vec::new(), None::<TokenId>);
    loop {
        let page = store.tokens(after, MAX_PAGE).await.context("the tokens")?;
        let full = page.len() == MAX_PAGE as usize;
        after = page.last().map(|row| row.token);
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}

/// How much a token may have and do, as far as that is bounded.
fn limits(limits: &Limits) -> String {
    let Limits { rate, open_sweeps, arms, upload_bytes } = limits;
    let bounds = [
        rate.map(|rate| format!("{rate}/s")),
        open_sweeps.map(|sweeps| count(sweeps as usize, "sweep")),
        arms.map(|arms| count(arms as usize, "arm")),
        upload_bytes.map(|bytes| format!("{} uploaded", ByteSize::b(bytes).display().iec())),
    ];
    let bounds: Vec<_> = bounds.into_iter().flatten().collect();
    if bounds.is_empty() { "none".into() } else { bounds.join(", ") }
}

fn row(token: &TokenItem) -> Vec<String> {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let hour = |at: Timestamp| at.strftime("%Y-%m-%d %H:00").to_string();
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    vec![
        token.id.to_string(),
        text::escaped(&token.name).into_owned(),
        scopes.join(" "),
        limits(&token.limits),
        day(token.created_at),
        token.expires_at.map_or_else(|| "never".into(), day),
        token.used_at.map_or_else(|| "never".into(), hour),
        match token {
            TokenItem { revoked_at: Some(_), .. } => "revoked",
            TokenItem { live: false, .. } => "expired",
            _ => "works",
        }
        .into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_listed_with_its_limits_and_when_it_was_last_used() {
        let token: TokenItem = serde_json::from_value(json!({
            "id": "01970000-0000-7000-8000-000000000000", "name": "ci", "scopes": ["submit"],
            "limits": { "rate": 20, "open_sweeps": 5, "arms": 1, "upload_bytes": 20_971_520 },
            "live": true, "created_at": "2026-01-02T03:04:05Z", "expires_at": null, "revoked_at": null,
            "used_at": "2026-03-04T05:00:00Z"
        }))
        .unwrap();
        let cells = row(&token);
        assert_eq!(cells[3], "20/s, 5 sweeps, 1 arm, 20.0 MiB uploaded");
        assert_eq!(cells[6], "2026-03-04 05:00");
        assert_eq!(limits(&Limits::default()), "none");
    }
}
