//! `floodgauge dataset show`: one data set.

use super::{Ask, Failure, dataset_name, list, print, samples, size, unscaled};
use crate::cli::words;
use floodgauge_protocol::DatasetName;

/// Show a data set
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  floodgauge dataset show mnist")]
pub struct Args {
    /// Its name
    #[arg(value_parser = dataset_name)]
    name: DatasetName,
    #[command(flatten)]
    ask: Ask,
}

/// Runs `dataset show`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let answer = args.ask.connect()?.dataset(&args.name).await?;
    if args.ask.json {
        return print::json(&answer.body);
    }
    let set = answer.value;
    let split = format!("{} to train, {} to validate", set.n_train, set.n_val);
    let mut lines = vec![
        words::line("name", set.name.as_str()),
        words::line("state", &list::state(&set)),
        words::line("samples", &samples(set.features, set.image)),
        words::line("classes", &set.classes.to_string()),
        words::line("split", &format!("{split}; at most {} together", set.max_samples)),
    ];
    if let Some(fault) = unscaled(&set) {
        lines.push(words::line("features", &format!("{fault}. Standardise them.")));
    }
    if let Some(kept) = &set.kept {
        if let Some(count) = kept.test_samples.filter(|&count| count > 0) {
            lines.push(words::line("test", &format!("{count} samples of its own")));
        }
        lines.push(words::line(
            "kept",
            &format!("{} since {}", size(kept.bytes), kept.since.strftime("%Y-%m-%d %H:%M UTC")),
        ));
        lines.push(words::line("sha-256", &kept.sha256.to_string()));
    }
    if let Some(damage) = &set.damage {
        lines.push(words::line("damage", damage));
    }
    for file in &set.missing {
        lines.push(words::line("missing", file));
    }
    print::out(&lines.join("\n"))
}
