//! `floodgauge table`: the paper's table of a sweep.

use super::{Failure, args::SweepArg, connect, print};
use crate::{
    client::api::SweepTable,
    config::Server,
    verdict::{Figure, TableCell},
};
use console::style;
use floodgauge_protocol::{Metric, MetricInfo, Shown, text};

/// Print the paper's table of a sweep: early stopping and weight decay, without and with flooding
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge table 01970000-0000-7000-8000-000000000000
  floodgauge table 01970000-0000-7000-8000-000000000000 --csv > table.csv")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    /// Print what the server answers as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print it as comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `table`.
///
/// # Errors
/// Whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    if args.csv {
        return print::out(&text::escaped_lines(client.table_csv(args.sweep.id).await?.trim_end()));
    }
    let table = client.table(args.sweep.id).await?;
    if args.json {
        return print::json(&table.body);
    }
    print::out(&set_out(&table.value))
}

/// The table with a line a cell, and what its figures are.
pub(super) fn set_out(table: &SweepTable) -> String {
    let rows = &table.table.rows;
    let several = rows.iter().any(|row| row.weight_decay != rows[0].weight_decay);
    let mut header = vec!["READ AT"];
    if several {
        header.push("DECAY");
    }
    header.push("ARM");
    let metrics = &table.table.metrics;
    let mut header: Vec<String> = header.into_iter().map(String::from).collect();
    header.extend(metrics.iter().map(title));
    header.extend(["TEST LOSS", "TEST ERROR"].map(String::from));
    let mut lines = vec![header];
    for row in rows {
        for (i, cell) in row.cells().enumerate() {
            let first = |text: String| if i == 0 { text } else { String::new() };
            let read = if row.early_stopping { "best epoch" } else { "end" };
            let mut line = vec![first(read.into())];
            if several {
                line.push(first(Shown(row.weight_decay).to_string()));
            }
            line.push(cell.arm.name.clone());
            line.extend(figures(metrics, cell));
            lines.push(line);
        }
    }
    if lines.len() == 1 {
        return "no arm was trained to the end with every seed yet".into();
    }
    let seeds = rows.iter().flat_map(|row| row.cells()).map(|cell| cell.seeds).max().unwrap_or(0);
    let metric = table.table.metric.as_str();
    let summary = format!(
        "Means over {} ± standard error, errors in %. Best epochs and levels by {metric}.\n\
         At the end, validation is the mean of the closing epochs. Test labels are clean.",
        super::words::seeds(seeds as usize)
    );
    format!("{}\n\n{}", print::table(&lines), style(summary).dim())
}

/// The head of a metric's column: `VAL LOSS`.
fn title(metric: &MetricInfo) -> String {
    metric.name.as_str().replace('_', " ").to_uppercase()
}

/// Whether a metric is a share, which people read in percent.
fn is_share(metric: &MetricInfo) -> bool {
    metric.unit.as_deref() == Some("share")
}

fn figures(metrics: &[MetricInfo], cell: &TableCell) -> Vec<String> {
    let of = |metric: &MetricInfo| {
        let value = cell.metrics.get(&metric.name).copied();
        if is_share(metric) { figure(value, 100.0, 1) } else { figure(value, 1.0, 3) }
    };
    let test = [figure(cell.test_loss, 1.0, 3), figure(cell.test_error, 100.0, 1)];
    metrics.iter().map(of).chain(test).collect()
}

fn figure(figure: Option<Figure>, unit: f64, digits: usize) -> String {
    let Some(Figure { mean, standard_error }) = figure else { return "-".into() };
    let Some(mean) = mean.finite() else { return Metric::Diverged.to_string() };
    let rounded = |figure: f64| format!("{:.digits$}", Metric::from(figure * unit));
    let error = standard_error.map(|error| format!(" ± {}", rounded(error)));
    rounded(mean) + &error.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_has_a_line_a_cell_and_fits_a_terminal() {
        let figure = |mean: f64| json!({ "mean": mean, "standard_error": mean / 20.0 });
        let cell = |arm: u16, name: &str, method: &str, b: Option<f64>| {
            json!({ "arm": arm, "name": name, "method": method, "b": b, "parameter": b, "seeds": 3,
                    "metrics": { "val_loss": figure(2.131), "val_error": figure(0.316) },
                    "test_loss": figure(0.406), "test_error": figure(0.118) })
        };
        let row = |early: bool| {
            json!({ "early_stopping": early, "weight_decay": 0.0, "without": cell(0, "plain", "plain", None),
                    "with": cell(7, "flood b=0.07", "flood", Some(0.07)), "others": [] })
        };
        let table = serde_json::from_value(json!({
            "sweep": "01970000-0000-7000-8000-000000000000", "status": "completed",
            "metric": "val_loss", "rows": [row(false), row(true)],
            "metrics": [{ "name": "val_loss", "direction": "min", "unit": "nats" },
                        { "name": "val_error", "direction": "min", "unit": "share" }]
        }));
        let text = console::strip_ansi_codes(&set_out(&table.unwrap())).into_owned();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "READ AT     ARM           VAL LOSS       VAL ERROR   TEST LOSS      TEST ERROR"
        );
        assert_eq!(
            lines[1],
            "end         plain         2.131 ± 0.107  31.6 ± 1.6  0.406 ± 0.020  11.8 ± 0.6"
        );
        assert!(lines[4].starts_with("            flood b=0.07  2.131"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 86), "{text}");
        assert!(text.contains("Means over 3 seeds"), "{text}");
    }
}
