//! `floodgauge logs`: what happened to a sweep and what was decided, in the server's words.

use super::{Failure, args::SweepArg, connect, print, words};
use crate::{
    client::{Answer, LogLine, Tone, api::SweepDetail},
    config::Server,
};
use console::style;
use floodgauge_protocol::{Arm, ArmIx};
use futures::{StreamExt as _, pin_mut};
use jiff::{Timestamp, tz::TimeZone};

/// Tell what happened to a sweep and what was decided, in words
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge logs 01970000-0000-7000-8000-000000000000
  floodgauge logs 01970000-0000-7000-8000-000000000000 --follow
  floodgauge logs 01970000-0000-7000-8000-000000000000 --arm 0.07
  floodgauge logs 01970000-0000-7000-8000-000000000000 --json | jq -c .decisions")]
pub struct Args {
    #[command(flatten)]
    sweep: SweepArg,
    /// Go on until the sweep ends
    #[arg(long, short)]
    follow: bool,
    /// Only what concerns this arm, as `show` names it; of a level, the number will do
    #[arg(long, value_name = "ARM")]
    arm: Option<String>,
    /// Print the entries as JSON, one a line, reports included
    #[arg(long, conflicts_with = "arm")]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Runs `logs`.
///
/// # Errors
/// [`Failure::BadInput`] for an arm that the sweep hasn't; whatever the client meets.
pub async fn run(args: Args) -> Result<(), Failure> {
    let client = connect(&args.server)?;
    let sweep = client.sweep(args.sweep.id).await?.value;
    if let Some(why) = words::halted(&sweep) {
        print::note(&why);
    }
    let arms = args.arm.as_deref().map(|arm| named(&sweep, arm)).transpose()?;
    let mut lines = Lines { width: print::width(), day: None };
    let entries = client.events(args.sweep.id, 0);
    pin_mut!(entries);
    let mut seq = 0;
    while args.follow || seq < sweep.seq {
        // The stream is over with the sweep, which may have left entries behind its end.
        let Some(entry) = entries.next().await else { break };
        let Answer { body, value: entry } = entry?;
        seq = entry.seq;
        if args.json {
            print::json(&body)?;
            continue;
        }
        for line in &entry.lines {
            if arms.as_ref().is_none_or(|arms| arms.iter().any(|arm| line.arms.contains(arm))) {
                print::out(&lines.set(entry.at, line))?;
            }
        }
    }
    Ok(())
}

/// The arms that a text names: one by its whole name, or all of a level.
fn named(sweep: &SweepDetail, text: &str) -> Result<Vec<ArmIx>, Failure> {
    let level = text.strip_prefix("b=").unwrap_or(text).parse::<f64>().ok();
    let is_meant = |arm: &&Arm| arm.name == text || level.is_some() && arm.b == level;
    let meant = sweep.arms_list.iter().filter(is_meant).map(|arm| arm.ix);
    let meant: Vec<ArmIx> = meant.collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let names: Vec<&str> = sweep.arms_list.iter().map(|arm| arm.name.as_str()).collect();
    Err(Failure::BadInput(format!("no arm is named `{text}`; there are: {}", names.join(", "))))
}

/// How wide the kind of a line is set.
const KIND_COLUMNS: usize = 14;
/// What stands before the words: a time, a kind, and the spaces around it.
const INDENT_COLUMNS: usize = 8 + 1 + KIND_COLUMNS + 2;

/// Sets lines out under one another.
pub(super) struct Lines {
    /// How wide lines may be; no width, no breaks.
    pub width: Option<usize>,
    /// The day of the line before: times of another one need to name it.
    pub day: Option<jiff::civil::Date>,
}

impl Lines {
    /// A line with its time, its kind and its reason.
    pub fn set(&mut self, at: Timestamp, line: &LogLine) -> String {
        let at = at.to_zoned(TimeZone::system());
        let kind = format!("{:>KIND_COLUMNS$}", line.kind);
        let kind = match line.tone {
            Tone::Plain => style(kind).cyan(),
            Tone::Good => style(kind).green(),
            Tone::Bad => style(kind).red(),
        };
        let time = style(at.strftime("%H:%M:%S").to_string()).dim();
        let text = print::wrapped(&line.text, self.width, INDENT_COLUMNS);
        let mut set = format!("{time} {kind}  {text}");
        if !line.reason.is_empty() {
            let reason = print::wrapped(&line.reason, self.width, INDENT_COLUMNS);
            for part in reason.lines() {
                set += &format!("\n{:INDENT_COLUMNS$}{}", "", style(part.trim_start()).dim());
            }
        }
        if self.day.replace(at.date()) != Some(at.date()) {
            set = format!("{}\n{set}", style(at.strftime("%Y-%m-%d %:z").to_string()).dim());
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing;

    #[test]
    fn an_arm_is_meant_by_its_name_or_by_its_level() {
        let sweep = testing::sweep(&[(0, 0.0)]);
        assert_eq!(named(&sweep, "plain").unwrap(), [ArmIx(0)]);
        for level in ["flood b=0.1", "b=0.1", "0.1", "0.10"] {
            assert_eq!(named(&sweep, level).unwrap(), [ArmIx(1)], "{level}");
        }
        let Failure::BadInput(text) = named(&sweep, "0.3").unwrap_err() else { panic!("found") };
        assert_eq!(text, "no arm is named `0.3`; there are: plain, flood b=0.1, flood b=0.2");
    }

    #[test]
    fn a_day_is_told_once_and_reasons_stand_under_what_they_explain() {
        let mut lines = Lines { width: Some(60), day: None };
        let line = LogLine::new("pruned", "flood b=0.1")
            .because("1.234 is rank 3 of 3, and only one of them is kept")
            .about([ArmIx(1)]);
        let at: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let first = console::strip_ansi_codes(&lines.set(at, &line)).into_owned();
        let parts: Vec<&str> = first.lines().collect();
        assert_eq!(parts.len(), 4, "{first}");
        assert!(parts[1].ends_with("        pruned  flood b=0.1"), "{first}");
        assert_eq!(parts[2], format!("{:INDENT_COLUMNS$}1.234 is rank 3 of 3, and only one", ""));
        assert!(parts.iter().all(|part| console::measure_text_width(part) <= 60), "{first}");
        assert_eq!(lines.set(at, &line).lines().count(), 3);
    }
}
