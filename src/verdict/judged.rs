//! What the judgement stands on, put together once for figures, words and advice.

use super::{
    Difference, Finding,
    leader::{Contender, Standing, leader},
    paired,
    sure::{self, Sureness},
};
use floodgauge_protocol::{ArmIx, Metric};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The most seeds that are advised in all.
const MOST_SEEDS: u32 = 50;

/// A sweep, its leader, and how sure that is.
pub struct Judged<'a> {
    /// The sweep.
    pub standing: &'a Standing,
    /// Who is ahead.
    pub lead: Option<&'a Contender>,
    /// The plain run beside it.
    pub plain: Option<&'a Contender>,
    /// Leader minus plain.
    pub difference: Option<Difference>,
    /// How likely the leader is the best.
    pub chance: Option<f64>,
    /// Where plain leads: the arm that may well be better, and its difference to plain.
    pub rival: Option<Rival>,
    /// What it comes to.
    pub finding: Finding,
    /// How many more seeds would tell, where these can't.
    pub more_seeds: Option<u32>,
}

/// The arm beside plain that comes closest, and the difference that other seeds would show.
#[derive(Clone, Debug, PartialEq)]
pub struct Rival {
    /// The arm in words.
    pub name: String,
    /// The difference to expect.
    pub expected: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl<'a> Judged<'a> {
    /// Puts it together.
    pub fn of(standing: &'a Standing, sureness: &Sureness) -> Self {
        let contenders = &standing.contenders;
        let lead = leader(contenders).map(|ix| &contenders[ix]);
        let plain = lead.and_then(|lead| {
            let same = |c: &&Contender| c.bracket == lead.bracket && c.arm == ArmIx::PLAIN;
            contenders.iter().find(same).filter(|plain| plain.finished || !lead.finished)
        });
        let difference = lead.zip(plain).and_then(|(lead, plain)| {
            let measured = paired::difference(lead, plain)?;
            let modelled = standing.place(lead).zip(standing.place(plain));
            let modelled = modelled.filter(|(lead, plain)| lead != plain);
            Some(match modelled.and_then(|(a, b)| sureness.difference(a, b)) {
                Some(told) => Difference {
                    expected: Some(told.mean),
                    low: Some(told.low),
                    high: Some(told.high),
                    ..measured
                },
                None => measured,
            })
        });
        let rival = lead.filter(|lead| lead.arm == ArmIx::PLAIN);
        let rival = rival.and_then(|lead| rival_of(standing, sureness, lead));
        let chance = lead.and_then(|lead| sureness.chance(standing.place(lead)?));
        let mut judged = Self {
            standing,
            lead,
            plain,
            difference,
            chance,
            rival,
            finding: Finding::Pending,
            more_seeds: None,
        };
        judged.finding = judged.finding();
        judged.more_seeds = judged.more_seeds();
        judged
    }

    fn finding(&self) -> Finding {
        let standing = self.standing;
        if !standing.ended {
            return Finding::Pending;
        }
        let Some(lead) = self.lead.filter(|lead| lead.finished) else { return Finding::NoAnswer };
        if lead.arm == ArmIx::PLAIN && !standing.any_crossed(lead.bracket) {
            return Finding::NeverReached;
        }
        if lead.arm == ArmIx::PLAIN && sure::all_tie(standing) {
            return Finding::BestPrecedesOnset;
        }
        if standing.seeds == 1 {
            return Finding::OneSeed;
        }
        let high = self.difference.as_ref().and_then(|difference| difference.high);
        match (lead.arm, &self.rival, high) {
            (ArmIx::PLAIN, Some(rival), _) if rival.low < 0.0 => Finding::Uncertain,
            (ArmIx::PLAIN, ..) => Finding::DoesNotHelp,
            (_, _, Some(high)) if high < 0.0 => Finding::Helps,
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
            (None, Some(difference)) => {
                (difference.expected.unwrap_or(difference.mean), difference.low?, difference.high?)
            }
            _ => return None,
        };
        let seeds = self.standing.seeds;
        let t = |seeds: u32| {
            let t = StudentsT::new(0.0, 1.0, f64::from(seeds - 1)).ok()?;
            Some(t.inverse_cdf(0.5 + paired::LEVEL / 2.0))
        };
        let (half, now) = ((high - low) / 2.0, t(seeds)?);
        let tells = |with: u32| {
            let narrower = (f64::from(seeds) / f64::from(with)).sqrt();
            t(with).is_some_and(|then| half * narrower * then / now < expected.abs())
        };
        (seeds + 1..=MOST_SEEDS.max(seeds)).find(|&with| tells(with)).map(|with| with - seeds)
    }
}

/// The arm of plain's weight decay that every seed trained to the end, and that is expected lowest.
fn rival_of(standing: &Standing, sureness: &Sureness, plain: &Contender) -> Option<Rival> {
    let of = standing.contenders.iter().filter(|c| c.bracket == plain.bracket && c.finished);
    let at = standing.place(plain)?;
    let rivals = of.filter(|c| c.arm != plain.arm && c.crossed && c.mean() != Metric::Diverged);
    rivals
        .filter_map(|rival| {
            let told = sureness.difference(standing.place(rival)?, at)?;
            let name = rival.method.to_string();
            Some(Rival { name, expected: told.mean, low: told.low, high: told.high })
        })
        .min_by(|a, b| a.expected.total_cmp(&b.expected))
}
