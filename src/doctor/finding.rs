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
    /// What to do about it, likewise; none where nothing is to be done.
    pub todo: Option<String>,
    /// What was done about it, likewise; none where nothing was.
    pub repaired: Option<String>,
}

impl Finding {
    /// All is well with it.
    pub fn ok(what: impl AsRef<str>) -> Self {
        Self::new(Severity::Ok, what.as_ref(), None)
    }

    /// Something isn't as it should be.
    pub fn warn(what: impl AsRef<str>, todo: impl AsRef<str>) -> Self {
        Self::new(Severity::Warn, what.as_ref(), Some(todo.as_ref()))
    }

    /// Something is lost, or doesn't go on.
    pub fn fail(what: impl AsRef<str>, todo: impl AsRef<str>) -> Self {
        Self::new(Severity::Fail, what.as_ref(), Some(todo.as_ref()))
    }

    /// The same, once it was mended, or couldn't be.
    pub fn after(self, repair: anyhow::Result<String>) -> Self {
        match repair {
            Ok(done) => Self { repaired: Some(escaped(&done).into_owned()), todo: None, ..self },
            Err(error) => {
                let what = format!("{}; it can't be repaired: {error:#}", self.what);
                Self { what: escaped(&what).into_owned(), ..self }
            }
        }
    }

    fn new(severity: Severity, what: &str, todo: Option<&str>) -> Self {
        Self {
            // Whoever asks for the look says what it was of.
            check: Check::Database,
            severity,
            what: escaped(what).into_owned(),
            todo: todo.map(|todo| escaped(todo).into_owned()),
            repaired: None,
        }
    }

    /// Whether something is left to be done.
    pub fn is_problem(&self) -> bool {
        self.severity > Severity::Ok && self.repaired.is_none()
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
    fn what_others_wrote_is_escaped() {
        let finding = Finding::warn("a\u{1b}[2J", "b\n").after(Ok("c\u{202e}".into()));
        assert_eq!(finding.what, "a\\u{1b}[2J");
        assert_eq!((finding.todo, finding.repaired.as_deref()), (None, Some("c\\u{202e}")));
        let finding = Finding::warn("a", "b").after(Err(anyhow::anyhow!("no\u{7}")));
        assert_eq!(finding.what, "a; it can't be repaired: no\\u{7}");
        assert!(finding.is_problem());
    }
}
