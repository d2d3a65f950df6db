//! The answer in words.

use super::{
    best::Difference,
    leader::{Contender, Standing},
};
use floodgauge_protocol::{ArmIx, Metric};

/// One to three sentences: who is best and by how much, how sure that is, what to do about it.
pub fn verdict(
    standing: &Standing,
    lead: Option<&Contender>,
    plain: Option<&Contender>,
    difference: Option<&Difference>,
) -> String {
    let Some(lead) = lead else {
        return match (standing.ended, standing.contenders.is_empty()) {
            (false, true) => "Nothing has been reported yet.".into(),
            (true, true) => "It ended before anything was reported.".into(),
            (_, false) => "Every arm has diverged: try a lower learning rate.".into(),
        };
    };
    let mut sentences = vec![comparison(standing, lead, plain, difference)];
    if standing.ended {
        sentences.extend(edge(standing, lead));
        if standing.seeds == 1 {
            sentences.push(
                "One seed can't say how sure that is: give several seeds for an interval.".into(),
            );
        }
    }
    sentences.join(" ")
}

fn comparison(
    standing: &Standing,
    lead: &Contender,
    plain: Option<&Contender>,
    difference: Option<&Difference>,
) -> String {
    let metric = standing.objective.metric.as_str();
    let so_far = if standing.ended { "" } else { "So far, " };
    let value = number(lead.mean());
    if lead.arm == ArmIx::PLAIN {
        let others = standing
            .contenders
            .iter()
            .filter(|c| c.arm != ArmIx::PLAIN && c.bracket == lead.bracket);
        if others.clone().all(|other| !other.crossed) {
            return format!(
                "{so_far}no level was ever reached by the training loss, so each is the plain run, with {metric} {value}."
            );
        }
        let levels = others.clone().all(|other| other.method.level().is_some());
        let noun = if levels { "level" } else { "arm" };
        let closest = others
            .filter(|other| other.epochs == lead.epochs)
            .min_by(|a, b| a.mean().order(b.mean()))
            .map(|other| format!(" The closest, {}, has {}.", other.method, number(other.mean())));
        return format!(
            "{so_far}no {noun} does better than plain, with {metric} {value}.{}",
            closest.unwrap_or_default()
        );
    }
    let against = match (plain, difference) {
        (Some(plain), Some(difference)) => {
            let by = format!("{:.4} below plain ({})", -difference.mean, number(plain.mean()));
            match (difference.low, difference.high) {
                (Some(low), Some(high)) => format!(
                    ", {by}; {:.0} % interval of the difference {low:+.4} to {high:+.4} over {} seeds",
                    100.0 * difference.level,
                    difference.seeds,
                ),
                _ => format!(", {by}"),
            }
        }
        _ => ", with no baseline to compare with".into(),
    };
    format!("{so_far}{} has the lowest {metric}, {value}{against}.", lead.method)
}

/// A hint that the grid may be too short.
fn edge(standing: &Standing, lead: &Contender) -> Option<String> {
    let level = lead.method.level()?;
    let (first, last) = (standing.levels.first()?, standing.levels.last()?);
    if standing.levels.len() < 2 {
        return None;
    }
    if level == *last {
        Some("It is the highest level of the grid: higher ones may do better still.".into())
    } else if level == *first && *first > 0.0 {
        Some("It is the lowest level of the grid: lower ones may do better still.".into())
    } else {
        None
    }
}

fn number(metric: Metric) -> String {
    match metric {
        Metric::Finite(value) => format!("{value:.4}"),
        Metric::Diverged => "diverged".into(),
    }
}
