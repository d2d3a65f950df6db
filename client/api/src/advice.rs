//! What would tell more.

use floodgauge_protocol::{Shown, SweepId};
use serde::{Deserialize, Serialize};

/// What stands for the sweep's id where it isn't known, as in logs.
pub const ANY_SWEEP: &str = "ID";

/// What stands for the file of a sweep that isn't written yet.
pub const ANY_FILE: &str = "FILE";

/// What would tell more: the sweep extended by something, or where it can't be any more, a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Advice {
    /// Which of the fields below tells what to extend.
    pub kind: AdviceKind,
    /// How many further seeds; 0 for none.
    pub seeds: u32,
    /// Which further levels; empty for none.
    pub levels: Vec<f64>,
    /// How many epochs a full run should have; null to leave them.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub epochs: Option<u32>,
    /// The command that does it. In a sweep's log `ID` stands for its id.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "floodgauge extend 019b76da-a800-7000-8000-000000000000 --seeds 2")
    )]
    pub command: String,
    /// Why, in words.
    pub words: String,
    /// Whether it takes a new sweep: this one can't be extended, since its checkpoints were dropped some time
    /// after its end, or an extension of it was cancelled or failed. False where it is left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub needs_new_sweep: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What of a sweep is worth more training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdviceKind {
    /// More seeds: the answer isn't sure yet.
    MoreSeeds,
    /// Levels beyond the edge of the grid, at which the best one lies.
    ExtendLevels,
    /// More epochs: no level was reached.
    MoreEpochs,
}

impl Advice {
    /// Further seeds.
    pub fn seeds(count: u32, words: String) -> Self {
        let command = format!("floodgauge extend {ANY_SWEEP} --seeds {count}");
        Self { seeds: count, ..Self::of(AdviceKind::MoreSeeds, command, words) }
    }

    /// Further levels.
    pub fn levels(levels: Vec<f64>, words: String) -> Self {
        let list: Vec<_> = levels.iter().map(|level| Shown(*level).to_string()).collect();
        let list = list.join(",");
        let command = format!("floodgauge extend {ANY_SWEEP} --levels {list}");
        Self { levels, ..Self::of(AdviceKind::ExtendLevels, command, words) }
    }

    /// Longer runs.
    pub fn epochs(epochs: u32, words: String) -> Self {
        let command = format!("floodgauge extend {ANY_SWEEP} --epochs {epochs}");
        Self { epochs: Some(epochs), ..Self::of(AdviceKind::MoreEpochs, command, words) }
    }

    fn of(kind: AdviceKind, command: String, words: String) -> Self {
        let (seeds, levels, epochs, needs_new_sweep) = (0, vec![], None, false);
        Self { kind, seeds, levels, epochs, command, words, needs_new_sweep }
    }

    /// The same for a sweep whose checkpoints were dropped: what would extend it, a new one may have from the
    /// start.
    pub fn in_a_new_sweep(self) -> Self {
        self.anew(
            " It can't be extended any more, since its checkpoints were dropped some time after its end: \
             submit a new sweep that has them from the start.",
        )
    }

    /// The same for a sweep that was given up, by its status in words: only completed ones can be extended.
    pub fn since_given_up(self, kind: &str) -> Self {
        self.anew(&format!(
            " A {kind} sweep can't be extended: submit a new one that has them from the start."
        ))
    }

    /// Why the sweep can't be extended is said once.
    fn anew(mut self, why: &str) -> Self {
        if !self.needs_new_sweep {
            self.needs_new_sweep = true;
            self.command = format!("floodgauge submit {ANY_FILE}");
            self.words += why;
        }
        self
    }

    /// The same for a sweep whose id is known.
    pub fn to_sweep(mut self, sweep: SweepId) -> Self {
        let of = |id: &str| format!("floodgauge extend {id} ");
        self.command = self.command.replacen(&of(ANY_SWEEP), &of(&sweep.to_string()), 1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_that_cannot_be_extended_is_advised_to_be_submitted_anew() {
        let extend = Advice::seeds(2, "Two more would tell.".into());
        let stored = serde_json::to_value(&extend).unwrap();
        assert!(stored.get("needs_new_sweep").is_none(), "logs stay as they are: {stored}");
        assert_eq!(serde_json::from_value::<Advice>(stored).unwrap(), extend);
        let anew = extend.in_a_new_sweep();
        assert_eq!((anew.command.as_str(), anew.seeds), ("floodgauge submit FILE", 2));
        assert!(
            anew.words.starts_with("Two more would tell. It can't be extended"),
            "{}",
            anew.words
        );
        assert_eq!(anew.clone().in_a_new_sweep(), anew, "it is said once");
        assert_eq!(anew.clone().since_given_up("failed"), anew, "and only one reason");
        let sent = serde_json::to_value(&anew).unwrap();
        assert_eq!(sent["needs_new_sweep"], true);
    }
}
