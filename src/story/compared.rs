//! Decisions that compared many trials with one another, in one line.

use crate::scheduler::{
    Action, Decision, Reason,
    reason::{Fate, RungOf},
};
use floodgauge_api::LogLine;
use floodgauge_protocol::ArmIx;

/// What was compared, and what became of it.
struct Heat {
    /// The rung; none of probes, which are compared after their onsets.
    rung: Option<RungOf>,
    kept: usize,
    pruned: usize,
    arms: Vec<ArmIx>,
}

/// A line for each rung, or for the probes, of which several trials were compared.
pub(super) fn lines(decisions: &[Decision]) -> Vec<LogLine> {
    let mut heats: Vec<Heat> = vec![];
    for decision in decisions {
        let Some((rung, fate)) = decision.why.as_ref().and_then(place) else { continue };
        let (kept, trial) = match (&decision.action, fate) {
            (Action::Promote { trial, .. }, Fate::Promoted) => (true, trial),
            (Action::Prune { trial, .. }, Fate::Pruned) => (false, trial),
            _ => continue,
        };
        let ix = heats.iter().position(|heat| heat.rung == rung).unwrap_or_else(|| {
            heats.push(Heat { rung, kept: 0, pruned: 0, arms: vec![] });
            heats.len() - 1
        });
        let heat = &mut heats[ix];
        heat.kept += usize::from(kept);
        heat.pruned += usize::from(!kept);
        heat.arms.push(trial.arm);
    }
    let several = heats.into_iter().filter(|heat| heat.kept + heat.pruned > 1);
    several.map(|heat| heat.line()).collect()
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

impl Heat {
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
