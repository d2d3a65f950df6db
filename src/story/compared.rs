//! Decisions that compared many trials with one another, in one line.

use crate::scheduler::{
    Action, Decision, Reason,
    reason::{Fate, RungOf},
};
use floodgauge_api::LogLine;
use floodgauge_protocol::ArmIx;

/// What was compared, and what became of it.
struct Group {
    /// The rung; none of probes, which are compared after their onsets.
    rung: Option<RungOf>,
    kept: usize,
    pruned: usize,
    arms: Vec<ArmIx>,
}

/// A line for each rung, or for the probes, of which several trials were compared.
pub(super) fn lines(decisions: &[Decision]) -> Vec<LogLine> {
    let mut groups: Vec<Group> = vec![];
    for decision in decisions {
        let Some((rung, fate)) = decision.why.as_ref().and_then(place) else { continue };
        let (kept, trial) = match (&decision.action, fate) {
            (Action::Promote { trial, .. }, Fate::Promoted) => (true, trial),
            (Action::Prune { trial, .. }, Fate::Pruned) => (false, trial),
            _ => continue,
        };
        let ix = groups.iter().position(|group| group.rung == rung).unwrap_or_else(|| {
            groups.push(Group { rung, kept: 0, pruned: 0, arms: vec![] });
            groups.len() - 1
        });
        let group = &mut groups[ix];
        group.kept += usize::from(kept);
        group.pruned += usize::from(!kept);
        group.arms.push(trial.arm);
    }
    let several = groups.into_iter().filter(|group| group.kept + group.pruned > 1);
    several.map(|group| group.line()).collect()
}

/// Where a reason's trial was compared, and what became of it.
fn place(why: &Reason) -> Option<(Option<RungOf>, Fate)> {
    match why {
        Reason::AtRung(at_rung) => Some((Some(at_rung.rung), at_rung.fate)),
        Reason::Arrived(arrived) => Some((Some(arrived.rung), Fate::Promoted)),
        Reason::Overtaken { rung } => Some((Some(*rung), Fate::Pruned)),
        Reason::Probed(probed) => Some((None, probed.fate)),
        _ => None,
    }
}

impl Group {
    /// `rung 1 of 3 (epoch 9): 4 of 12 trials continue; the rest are pruned`.
    fn line(self) -> LogLine {
        let (at, noun) = match self.rung {
            Some(rung) => (format!("{rung}: "), "trials"),
            None => (String::new(), "probes"),
        };
        let goes = if self.kept == 1 { "continues" } else { "continue" };
        let rest = match self.pruned {
            0 => "",
            1 => "; the other is pruned",
            _ => "; the rest are pruned",
        };
        let all = self.kept + self.pruned;
        LogLine::new("compared", format!("{at}{} of {all} {noun} {goes}{rest}", self.kept))
            .about(self.arms)
            .as_news(true)
    }
}
