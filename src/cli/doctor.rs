//! `floodgauge doctor`: what may be wrong with what a server left behind, and what to do about it.

use super::{Failure, args::connect, print, server::existing_url, sole::Sole};
use crate::{
    config::{Credential, Data, Server, Storage, Trust, server_url},
    counting::count,
    doctor::{self, Finding, Patient, Report, Severity},
    store,
};
use anyhow::Context as _;
use console::style;
use reqwest::Url;

/// Look for what is wrong with a server's database, blobs and data sets, and say what to do about it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads all there is, also while the server runs, and changes nothing.

Exit codes:
  0  all is well, or what was found needs nothing done (`ok`, `note`, `repaired`)
  1  there is something to do (`warn`, `fail`)
  2  bad input: no database, a wrong flag or token file, --repair while a server runs

Examples:
  floodgauge doctor
  floodgauge doctor --data-dir /srv/floodgauge --repair
  floodgauge doctor --database-url postgres://floodgauge@db/floodgauge --blobs /srv/blobs --json
  floodgauge doctor --server http://gauge.example:7878")]
pub struct Args {
    /// Mend what can be mended without losing anything that is in use; the server must be stopped
    #[arg(long)]
    repair: bool,
    /// Look whether blobs are there and how long they are, and leave their bytes unread
    #[arg(long)]
    quick: bool,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    data: Data,
    /// A running server to ask as well
    #[arg(long = "server", env = "FLOODGAUGE_SERVER", value_name = "URL", value_parser = server_url)]
    server: Option<Url>,
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    trust: Trust,
}

/// Runs `doctor`.
///
/// # Errors
/// [`Failure::BadInput`] where there is no database, and for a repair while a server runs; else
/// [`Failure::Other`] if there is something to do.
pub async fn run(args: Args) -> Result<(), Failure> {
    let database_url = existing_url(&args.storage)?;
    // What can't be asked is told before hours of reading.
    let (credential, trust) = (args.credential, args.trust);
    let server = args.server.map(|url| connect(&Server { url, credential, trust })).transpose()?;
    let (_sole, is_served) = match args.repair {
        true => (alone(&args.storage, &database_url).await?, false),
        false => (None, Sole::is_taken(&args.storage)),
    };
    let patient = Patient {
        storage: args.storage,
        data: args.data.folder,
        database_url,
        repair: args.repair,
        quick: args.quick,
        is_served,
    };
    let json = args.json;
    let mut told = Ok(());
    let mut tell = |finding: &Finding| {
        if !json && told.is_ok() {
            told = print::out(&line(finding, print::width()));
        }
    };
    let mut report = doctor::examine(&patient, &mut tell).await;
    if let Some(client) = server {
        doctor::ask(&client, &mut report, &mut tell).await;
    }
    told?;
    if json {
        print::json(&serde_json::to_string(&report).context("the report")?)?;
    }
    ending(&report)
}

/// Makes sure that no server runs, and on SQLite that none starts meanwhile.
async fn alone(storage: &Storage, url: &str) -> Result<Option<Sole>, Failure> {
    let refused =
        |why: String| Failure::BadInput(format!("--repair is for a server that is stopped: {why}"));
    let sole = Sole::of(storage).await.map_err(|failure| refused(failure.to_string()))?;
    if sole.is_none() {
        let store = store::inspect(url, false).await;
        let listeners = match store {
            Ok(store) => store.listeners().await.unwrap_or_default(),
            // Told as a finding.
            Err(_) => 0,
        };
        if listeners > 0 {
            return Err(refused(format!(
                "{} on this database",
                count(listeners as usize, "server")
            )));
        }
    }
    Ok(sole)
}

/// A finding as people read it.
fn line(finding: &Finding, width: Option<usize>) -> String {
    const CHECK_WIDTH: usize = 13;
    const SEVERITY_WIDTH: usize = 9;
    const INDENT: usize = CHECK_WIDTH + SEVERITY_WIDTH;
    let (word, styled): (&str, fn(&str) -> String) = match finding.severity {
        _ if finding.repaired.is_some() => ("repaired", |word| style(word).cyan().to_string()),
        Severity::Ok => ("ok", |word| style(word).green().to_string()),
        Severity::Note => ("note", |word| style(word).blue().to_string()),
        Severity::Warn => ("warn", |word| style(word).yellow().to_string()),
        Severity::Fail => ("fail", |word| style(word).red().bold().to_string()),
    };
    let what = print::wrapped(&finding.what, width, INDENT);
    // Padded first: the codes of a colour would count as letters.
    let word = styled(&format!("{word:SEVERITY_WIDTH$}"));
    let mut line = format!("{:CHECK_WIDTH$}{word}{what}", finding.check.as_str());
    let details = finding.details.iter().map(|detail| format!("- {detail}"));
    let done = finding.repaired.as_ref().map(|done| format!("done: {done}"));
    let remedy = finding.remedy.as_ref().map(|remedy| format!("→ {remedy}"));
    for more in details.chain(done).chain(remedy) {
        let more = print::wrapped(&more, width, INDENT);
        line += &format!("\n{:INDENT$}{more}", "");
    }
    line
}

fn ending(report: &Report) -> Result<(), Failure> {
    match report.problems() {
        0 => Ok(()),
        problems => {
            Err(anyhow::anyhow!("there is something to do: {}", count(problems, "finding")).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_tells_what_to_do_under_what_it_is() {
        let finding = Finding::warn("little room", "make some");
        let said = line(&finding, None);
        assert_eq!(
            console::strip_ansi_codes(&said),
            "database     warn     little room\n                      → make some"
        );
        let repaired = line(&finding.after(Ok("made some".into())), None);
        assert_eq!(
            console::strip_ansi_codes(&repaired),
            "database     repaired little room\n                      done: made some"
        );
    }

    #[test]
    fn what_it_is_about_one_by_one_stands_in_lines_of_its_own() {
        let finding = Finding::note("two things").about(&["a".into(), "b".into()]);
        let said = line(&finding, None);
        assert_eq!(
            console::strip_ansi_codes(&said),
            "database     note     two things\n                      - a\n                      - b"
        );
    }

    #[test]
    fn only_what_needs_doing_ends_otherwise_than_well() {
        let ends_well = |findings| ending(&Report { findings }).is_ok();
        assert!(ends_well(vec![Finding::ok("a"), Finding::note("b")]));
        assert!(ends_well(vec![Finding::warn("a", "b").after(Ok("c".into()))]));
        assert!(!ends_well(vec![Finding::ok("a"), Finding::warn("b", "c")]));
        assert!(!ends_well(vec![Finding::fail("a", "b")]));
    }

    #[test]
    fn a_folder_without_a_database_is_bad_input() {
        let storage = Storage::in_folder(std::path::Path::new("nowhere"));
        assert!(matches!(existing_url(&storage), Err(Failure::BadInput(_))));
    }
}
