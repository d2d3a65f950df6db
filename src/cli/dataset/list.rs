//! `floodgauge dataset list`: what a server's sweeps can train on.

use super::{Ask, Failure, print, samples, size};
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
    print::out(&set_out(&items, print::width()))
}

/// The table of the sets; where it is too wide, without what matters least.
fn set_out(items: &[DatasetItem], width: Option<usize>) -> String {
    let header =
        ["NAME", "SAMPLES", "TEST", "OF", "CLASSES", "SIZE", "SWEEPS", "KEPT SINCE (UTC)", "STATE"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(items.iter().map(row));
    print::fitted(&rows, &["KEPT SINCE (UTC)", "TEST", "SIZE", "SWEEPS"], false, width)
}

fn row(set: &DatasetItem) -> Vec<String> {
    let kept = set.kept.as_ref();
    vec![
        set.name.to_string(),
        match set.kind {
            DatasetKind::Generated => "any number".into(),
            _ => set.max_samples.to_string(),
        },
        kept.and_then(|kept| kept.test_samples).map_or_else(String::new, |count| count.to_string()),
        samples(set.features, set.image),
        set.classes.to_string(),
        kept.map_or_else(String::new, |kept| size(kept.bytes)),
        set.sweeps.map_or_else(String::new, sweeps),
        kept.map_or_else(String::new, |kept| kept.since.strftime("%Y-%m-%d %H:%M").to_string()),
        state(set),
    ]
}

/// So many sweeps, of which a server counts some alone.
fn sweeps(count: u64) -> String {
    let most = DatasetItem::MOST_SWEEPS;
    if count < most { count.to_string() } else { format!("{most}+") }
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
        DatasetKind::Files => format!("not there: floodgauge dataset download {}", set.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_listed_with_all_that_is_counted_of_it() {
        let uploaded: DatasetItem = serde_json::from_value(json!({
            "name": "beans", "kind": "uploaded", "ready": true, "missing": [], "features": 4,
            "image": null, "classes": 3, "most_samples": 540, "n_train": 432, "n_val": 108,
            "kept": { "sha256": "0".repeat(64), "bytes": 2_621_440, "format": "csv", "test_samples": 60,
                      "since": "2026-03-01T12:30:00Z" },
            "sweeps": 12
        }))
        .unwrap();
        let set_out = |width| set_out(std::slice::from_ref(&uploaded), width);
        assert_eq!(
            set_out(None),
            "NAME   SAMPLES  TEST  OF          CLASSES  SIZE     SWEEPS  KEPT SINCE (UTC)  STATE\n\
             beans  540      60    4 features  3        2.5 MiB  12      2026-03-01 12:30  uploaded"
        );
        let narrow = set_out(Some(60));
        assert!(!narrow.contains("2026") && narrow.contains("uploaded"), "{narrow}");
        assert_eq!([0, 999, 1_000].map(sweeps), ["0", "999", "1000+"]);
    }
}
