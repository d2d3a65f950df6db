//! What comes of an event, and what of it a policy should hear of.

use super::Facts;
use crate::scheduler::action::Decision;
use floodgauge_protocol::{ArmIx, FamilyIx, Segment};

/// What came of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// What follows from the event alone, whatever the policy.
    pub decisions: Vec<Decision>,
    /// What the policy should hear of.
    pub news: News,
}

/// What a policy should hear of.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Nothing.
    Nothing,
    /// The sweep begins.
    Submitted,
    /// A family has new epochs.
    Reported(FamilyIx),
    /// A segment is over.
    Closed(Segment),
    /// Arms of families are to be trained again, as far as they were, with all that was asked of them.
    Again(Vec<(FamilyIx, Vec<ArmIx>)>),
    /// A completed sweep goes on.
    Extended,
}

impl Taken {
    /// Decisions that end with themselves.
    pub(super) fn only(decisions: Vec<Decision>) -> Self {
        Self { decisions, news: News::Nothing }
    }

    /// A segment is over. Once the sweep has ended nobody needs to know.
    pub(super) fn closed(facts: &Facts, decisions: Vec<Decision>, segment: Segment) -> Self {
        let news = match facts.status.is_final() {
            true => News::Nothing,
            false => News::Closed(segment),
        };
        Self { decisions, news }
    }

    /// Nothing at all: the event doesn't fit the state.
    pub(super) fn nothing() -> Self {
        Self::only(vec![])
    }
}
