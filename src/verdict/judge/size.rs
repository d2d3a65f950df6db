//! How large the difference is, as a share of what plain has.

use super::judgement::Judgement;

/// The leader's objective minus plain's in percent of what plain had: as is expected of other seeds or, where
/// nothing tells, as it was measured. None where plain leads or is missing, and where a share means nothing: of
/// nothing or less, and to a value below 0.
pub fn percent(judgement: &Judgement<'_>) -> Option<f64> {
    let lead = judgement.lead.filter(|lead| !lead.is_plain())?;
    let objective = judgement.standing.objective;
    let measured = |arm| objective.as_measured(arm).finite();
    let plain = measured(judgement.plain?.objective()).filter(|plain| *plain > 0.0)?;
    measured(lead.objective()).filter(|lead| *lead >= 0.0)?;
    let difference = judgement.difference.as_ref()?;
    let difference = objective.number(difference.stated());
    Some(100.0 * difference / plain).filter(|percent| percent.is_finite())
}
