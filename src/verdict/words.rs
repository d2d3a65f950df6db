//! The answer in words.

use super::{
    best::Difference,
    leader::{Contender, Standing},
};
use floodgauge_protocol::{ArmIx, Metric};

/// A few sentences: who is best and by how much, how sure that is, what to do about it.
pub fn verdict(
    standing: &Standing,
    lead: Option<&Contender>,
    plain: Option<&Contender>,
    difference: Option<&Difference>,
) -> String {
    let Some(lead) = lead else { return without_leader(standing).into() };
    let mut sentences = vec![match lead.arm {
        ArmIx::PLAIN => plain_leads(standing, lead),
        _ => level_leads(standing, lead, plain, difference),
    }];
    if standing.ended && lead.finished {
        sentences.extend(unseen(standing, lead).or_else(|| edge(standing, lead)));
        sentences.extend(untrained(standing));
        if standing.seeds == 1 {
            let advice = "One seed can't say how sure that is: give several seeds for an interval.";
            sentences.push(advice.into());
        }
    }
    // A minus sign, where a hyphen stands for one.
    sentences.join(" ").replace(" -", " −")
}

fn without_leader(standing: &Standing) -> &'static str {
    let trained = standing.run_equivalents.spent > 0.0;
    match (standing.contenders.is_empty(), standing.ended, trained) {
        (false, ..) => "Every arm has diverged: try a lower learning rate.",
        (true, false, false) => "Nothing has been reported yet.",
        (true, false, true) => "No arm has been reported of with every seed yet.",
        (true, true, _) => "It ended before any arm was reported of with every seed.",
    }
}

fn level_leads(
    standing: &Standing,
    lead: &Contender,
    plain: Option<&Contender>,
    difference: Option<&Difference>,
) -> String {
    let metric = standing.objective.metric.as_str();
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
    let (name, value) = (named(standing, lead), number(lead.mean()));
    format!("{}{name} has the lowest {metric}, {value}{against}.", when(standing, lead, ""))
}

fn plain_leads(standing: &Standing, lead: &Contender) -> String {
    let (metric, value) = (standing.objective.metric.as_str(), number(lead.mean()));
    let others =
        standing.contenders.iter().filter(|c| c.arm != ArmIx::PLAIN && c.bracket == lead.bracket);
    let mut finished = others.clone().filter(|other| other.finished);
    if standing.ended && lead.finished && !finished.any(|other| other.crossed) {
        let which = match standing.unseen(lead.bracket) {
            0 => "No level was ever reached",
            _ => "No level that was trained to the end was reached",
        };
        return format!(
            "{which} by the training loss, so that each is the plain run, with {metric} {value}."
        );
    }
    let levels = others.clone().all(|other| other.method.level().is_some());
    let noun = if levels { "level" } else { "arm" };
    let closest = others
        .filter(|other| other.epochs == lead.epochs)
        .min_by(|a, b| a.mean().order(b.mean()))
        .map(|other| format!(" The closest, {}, has {}.", other.method, number(other.mean())));
    format!(
        "{} {noun} does better than plain, with {metric} {value}.{}",
        when(standing, lead, "no"),
        closest.unwrap_or_default()
    )
}

/// How far the sweep has got, before the sentence's first word.
fn when(standing: &Standing, lead: &Contender, word: &str) -> String {
    match (standing.ended, lead.finished, word) {
        (false, ..) => format!("So far, {word}"),
        (true, false, _) => format!("It ended early. After {} epochs, {word}", lead.epochs),
        (true, true, "no") => "No".into(),
        (true, true, word) => word.into(),
    }
}

/// The arm, with its weight decay where there are several.
fn named(standing: &Standing, lead: &Contender) -> String {
    let several = standing.contenders.iter().any(|other| other.bracket != lead.bracket);
    let decay =
        if several { format!(" with weight decay {}", lead.weight_decay) } else { String::new() };
    format!("{}{decay}", lead.method)
}

/// How much of the grid is judged by its neighbours.
fn untrained(standing: &Standing) -> Option<String> {
    let of = standing.levels.len();
    (standing.untrained > 0).then(|| {
        format!(
            "{} of {of} levels were not trained, judged by the levels beside them.",
            standing.untrained
        )
    })
}

/// What textbook halving can't know.
fn unseen(standing: &Standing, lead: &Contender) -> Option<String> {
    let which = match standing.unseen(lead.bracket) {
        0 => return None,
        1 => "1 level was".into(),
        n => format!("{n} levels were"),
    };
    Some(format!(
        "{which} pruned before the training loss had reached them, so what flooding does there is not \
         known: the scheduler `grid` trains every level to the end."
    ))
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
