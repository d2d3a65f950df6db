//! How large the difference is, as a share of what plain has.

use super::judgement::Judgement;

/// The leader's objective minus plain's in percent of plain's, as they were measured; none where plain leads or is
/// missing, and where a share means nothing: of nothing or less, and to a value below 0.
pub fn percent(judgement: &Judgement<'_>) -> Option<f64> {
    let lead = judgement.lead.filter(|lead| !lead.is_plain())?;
    let measured = |arm| judgement.standing.objective.as_measured(arm).finite();
    let plain = measured(judgement.plain?.objective()).filter(|plain| *plain > 0.0)?;
    let lead = measured(lead.objective()).filter(|lead| *lead >= 0.0)?;
    Some(100.0 * (lead - plain) / plain).filter(|percent| percent.is_finite())
}
