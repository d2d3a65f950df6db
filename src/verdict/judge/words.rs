//! The answer in words.

use super::{against, judgement::Judgement};
use crate::verdict::{
    Finding, OtherMetric,
    input::{Candidate, Standing},
};
use floodgauge_protocol::{Direction, Method, Metric, MetricName, Shown};

/// The answer in words.
#[derive(Debug, Default)]
pub struct Answer {
    /// Who is best and by how much.
    pub sentence: String,
    /// How sure that is, and what else is to be known.
    pub points: Vec<String>,
    /// What speaks against it.
    pub against: Vec<String>,
}

impl Answer {
    /// All of it, one after the other.
    pub fn whole(&self) -> String {
        let sentence = [&self.sentence];
        let all = sentence.into_iter().chain(&self.points).chain(&self.against);
        all.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Puts it in words, with the difference to plain as a share.
pub fn answer(
    judgement: &Judgement<'_>,
    other: Option<&OtherMetric>,
    size_percent: Option<f64>,
) -> Answer {
    let standing = judgement.standing;
    let Some(lead) = judgement.lead else {
        return Answer { sentence: without_leader(standing).into(), ..Answer::default() };
    };
    let failed = judgement.finding == Finding::TrainingFailed;
    let sentence = match judgement.finding {
        Finding::TrainingFailed => training_failed(standing, judgement.plain),
        Finding::NeverReached => never_reached(standing, lead),
        Finding::BestPrecedesOnset => precedes_onset(standing, lead),
        _ if lead.is_plain() => plain_leads(judgement, lead),
        _ => level_leads(judgement, lead, size_percent),
    };
    let mut points = vec![];
    let mut against = vec![];
    if failed {
        points.push(WHAT_HELPS_TRAINING.into());
    } else {
        points.extend(closest(judgement, lead));
    }
    if standing.ended && !failed {
        points.extend(how_sure(judgement, lead));
        points.extend(likelier(judgement));
        points.extend(pruned_early(standing, lead));
        points.extend(untrained(standing));
        points.extend(some_never_reached(standing, lead));
        if standing.seeds == 1 {
            let advice = "One seed can't say how sure that is: give several seeds for an interval.";
            points.push(advice.into());
        }
        against = against::against(judgement, lead, other);
    }
    // A minus sign, where a hyphen stands for one.
    let signed = |text: String| text.replace(" -", " −");
    let all = |texts: Vec<String>| texts.into_iter().map(signed).collect();
    Answer { sentence: signed(sentence), points: all(points), against: all(against) }
}

/// What to try where training failed.
const WHAT_HELPS_TRAINING: &str = "Standardised features (`standardize = true` of the data set) and a lower \
                                   learning rate usually help.";

/// What is told of a sweep that was cancelled or failed before it had an answer.
pub const GIVEN_UP: &str = "It ended before it had an answer.";

fn without_leader(standing: &Standing) -> &'static str {
    let trained = standing.run_equivalents.spent > 0.0;
    let reported = || standing.competing();
    let diverged = reported().all(|arm| arm.objective() == Metric::Diverged);
    if standing.given_up {
        return match all_diverged(standing) {
            true => "All that was trained has diverged: try a lower learning rate.",
            false => GIVEN_UP,
        };
    }
    match (reported().next().is_none(), standing.ended, trained) {
        (false, ..) if diverged => "Every arm has diverged: try a lower learning rate.",
        (false, false, _) => "Nothing is the best yet: arms are still trained and compared.",
        (true, false, false) => "Nothing has been reported yet.",
        (true, false, true) => "Waiting for every seed to report.",
        (_, true, _) => GIVEN_UP,
    }
}

/// Whether something was trained, and no run of it came to a finite objective.
fn all_diverged(standing: &Standing) -> bool {
    let trials = standing.candidates.iter().flat_map(|arm| &arm.trials);
    let mut objectives = trials.filter_map(|trial| trial.objective).peekable();
    objectives.peek().is_some() && objectives.all(|objective| objective == Metric::Diverged)
}

/// That plain is no baseline, and what usually helps. What else is known of the arms tells nothing then.
fn training_failed(standing: &Standing, plain: Option<&Candidate>) -> String {
    let with =
        plain.map(|plain| format!(", with {} {}", metric(standing), objective(standing, plain)));
    let guessing = standing
        .guessing
        .map(|loss| format!(" (a guess among all classes has val_loss {})", Metric::from(loss)));
    format!(
        "Training failed: plain does no better than guessing{}{}, so nothing can be told of flooding.",
        with.unwrap_or_default(),
        guessing.unwrap_or_default(),
    )
}

fn never_reached(standing: &Standing, lead: &Candidate) -> String {
    let (level, which) = match standing.pruned_before_onset(lead.bracket) {
        0 => ("any flood level", "every arm"),
        _ => ("any flood level that was trained to the end", "each of these arms"),
    };
    format!(
        "The training loss never fell below {level}, so {which} equals plain training, with {} {}.",
        metric(standing),
        objective(standing, lead)
    )
}

fn precedes_onset(standing: &Standing, lead: &Candidate) -> String {
    format!(
        "Every best epoch precedes every onset: by early stopping all arms that were trained to the end \
         are the same run, with {} {}, and no level can help.",
        metric(standing),
        objective(standing, lead)
    )
}

fn level_leads(judgement: &Judgement<'_>, lead: &Candidate, size_percent: Option<f64>) -> String {
    let standing = judgement.standing;
    let most = match standing.objective.direction {
        Direction::Min => "lowest",
        Direction::Max => "highest",
    };
    let expected = judgement.difference.as_ref().and_then(|difference| difference.expected);
    let against = match (judgement.plain, judgement.difference.as_ref()) {
        (Some(plain), Some(_)) if expected.is_some() => {
            let by = apart(judgement, size_percent).unwrap_or_default();
            let plain = objective(standing, plain);
            format!(" against plain's {plain}; with new seeds {by} plain is to be expected")
        }
        (Some(plain), Some(_)) => {
            let by = apart(judgement, size_percent).unwrap_or_default();
            format!(", {by} plain ({})", objective(standing, plain))
        }
        // Further from each other than any number tells.
        (Some(plain), None) if plain.objective() != Metric::Diverged => {
            format!(", with plain at {}", objective(standing, plain))
        }
        _ => ", with no baseline to compare with".into(),
    };
    let (name, value) = (named(standing, lead), objective(standing, lead));
    let helps = match judgement.finding {
        Finding::Helps => format!("{} helps: ", what(lead)),
        _ => String::new(),
    };
    let when = when(standing, "");
    let metric = metric(standing);
    // By what is expected the answer may be another than by what was measured.
    match is_best_measured(standing, lead) {
        true => format!("{helps}{when}{name} has the {most} {metric}, {value}{against}."),
        false => {
            format!("{helps}{when}{name} is expected to do best, with {metric} {value}{against}.")
        }
    }
}

/// How far the leader is from plain, in percent where that means something: "12 % below".
fn apart(judgement: &Judgement<'_>, size_percent: Option<f64>) -> Option<String> {
    let difference = judgement.difference.as_ref()?;
    let signed = judgement.standing.objective.number(difference.stated());
    let by = size_percent.map(f64::abs).map_or_else(
        || Metric::from(signed.abs()).to_string(),
        |percent| format!("{} %", share(percent)),
    );
    Some(format!("{by} {}", if signed > 0.0 { "above" } else { "below" }))
}

/// Whether no other arm that could be the answer was measured to be better.
fn is_best_measured(standing: &Standing, lead: &Candidate) -> bool {
    standing.beside(lead).all(|other| !other.objective().order(lead.objective()).is_lt())
}

fn plain_leads(judgement: &Judgement<'_>, lead: &Candidate) -> String {
    let standing = judgement.standing;
    let mut others = standing.competing_in(lead.bracket).filter(|c| !c.is_plain());
    let levels = others.all(|other| other.method.level().is_some());
    let noun = if levels { "level" } else { "arm" };
    let value = objective(standing, lead);
    if standing.beside(lead).next().is_none() {
        let metric = metric(standing);
        return format!(
            "No {noun} was trained as far as plain, which has {metric} {value}: nothing can be told of it."
        );
    }
    let when = match judgement.finding {
        Finding::DoesNotHelp if levels => "Flooding does not help: no".into(),
        _ => when(standing, "no"),
    };
    let does = match is_best_measured(standing, lead) {
        true => "does better than plain",
        false => "is expected to do better than plain with new seeds",
    };
    format!("{when} {noun} {does}, with {} {value}.", metric(standing))
}

/// Where plain leads: who comes next. One that was never reached is plain itself.
fn closest(judgement: &Judgement<'_>, lead: &Candidate) -> Option<String> {
    let is_told = !matches!(judgement.finding, Finding::NeverReached | Finding::BestPrecedesOnset);
    let plain = Some(lead).filter(|lead| lead.is_plain() && is_told)?;
    let standing = judgement.standing;
    let others = standing.competing_in(plain.bracket).filter(|c| !c.is_plain());
    let closest = others
        .filter(|other| other.epochs() == plain.epochs() && other.past_onset())
        .min_by(|a, b| a.objective().order(b.objective()).then(a.arm.cmp(&b.arm)))?;
    Some(format!("The closest, {}, has {}.", closest.method, objective(standing, closest)))
}

/// A share in percent, with as many digits as tell something.
fn share(percent: f64) -> String {
    match percent {
        ..0.1 => "less than 0.1".into(),
        ..9.95 => format!("{percent:.1}"),
        _ => format!("{percent:.0}"),
    }
}

/// What other seeds would show.
fn how_sure(judgement: &Judgement<'_>, lead: &Candidate) -> Option<String> {
    let difference = judgement.difference.as_ref()?;
    let rival = judgement.rival.as_ref();
    let (name, low, high) = match (lead.is_plain(), rival) {
        (true, Some(rival)) => (rival.arm.to_string(), rival.low, rival.high),
        (true, None) => return None,
        _ => ("it".into(), difference.low?, difference.high?),
    };
    let (low, high) = judgement.standing.objective.interval(low, high);
    let expected = format!(
        "With new seeds, {name} would differ from plain by {:+} to {:+} ({:.0} % interval, corrected \
         for selection)",
        Metric::from(low),
        Metric::from(high),
        100.0 * difference.level
    );
    let probability = match judgement.probability {
        Some(p) => format!(", and its chance of being the best arm is {:.0} %", 100.0 * p),
        None => String::new(),
    };
    let expected = if lead.is_plain() { expected } else { expected + &probability };
    Some(match judgement.finding {
        Finding::Uncertain => {
            let seeds = difference.seeds;
            let more = match judgement.more_seeds {
                Some(1) => "about one more should settle it".into(),
                Some(more) => format!("about {more} more should settle it"),
                None => "the difference, if there is one, is too small for a few more to settle it"
                    .into(),
            };
            format!("{expected}. {seeds} seeds are too few to tell; {more}.")
        }
        _ => format!("{expected}."),
    })
}

/// The arm that is much more likely the best.
fn likelier(judgement: &Judgement<'_>) -> Option<String> {
    let (arm, probability) = judgement.likelier?;
    let percent = 100.0 * probability;
    let but = if arm.can_be_finished() { ", though not every seed trained it" } else { "" };
    let arm = named(judgement.standing, arm);
    Some(format!("{arm} is more likely to be the best arm: its chance is {percent:.0} %{but}."))
}

/// How far the sweep has got, before the sentence's first word.
fn when(standing: &Standing, word: &str) -> String {
    match (standing.ended, word) {
        (false, _) => format!("So far, {word}"),
        (true, "no") => "No".into(),
        (true, word) => word.into(),
    }
}

/// What helps, at the start of a sentence.
fn what(lead: &Candidate) -> &'static str {
    match lead.method {
        Method::Flood { .. } => "Flooding",
        Method::Iflood { .. } => "iFlood",
        Method::Softad { .. } => "SoftAD",
        Method::Alternating { .. } => "Alternating",
        Method::GradientPenalty { .. } => "The gradient penalty",
        Method::Plain => "It",
    }
}

/// The arm, with its weight decay where there are several.
pub(super) fn named(standing: &Standing, lead: &Candidate) -> String {
    let several = standing.competing().any(|other| other.bracket != lead.bracket);
    let decay = if several {
        format!(" with weight decay {}", Shown(lead.weight_decay))
    } else {
        String::new()
    };
    format!("{}{decay}", lead.method)
}

/// How much of the grid is judged by its neighbours, the levels of each method counted.
fn untrained(standing: &Standing) -> Option<String> {
    let of = standing.arms_with_level();
    match standing.untrained {
        0 => None,
        1 => Some(format!("1 of {of} levels was estimated from its neighbours.")),
        n => Some(format!("{n} of {of} levels were estimated from their neighbours.")),
    }
}

/// Levels that are the plain run, where others aren't.
fn some_never_reached(standing: &Standing, lead: &Candidate) -> Option<String> {
    let finished = standing.competing_in(lead.bracket).filter(|c| c.finished());
    let same_as_plain = finished.filter(|c| !c.is_plain() && !c.past_onset()).count();
    let words = match same_as_plain {
        0 => return None,
        1 => "1 level was never reached and equals plain.".into(),
        n => format!("{n} levels were never reached and equal plain."),
    };
    standing.any_past_onset(lead.bracket).then_some(words)
}

/// What textbook halving can't know.
fn pruned_early(standing: &Standing, lead: &Candidate) -> Option<String> {
    let (which, them) = match standing.pruned_before_onset(lead.bracket) {
        0 => return None,
        1 => ("1 level was".into(), "it"),
        n => (format!("{n} levels were"), "them"),
    };
    Some(format!(
        "{which} pruned before the training loss had reached {them}, so what flooding does there is not \
         known: the scheduler `grid` trains every level to the end."
    ))
}

pub(super) fn metric(standing: &Standing) -> MetricName {
    standing.objective.name
}

/// An arm's objective as it was measured.
pub(super) fn objective(standing: &Standing, arm: &Candidate) -> Metric {
    standing.objective.as_measured(arm.objective())
}
