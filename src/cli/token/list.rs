//! `floodgauge token list`: all tokens, without their secrets.

use crate::{
    access::TokenId,
    cli::{Failure, print, server::open_existing},
    config::Storage,
    http::tokens::token_item,
    store::{DynStore, TokenRow},
};
use anyhow::Context as _;
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
        print::note("no tokens; make one with: floodgauge token create NAME --scope admin");
        return Ok(());
    }
    let header = ["ID", "NAME", "SCOPES", "MADE (UTC)", "EXPIRES", "LAST USED", "STATE"];
    let mut table = vec![header.map(String::from).to_vec()];
    table.extend(items.iter().map(row));
    print::out(&print::table(&table))
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

fn row(token: &TokenItem) -> Vec<String> {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let hour = |at: Timestamp| at.strftime("%Y-%m-%d %H:00").to_string();
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    vec![
        token.id.to_string(),
        text::escaped(&token.name).into_owned(),
        scopes.join(" "),
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
