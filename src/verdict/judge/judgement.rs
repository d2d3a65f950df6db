//! What the judgement comes to, put together once for figures, words and advice.

use super::{forecast::Forecast, guessing, leader::lead, paired};
use crate::verdict::{
    Difference, Finding,
    confidence::students_t,
    input::{Candidate, Standing},
};
use floodgauge_protocol::{Arm, Metric};

/// Seeds in all, those of the sweep included, beyond which no more are advised: a difference that needs
/// more is called too small to tell. Chosen, not measured.
const MAX_SEEDS_ADVISED: u32 = 50;

/// How much more probable another arm may be to be the best than the leader: beyond, it is too close to
/// tell. Chosen, not measured.
const MAX_TIMES_AS_PROBABLE: f64 = 2.0;

/// A sweep, its leader, and how sure that is.
pub struct Judgement<'a> {
    /// The sweep that is judged.
    pub standing: &'a Standing,
    /// Who is ahead; none before every seed trained the same arm to the end, where all diverged, and of a sweep
    /// that was given up.
    pub lead: Option<&'a Candidate>,
    /// The plain run of the leader's weight decay; none where only the leader was trained to the end.
    pub plain: Option<&'a Candidate>,
    /// Leader minus plain, minimised: negative if the leader is better, whichever way the objective is.
    /// None without either, and where a seed diverged.
    pub difference: Option<Difference>,
    /// How likely the leader comes out best with as many other seeds; none with one seed, until the
    /// sweep has ended, and where all arms tie.
    pub probability: Option<f64>,
    /// Where plain leads: the arm that may well be better.
    pub rival: Option<Rival>,
    /// The arm that is much more probable to be the best than the leader, and how probable.
    pub likelier: Option<(&'a Candidate, f64)>,
    /// The arm that is the most probable to be the best of those that could be trained with every seed and
    /// weren't, and how probable.
    pub unfinished: Option<(&'a Candidate, f64)>,
    /// What it comes to.
    pub finding: Finding,
    /// How many more seeds would tell, where these can't; none if [`MAX_SEEDS_ADVISED`] wouldn't.
    pub more_seeds: Option<u32>,
}

/// The arm beside plain that is expected best, and its difference to plain, minimised, with as many other
/// seeds, in the objective's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Rival {
    /// Never plain; of the same weight decay, and trained to the end with every seed.
    pub arm: Arm,
    /// The difference to expect; negative if the arm is better.
    pub expected: f64,
    /// The interval's lower end: the best to hope for. At 0 or above, nothing says that the arm is better.
    pub low: f64,
    /// The interval's upper end: the worst to fear.
    pub high: f64,
}

impl<'a> Judgement<'a> {
    /// Puts it together.
    pub fn of(standing: &'a Standing, forecast: &Forecast) -> Self {
        let lead = lead(standing, &forecast.expected());
        let plain = lead.and_then(|lead| {
            let plain = standing.competing_in(lead.bracket).find(|c| c.is_plain());
            plain.filter(|plain| plain.finished())
        });
        let difference = lead.zip(plain).and_then(|(lead, plain)| {
            let measured = paired::difference(lead, plain)?;
            let positions = standing.position(lead).zip(standing.position(plain));
            let positions = positions.filter(|(lead, plain)| lead != plain);
            Some(match positions.and_then(|(a, b)| forecast.difference(a, b)) {
                Some(of_other_seeds) => Difference {
                    expected: Some(of_other_seeds.mean),
                    low: Some(of_other_seeds.low),
                    high: Some(of_other_seeds.high),
                    ..measured
                },
                None => measured,
            })
        });
        let rival = lead.filter(|lead| lead.is_plain());
        let rival = rival.and_then(|plain| rival_of(standing, forecast, plain));
        let probability = lead.and_then(|lead| forecast.probability(standing.position(lead)?));
        let likelier = probability.and_then(|of_lead| {
            most_probable(standing, forecast, |_| true)
                .filter(|(_, probability)| *probability > MAX_TIMES_AS_PROBABLE * of_lead)
        });
        let mut judgement = Self {
            standing,
            lead,
            plain,
            difference,
            probability,
            rival,
            likelier,
            unfinished: most_probable(standing, forecast, Candidate::can_be_finished),
            finding: Finding::Pending,
            more_seeds: None,
        };
        judgement.finding = judgement.finding();
        judgement.more_seeds = judgement.more_seeds();
        judgement
    }

    fn finding(&self) -> Finding {
        let standing = self.standing;
        if !standing.ended && !standing.given_up {
            return Finding::Pending;
        }
        let Some(lead) = self.lead else {
            return Finding::NoAnswer;
        };
        if guessing::training_failed(standing, lead.bracket) {
            return Finding::TrainingFailed;
        }
        if lead.is_plain() && standing.beside(lead).next().is_none() {
            // Nothing to compare it with.
            return Finding::NoAnswer;
        }
        if lead.is_plain() && !standing.any_past_onset(lead.bracket) {
            return Finding::NeverReached;
        }
        if lead.is_plain() && standing.all_tie() {
            return Finding::BestPrecedesOnset;
        }
        if standing.seeds == 1 {
            return Finding::OneSeed;
        }
        if self.likelier.is_some() {
            return Finding::Uncertain;
        }
        let high = self.difference.as_ref().and_then(|difference| difference.high);
        match (lead.is_plain(), &self.rival, high) {
            (true, Some(rival), _) if rival.low < 0.0 => Finding::Uncertain,
            (true, ..) => Finding::DoesNotHelp,
            (false, _, Some(high)) if high < 0.0 => Finding::Helps,
            _ => Finding::Uncertain,
        }
    }

    /// The least number of further seeds with which the interval, narrowing as means do, would no
    /// longer hold 0 if the difference is what is expected now.
    fn more_seeds(&self) -> Option<u32> {
        if self.finding != Finding::Uncertain {
            return None;
        }
        let (expected, low, high) = match (&self.rival, self.difference.as_ref()) {
            (Some(rival), _) => (rival.expected, rival.low, rival.high),
            (None, Some(difference)) => (difference.stated(), difference.low?, difference.high?),
            _ => return None,
        };
        let seeds = self.standing.seeds;
        let t = |seeds: u32| students_t(f64::from(seeds - 1));
        let (half, now) = ((high - low) / 2.0, t(seeds)?);
        let excludes_zero = |with: u32| {
            let narrower = (f64::from(seeds) / f64::from(with)).sqrt();
            t(with).is_some_and(|then| half * narrower * then / now < expected.abs())
        };
        (seeds + 1..=MAX_SEEDS_ADVISED.max(seeds))
            .find(|&with| excludes_zero(with))
            .map(|with| with - seeds)
    }
}

/// The arm that is the most probable to be the best of those that `counts` lets in, and how probable; of
/// equal ones the first of the candidates.
fn most_probable<'a>(
    standing: &'a Standing,
    forecast: &Forecast,
    counts: impl Fn(&Candidate) -> bool,
) -> Option<(&'a Candidate, f64)> {
    let candidates = standing.candidates.iter().enumerate().filter(|(_, arm)| counts(arm));
    let known = candidates.filter_map(|(at, arm)| Some((arm, forecast.probability(at)?)));
    // Of equal ones `max_by` takes the last.
    known.collect::<Vec<_>>().into_iter().rev().max_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// The arm of plain's weight decay that every seed trained to the end, and that is expected best, so whose
/// minimised difference is expected lowest; of equal ones the first in the plan.
fn rival_of(standing: &Standing, forecast: &Forecast, plain: &Candidate) -> Option<Rival> {
    let plain_at = standing.position(plain)?;
    let arms = standing.competing_in(plain.bracket).filter(|c| !c.is_plain() && c.finished());
    let others = arms.filter(|c| c.past_onset() && c.objective() != Metric::Diverged);
    let expected = others.filter_map(|arm| {
        let difference = forecast.difference(standing.position(arm)?, plain_at)?;
        Some((arm, difference))
    });
    let (arm, difference) =
        expected.min_by(|(a, x), (b, y)| x.mean.total_cmp(&y.mean).then(a.arm.cmp(&b.arm)))?;
    Some(Rival {
        arm: arm.described(),
        expected: difference.mean,
        low: difference.low,
        high: difference.high,
    })
}
