//! `floodgauge dataset list`: what a server's sweeps can train on.

use super::{Ask, Failure, print, samples};
use crate::client::api::{DatasetItem, datasets::DatasetQuery};
use anyhow::Context as _;
use floodgauge_protocol::DatasetKind;
use serde_json::json;

/// List the data sets of a server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge dataset list")]
pub struct Args {
    #[command(flatten)]
    ask: Ask,
}

/// Runs `dataset list`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = args.ask.connect()?;
    let (mut items, mut bodies, mut which) = (Vec::new(), Vec::new(), DatasetQuery::default());
    loop {
        let page = client.datasets(&which).await?;
        let body: serde_json::Value = serde_json::from_str(&page.body).context("the list")?;
        bodies.extend(body["items"].as_array().cloned().unwrap_or_default());
        items.extend(page.value.items);
        which.cursor = page.value.next_cursor;
        if which.cursor.is_none() {
            break;
        }
    }
    if args.ask.json {
        return print::json(&json!({ "items": bodies, "next_cursor": null }).to_string());
    }
    let header = ["NAME", "SAMPLES", "OF", "CLASSES", "STATE"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(items.iter().map(row));
    print::out(&print::table(&rows))
}

fn row(set: &DatasetItem) -> Vec<String> {
    vec![
        set.name.to_string(),
        match set.kind {
            DatasetKind::Generated => "any number".into(),
            _ => set.max_samples.to_string(),
        },
        samples(set.features, set.image),
        set.classes.to_string(),
        state(set),
    ]
}

/// Where it is, in words.
pub(super) fn state(set: &DatasetItem) -> String {
    match set.kind {
        _ if !set.ready && set.damage.is_some() => "damaged: add the same file again".into(),
        DatasetKind::BuiltIn => "built in".into(),
        DatasetKind::Generated => "generated".into(),
        DatasetKind::Uploaded => "uploaded".into(),
        DatasetKind::Files if set.missing.is_empty() => "in the data folder".into(),
        DatasetKind::Files if set.ready => "kept".into(),
        DatasetKind::Files => "not there: floodgauge dataset download".into(),
    }
}
