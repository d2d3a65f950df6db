//! What a check found, and what to do about it.

use floodgauge_protocol::text::escaped;
use serde::Serialize;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Room, and whether it can be written to.
    Disk,
    /// Whether it is whole and of this release.
    Database,
    /// Times.
    Clock,
    /// Schedulers and workers.
    Versions,
    /// What the log says.
    Projections,
    /// Sweeps with work, and leases.
    Queue,
    /// Who trains, and who can't.
    Workers,
    /// Checkpoints, and what is left over.
    Blobs,
    /// What sweeps train on.
    Datasets,
    /// A server that runs.
    Server,
}

impl Check {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Database => "database",
            Self::Clock => "clock",
            Self::Versions => "versions",
            Self::Projections => "projections",
            Self::Queue => "queue",
            Self::Workers => "workers",
            Self::Blobs => "blobs",
            Self::Datasets => "data sets",
            Self::Server => "server",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is well.
    Ok,
    /// It is worth knowing, and nothing has to be done about it.
    Note,
    /// It goes on, but not as it should, or not for long.
    Warn,
    /// Something is lost, or doesn't go on.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence; what others wrote is escaped in it.
    pub what: String,
    /// What it is about one by one, where that is more than a sentence has room for; likewise.
    pub details: Vec<String>,
    /// What to do about it, likewise; none where nothing is to be done.
    pub remedy: Option<String>,
    /// What was done about it, likewise; none where nothing was.
    pub repaired: Option<String>,
}

impl Finding {
    /// All is well with it.
    pub fn ok(what: impl AsRef<str>) -> Self {
        Self::new(Severity::Ok, what.as_ref(), None)
    }

    /// Something is worth knowing, and nothing has to be done about it.
    pub fn note(what: impl AsRef<str>) -> Self {
        Self::new(Severity::Note, what.as_ref(), None)
    }

    /// Something isn't as it should be.
    pub fn warn(what: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Severity::Warn, what.as_ref(), Some(remedy.as_ref()))
    }

    /// Something is lost, or doesn't go on.
    pub fn fail(what: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(Severity::Fail, what.as_ref(), Some(remedy.as_ref()))
    }

    /// The same, with what it is about one by one; of many the first are named.
    pub fn about(self, each: &[String]) -> Self {
        let shown = each.iter().take(MOST_NAMED).map(|one| escaped(one).into_owned());
        let more = each.len().saturating_sub(MOST_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        Self { details: shown.chain(more).collect(), ..self }
    }

    /// The same, once it was mended, or couldn't be.
    pub fn after(self, repair: anyhow::Result<String>) -> Self {
        match repair {
            Ok(done) => Self { repaired: Some(escaped(&done).into_owned()), remedy: None, ..self },
            Err(error) => {
                let what = format!("{}; it can't be repaired: {error:#}", self.what);
                Self { what: escaped(&what).into_owned(), ..self }
            }
        }
    }

    fn new(severity: Severity, what: &str, remedy: Option<&str>) -> Self {
        Self {
            // Whoever asks for the look says what it was of.
            check: Check::Database,
            severity,
            what: escaped(what).into_owned(),
            details: vec![],
            remedy: remedy.map(|remedy| escaped(remedy).into_owned()),
            repaired: None,
        }
    }

    /// Whether something is left to be done.
    pub fn is_problem(&self) -> bool {
        self.severity > Severity::Note && self.repaired.is_none()
    }
}

/// The most of what is alike that a finding names.
const MOST_NAMED: usize = 20;

/// Things in a row, as a sentence has them: `a, b and c`; of many the first are named.
pub fn in_a_row(things: &[String]) -> String {
    let more = things.len().saturating_sub(MOST_NAMED);
    match things {
        [] => String::new(),
        [one] => one.clone(),
        many if more > 0 => format!("{} and {more} more", many[..MOST_NAMED].join(", ")),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Each by its check, in the order of looking.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many problems are left.
    pub fn problems(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_problem()).count()
    }
}

/// Findings, with the word that all is well at their end unless something isn't.
pub fn or_ok(mut findings: Vec<Finding>, well: impl FnOnce() -> String) -> Vec<Finding> {
    if findings.iter().all(|finding| finding.severity == Severity::Ok) {
        findings.push(Finding::ok(well()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_well_where_nothing_needs_doing() {
        let after = |findings| or_ok(findings, || "well".into()).len();
        assert_eq!(after(vec![]), 1);
        assert_eq!(after(vec![Finding::ok("a")]), 2);
        assert_eq!(after(vec![Finding::warn("a", "b")]), 1);
    }

    #[test]
    fn a_note_is_no_problem_and_not_all_is_well_beside_it() {
        let note = Finding::note("a");
        assert!(!note.is_problem() && note.remedy.is_none());
        assert_eq!(or_ok(vec![note.clone()], || "well".into()), [note]);
        assert!(Finding::warn("a", "b").is_problem() && Finding::fail("a", "b").is_problem());
    }

    #[test]
    fn of_many_the_first_are_named_and_the_others_counted() {
        let things = |n: usize| (1..=n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!([1, 2, 3].map(|n| in_a_row(&things(n))), ["1", "1 and 2", "1, 2 and 3"]);
        assert!(in_a_row(&things(20)).ends_with(", 19 and 20"));
        assert!(in_a_row(&things(25)).ends_with(", 19, 20 and 5 more"));
        let details = |n| Finding::note("a").about(&things(n)).details;
        assert_eq!((details(20).len(), details(23).len()), (20, 21));
        assert_eq!(details(23)[20], "and 3 more");
    }

    #[test]
    fn what_others_wrote_is_escaped() {
        let finding = Finding::warn("a\u{1b}[2J", "b\n").after(Ok("c\u{202e}".into()));
        assert_eq!(finding.what, "a\\u{1b}[2J");
        assert_eq!((finding.remedy, finding.repaired.as_deref()), (None, Some("c\\u{202e}")));
        let finding = Finding::warn("a", "b").after(Err(anyhow::anyhow!("no\u{7}")));
        assert_eq!(finding.what, "a; it can't be repaired: no\\u{7}");
        assert_eq!(Finding::note("a").about(&["b\u{1b}".into()]).details, ["b\\u{1b}"]);
        assert!(finding.is_problem());
    }
}
