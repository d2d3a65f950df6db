//! Answers in words: the same figures as `GET /v1/sweeps/{id}/best`, for people.

use super::{commands::Commands, plan::duration, print};
use crate::{
    client::{
        LogLine,
        api::{Progress, SweepBest, SweepDetail, TroubledWorker, Waiting},
    },
    counting::count,
    verdict::{Best, BestArm, Difference, Finding},
};
use console::style;
use floodgauge_protocol::{At, Metric, Shown, SweepId};
use jiff::Timestamp;
use reqwest::Url;

/// The address of a sweep's page.
pub fn page(server: &Url, sweep: SweepId) -> String {
    format!("{server}#/sweeps/{sweep}")
}

/// A number with as many digits as people compare.
pub fn figure(value: f64) -> String {
    metric(Metric::from(value))
}

/// A metric, or that it diverged.
pub fn metric(value: Metric) -> String {
    format!("{value:.3}")
}

/// Why a sweep doesn't go on and what to do about it, if the server says so.
pub fn halted(sweep: &SweepDetail) -> Option<String> {
    let replay_error = sweep.summary.replay_error.as_deref().map(unreplayable);
    // Servers of earlier releases tell of less.
    replay_error.or_else(|| sweep.waiting.as_ref().map(waits)).or_else(|| sweep.waits_for.clone())
}

/// What a sweep waits for, and what to do about it.
pub fn waits(Waiting { words, remedy, .. }: &Waiting) -> String {
    format!("{words}; {remedy}")
}

/// The command that starts a worker, where one more would do.
pub fn worker_command(sweep: &SweepDetail, commands: &Commands) -> Option<String> {
    let wants = sweep.waiting.as_ref().is_some_and(|waiting| waiting.wants_worker);
    wants.then(|| commands.worker())
}

/// The workers whose machines are in trouble, a line each; `now` tells how soon they try again.
pub fn troubles(sweep: &SweepDetail, now: Timestamp) -> Vec<String> {
    let line = |troubled: &TroubledWorker| {
        let TroubledWorker { worker, message, next_try_at } = troubled;
        let seconds = next_try_at.duration_since(now).as_secs().max(0);
        format!("worker {worker} is in trouble: {message}; next try in {seconds} s")
    };
    sweep.troubled_workers.iter().map(line).collect()
}

/// That a log can't be replayed, and what can be done.
pub fn unreplayable(why: &str) -> String {
    format!("its log can't be replayed by this server: {why}; it can be cancelled and deleted")
}

/// A line of a sweep's log beside its bars, where what kind it is goes without saying.
pub fn news(line: &LogLine) -> String {
    match line.reason.as_str() {
        "" => line.text.clone(),
        reason => format!("{} — {reason}", line.text),
    }
}

/// How far a sweep has got, in a line. Which arm is best is told once it has been trained to its end.
pub fn so_far(progress: &Progress) -> String {
    let Progress { phase, spent, planned, left_s, .. } = progress;
    let left = left_s.map(|left| format!("; at most {} left", duration(left)));
    format!("{phase}; {spent:.1} of at most {planned:.1} runs{}", left.unwrap_or_default())
}

/// An arm's name, with its weight decay where the sweep compares several.
fn named(arm: &BestArm, sweep: &SweepDetail) -> String {
    if sweep.has_several_decays() {
        format!("{}, weight decay {}", arm.arm, Shown(arm.weight_decay))
    } else {
        arm.arm.name.clone()
    }
}

/// The whole answer, a line a figure; what it advises is told as one of `commands`.
pub fn answer(best: &Best, sweep: &SweepDetail, commands: &Commands) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let at = match best.at {
        At::Last => "mean over the closing epochs",
        At::Best => "at its best epoch",
    };
    if let Some(arm) = &best.best {
        let (name, value) = match arm.arm.b {
            Some(b) if arm.arm.method == "flood" => ("best b", Shown(b).to_string()),
            Some(b) => ("best b", format!("{}, by {}", Shown(b), arm.arm.method)),
            None if arm.arm.is_plain() => ("best", "plain (no flooding)".into()),
            None => ("best", arm.arm.name.replacen(' ', ", ", 1).replace('_', " ")),
        };
        lines.push((name, style(value).green().bold().to_string()));
        lines.push((
            best.metric.as_str(),
            format!("{} ({}, {at})", metric(arm.objective), named(arm, sweep)),
        ));
    } else {
        let none =
            if best.finding == Finding::NoAnswer { "no answer" } else { "nothing reported yet" };
        lines.push(("best b", none.into()));
    }
    if best.before_extension {
        lines.push(("", "the answer before the extension".into()));
    }
    if let Some(baseline) = &best.baseline {
        lines.push(("plain", metric(baseline.objective)));
    }
    if best.finding != Finding::Pending {
        lines.push(("finding", best.finding.words().into()));
    }
    let is_plain = best.best.as_ref().is_some_and(|arm| arm.arm.is_plain());
    if let Some(difference) = best.difference.as_ref().filter(|_| !is_plain) {
        lines.push(("difference", difference_words(difference)));
    }
    if let Some(probability) = best.best.as_ref().and_then(|arm| arm.probability) {
        lines.push(("probability", probability_words(probability, best, sweep)));
    }
    if let Some(words) = test_words(best) {
        lines.push(("test", words));
    }
    let cost = &best.run_equivalents;
    lines.push((
        "spent",
        format!("{:.1} of the full grid's {:.1} run-equivalents", cost.spent, cost.full_grid),
    ));
    if cost.redone > 0.0 {
        lines.push((
            "redone",
            format!("{:.1} run-equivalents trained again, beside those spent", cost.redone),
        ));
    }
    if cost.left_behind > 0.0 {
        let words = "trained on machines that are gone, and started over elsewhere";
        lines.push(("left behind", format!("{:.1} run-equivalents, {words}", cost.left_behind)));
    }
    if let Some(floor) = best.noise_floor {
        lines.push((
            "noise floor",
            format!("{} of val_loss: the labels' own entropy", figure(floor)),
        ));
    }
    // Answers of earlier releases have all in one.
    match best.sentence.is_empty() {
        true => lines.push(("verdict", best.verdict.clone())),
        false => lines.push(("verdict", best.sentence.clone())),
    }
    lines.extend(best.points.iter().map(|point| ("", point.clone())));
    let names = std::iter::once("but").chain(std::iter::repeat(""));
    lines.extend(names.zip(best.against.iter().cloned()));
    if let Some(advice) = &best.advice {
        lines.push(("next", advice.words.clone()));
        lines.push(("", style(commands.led(&advice.command)).cyan().to_string()));
    }
    lines.iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>().join("\n")
}

/// The whole answer and, last, what to paste into a training script.
pub fn card(best: &SweepBest, sweep: &SweepDetail, commands: &Commands) -> String {
    let mut card = answer(&best.best, sweep, commands);
    if let Some(paste) = &best.paste {
        // Not broken into lines: whoever copies it wants one.
        let name = style(format!("{:>NAME_COLUMNS$}", "paste")).dim();
        card += &format!("\n{name}  {}", style(&paste.line).cyan());
        card += &format!("\n{}", line("", &paste.words));
    }
    card
}

/// How wide the names of figures are set.
const NAME_COLUMNS: usize = 12;

/// A figure with its name before it, as in an answer.
pub fn line(name: &str, value: &str) -> String {
    let value = print::wrapped(value, print::width(), NAME_COLUMNS + 2);
    format!("{}  {value}", style(format!("{name:>NAME_COLUMNS$}")).dim())
}

/// How likely the best arm is the best, and who else may be.
fn probability_words(probability: f64, best: &Best, sweep: &SweepDetail) -> String {
    let of_best = best.best.as_ref();
    let mut others: Vec<(String, f64)> = best
        .probabilities
        .iter()
        .filter(|arm| {
            of_best.is_none_or(|b| (b.arm.ix, b.weight_decay) != (arm.arm.ix, arm.weight_decay))
        })
        .filter_map(|arm| {
            let decay = format!(" decay {}", Shown(arm.weight_decay));
            let decay = if sweep.has_several_decays() { &decay } else { "" };
            Some((format!("{}{decay}", arm.arm), arm.probability.filter(|p| *p >= 0.05)?))
        })
        .collect();
    others.sort_by(|a, b| b.1.total_cmp(&a.1));
    let others: Vec<String> =
        others.iter().take(3).map(|(arm, p)| format!("{arm} {:.0} %", p * 100.0)).collect();
    let next = if others.is_empty() { "" } else { "; " };
    format!("{:.0} % of being the best arm{next}{}", probability * 100.0, others.join(", "))
}

/// How many seeds, in words.
pub fn seeds(count: usize) -> String {
    if count == 1 { "one seed".into() } else { format!("{count} seeds") }
}

/// How many epochs, in words.
pub fn epochs(n: u32) -> String {
    count(n as usize, "epoch")
}

fn difference_words(difference: &Difference) -> String {
    let seeds = seeds(difference.seeds as usize);
    let mean = Metric::from(difference.stated());
    match (difference.low.map(Metric::from), difference.high.map(Metric::from)) {
        (Some(low), Some(high)) => {
            let level = difference.level * 100.0;
            format!("{mean:+.3} to plain, {low:+.3} to {high:+.3} at {level:.0} %, {seeds}")
        }
        _ => format!("{mean:+.3} to plain, {seeds}: no interval"),
    }
}

fn test_words(best: &Best) -> Option<String> {
    let test = best.best.as_ref()?.test?;
    let error = |value: Metric| {
        value.finite().map_or_else(|| "diverged".into(), |v| format!("{:.1} %", v * 100.0))
    };
    let mut words = format!("error {}, loss {}", error(test.error), metric(test.loss));
    if let Some(plain) = best.baseline.as_ref().and_then(|baseline| baseline.test) {
        words += &format!("; plain {}, {}", error(plain.error), metric(plain.loss));
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::testing,
        client::api::WaitsFor,
        scheduler::SweepStatus,
        verdict::{Advice, Paste},
    };
    use floodgauge_protocol::{Arm, ArmIx, Method};
    use serde_json::json;

    fn best() -> Best {
        serde_json::from_value(json!({
            "sweep": "x", "status": "completed", "metric": "val_loss", "at": "last",
            "best": { "arm": 7, "name": "flood b=0.07", "method": "flood", "b": 0.07,
                      "parameter": 0.07, "weight_decay": 0.0, "objective": 0.2312, "probability": null, "test": { "loss": 0.2, "error": 0.05 } },
            "baseline": { "objective": 0.301, "test": { "loss": 0.3, "error": 0.06 } },
            "difference": { "mean": -0.0698, "low": null, "high": null, "level": 0.9, "seeds": 1 },
            "run_equivalents": { "spent": 5.93, "full_grid": 21.0, "saved_by_sharing": 0.0,
                                 "saved_by_pruning": 15.07, "redone": 0.0 },
            "verdict": "flood b=0.07 ends 0.070 below plain"
        }))
        .unwrap()
    }

    fn sweep(decays: &[f64]) -> SweepDetail {
        testing::sweep(&decays.iter().map(|&decay| (0, decay)).collect::<Vec<_>>())
    }

    fn one_decay() -> SweepDetail {
        sweep(&[0.0])
    }

    fn plain(text: &str) -> String {
        console::strip_ansi_codes(text).into_owned()
    }

    #[test]
    fn a_sweep_that_does_not_go_on_says_why() {
        let mut sweep = one_decay();
        assert_eq!(halted(&sweep), None);
        sweep.waits_for = Some("it waits for a worker of the kind that began it".into());
        assert_eq!(halted(&sweep), sweep.waits_for);
        sweep.summary.replay_error = Some("entry 3 of the log can't be read".into());
        let words = "its log can't be replayed by this server: entry 3 of the log can't be read; \
                     it can be cancelled and deleted";
        assert_eq!(halted(&sweep).as_deref(), Some(words));
    }

    #[test]
    fn workers_in_trouble_are_named_with_their_next_try() {
        let mut sweep = one_decay();
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert!(troubles(&sweep, now).is_empty());
        let troubled = |worker: &str, second| TroubledWorker {
            worker: worker.into(),
            message: "its disk is full".into(),
            next_try_at: Timestamp::from_second(second).unwrap(),
        };
        sweep.troubled_workers = vec![troubled("a", 1_000_040), troubled("b", 999_990)];
        let [a, b] = &troubles(&sweep, now)[..] else { panic!("two") };
        assert_eq!(a, "worker a is in trouble: its disk is full; next try in 40 s");
        assert!(b.ends_with("next try in 0 s"), "{b}");
    }

    #[test]
    fn news_are_the_servers_words() {
        let line = LogLine::new("diverged", "flood b=0.2");
        assert_eq!(news(&line), "flood b=0.2");
        let line = line.because("a loss was not finite");
        assert_eq!(news(&line), "flood b=0.2 — a loss was not finite");
    }

    #[test]
    fn an_answer_names_best_b_its_difference_and_its_cost() {
        assert_eq!(
            plain(&answer(&best(), &one_decay(), &Commands::default())),
            "      best b  0.07
    val_loss  0.231 (flood b=0.07, mean over the closing epochs)
       plain  0.301
  difference  -0.070 to plain, one seed: no interval
        test  error 5.0 %, loss 0.200; plain 6.0 %, 0.300
       spent  5.9 of the full grid's 21.0 run-equivalents
     verdict  flood b=0.07 ends 0.070 below plain"
        );
    }

    #[test]
    fn an_answer_ends_with_what_to_paste_where_there_is_something() {
        let (best, sweep) = (best(), one_decay());
        let commands = Commands::default();
        let figures = plain(&answer(&best, &sweep, &commands));
        let id = sweep.summary.id;
        let mut whole = SweepBest { sweep: id, status: SweepStatus::Completed, best, paste: None };
        assert_eq!(plain(&card(&whole, &sweep, &commands)), figures);
        whole.paste = Some(Paste {
            line: "loss = (loss - 0.07).abs() + 0.07".into(),
            learning_rate: 0.05,
            weight_decay: 0.0,
            epochs: 100,
            words: "at learning rate 0.05, for 100 epochs".into(),
        });
        assert_eq!(
            plain(&card(&whole, &sweep, &commands)).strip_prefix(&figures).unwrap(),
            "
       paste  loss = (loss - 0.07).abs() + 0.07
              at learning rate 0.05, for 100 epochs"
        );
    }

    #[test]
    fn points_stand_below_the_sentence_and_what_speaks_against_it_last() {
        let mut best = best();
        best.finding = Finding::OneSeed;
        best.sentence = "It is so.".into();
        best.points = vec!["One thing.".into(), "Another.".into()];
        best.against = vec!["Not so.".into(), "Nor so.".into()];
        let text = plain(&answer(&best, &one_decay(), &Commands::default()));
        let said = "     verdict  It is so.
              One thing.
              Another.
         but  Not so.
              Nor so.";
        assert!(text.ends_with(said), "{text}");
        assert!(text.contains("     finding  one seed\n"), "{text}");
    }

    #[test]
    fn an_interval_is_told_where_there_is_one() {
        let mut best = best();
        let difference = best.difference.as_mut().unwrap();
        (difference.low, difference.high, difference.seeds) = (Some(-0.11), Some(-0.03), 3);
        let text = plain(&answer(&best, &one_decay(), &Commands::default()));
        assert!(text.contains("-0.070 to plain, -0.110 to -0.030 at 90 %, 3 seeds"), "{text}");
    }

    #[test]
    fn plain_is_not_compared_with_itself() {
        let mut best = best();
        best.best.as_mut().unwrap().arm = Arm::new(ArmIx::PLAIN, Method::Plain);
        let text = plain(&answer(&best, &one_decay(), &Commands::default()));
        assert!(text.starts_with("        best  plain (no flooding)\n"), "{text}");
        assert!(!text.contains("difference"), "{text}");
    }

    #[test]
    fn an_arm_without_a_level_is_named_and_compared() {
        let mut best = best();
        let penalty = Method::GradientPenalty { lambda: 0.01, rho: 0.05 };
        best.best.as_mut().unwrap().arm = Arm::new(ArmIx(3), penalty);
        let text = plain(&answer(&best, &one_decay(), &Commands::default()));
        assert!(text.starts_with("        best  gradient penalty, λ=0.01\n"), "{text}");
        assert!(text.contains("difference"), "{text}");
    }

    #[test]
    fn a_sweep_without_reports_says_so() {
        let mut best = best();
        (best.best, best.baseline, best.difference) = (None, None, None);
        assert!(
            plain(&answer(&best, &one_decay(), &Commands::default()))
                .starts_with("      best b  nothing reported yet\n")
        );
    }

    #[test]
    fn an_answer_before_an_extension_is_told_as_that_and_one_that_is_missing_as_missing() {
        let mut best = best();
        best.before_extension = true;
        let text = plain(&answer(&best, &one_decay(), &Commands::default()));
        assert!(text.contains("\n              the answer before the extension\n"), "{text}");
        (best.best, best.finding) = (None, Finding::NoAnswer);
        let text = plain(&answer(&best, &one_decay(), &Commands::default()));
        assert!(text.starts_with("      best b  no answer\n"), "{text}");
    }

    #[test]
    fn what_is_advised_goes_to_the_server_that_answered() {
        let mut best = best();
        best.advice = Some(Advice::seeds(2, "Two more.".into()));
        let there = Commands::at(&"http://gauge:1".parse().unwrap());
        let text = plain(&answer(&best, &one_decay(), &there));
        assert!(
            text.ends_with("  floodgauge extend ID --seeds 2 --server http://gauge:1"),
            "{text}"
        );
    }

    #[test]
    fn the_line_so_far_tells_the_phase_and_what_is_left() {
        let phase = "training plain, and probing levels".to_string();
        let (elapsed_s, left_s) = (Some(40.0), Some(75.0));
        let mut progress =
            Progress { phase, spent: 1.24, planned: 2.75, pruned: 0.0, elapsed_s, left_s };
        let told = "training plain, and probing levels; 1.2 of at most 2.8 runs";
        assert_eq!(so_far(&progress), format!("{told}; at most 75 s left"));
        progress.left_s = None;
        assert_eq!(so_far(&progress), told);
        assert!(so_far(&progress).len() <= 80 - 16, "it fits beside its name and the spinner");
    }

    #[test]
    fn a_sweep_that_wants_a_worker_is_told_with_the_command_for_one() {
        let mut sweep = one_decay();
        let there = Commands::at(&"http://gauge:1".parse().unwrap());
        assert_eq!(worker_command(&sweep, &there), None);
        let waiting = |wants_worker| Waiting {
            what: WaitsFor::Worker,
            words: "no worker asks this server for work".into(),
            remedy: "start one".into(),
            wants_worker,
            transient: true,
            backoff_s: None,
        };
        sweep.waits_for = Some("what an earlier server says".into());
        sweep.waiting = Some(waiting(true));
        assert_eq!(
            halted(&sweep).as_deref(),
            Some("no worker asks this server for work; start one")
        );
        let command = "floodgauge worker --server http://gauge:1";
        assert_eq!(worker_command(&sweep, &there).as_deref(), Some(command));
        sweep.waiting = Some(waiting(false));
        assert_eq!(worker_command(&sweep, &there), None);
    }

    #[test]
    fn weight_decay_is_named_where_a_sweep_has_several() {
        let sweep = sweep(&[0.0, 1e-4]);
        let mut best = best();
        best.best.as_mut().unwrap().weight_decay = 1e-4;
        let text = plain(&answer(&best, &sweep, &Commands::default()));
        assert!(text.contains("(flood b=0.07, weight decay 0.0001, mean"), "{text}");
    }
}
