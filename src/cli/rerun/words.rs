//! A comparison in words.

use crate::{
    cli::{print, words::line},
    counting::{count, count_is},
    export::{
        Export,
        compare::{ArmComparison, Comparison, End, Ends, ValueDifference, Winners},
    },
};
use floodgauge_api::SweepStatus;
use floodgauge_protocol::{Metric, Shown, text::escaped};
use std::collections::BTreeSet;

/// The whole comparison: a line a finding, then each arm.
pub fn card(comparison: &Comparison, recorded: &Export) -> String {
    let mut lines = vec![line("winner", &winner(comparison.winner.as_ref()))];
    if let Some(end) = end(comparison.end.as_ref(), recorded) {
        lines.push(line("end", &end));
    }
    lines.push(line("figures", &figures(comparison, recorded)));
    if let Some(largest) = &comparison.largest_difference {
        lines.push(line("largest", &farthest(largest)));
    }
    if comparison.length_mismatches > 0 {
        let runs = count(comparison.length_mismatches as usize, "run");
        lines.push(line(
            "lengths",
            &format!("{runs} ended at another epoch, or only one side has them"),
        ));
    }
    if let Some(why) = why(comparison, recorded) {
        lines.push(line("note", &why));
    }
    if comparison.arms.is_empty() {
        return lines.join("\n");
    }
    lines.push(String::new());
    lines.push(print::fitted(&table(&comparison.arms), &["FIGURES"], false, print::width()));
    lines.join("\n")
}

fn winner(winner: Option<&Winners>) -> String {
    let named = |name: &Option<String>| match name {
        Some(name) => escaped(name).into_owned(),
        None => "none".into(),
    };
    match winner {
        None => "not compared: the file holds no answer of a completed sweep".into(),
        Some(Winners { same: true, now, .. }) => format!("the same: {}", named(now)),
        Some(Winners { recorded, now, .. }) => {
            format!("another: {} is recorded, now it is {}", named(recorded), named(now))
        }
    }
}

/// How both ended, where that is worth a line.
fn end(ends: Option<&Ends>, recorded: &Export) -> Option<String> {
    let Some(Ends { same, recorded, now }) = ends else {
        let why = match recorded.status {
            Some(SweepStatus::Cancelled) => "the recorded sweep was cancelled",
            Some(_) => "the recorded sweep still went on",
            None => "the file doesn't tell how the sweep ended",
        };
        return Some(format!("not compared: {why}"));
    };
    let because = |end: &End| match &end.reason {
        Some(reason) => format!(" ({})", escaped(reason)),
        None => String::new(),
    };
    let (was, is) = (recorded.status.as_str(), now.status.as_str());
    match *same {
        true if now.status == SweepStatus::Completed => None,
        true if recorded.reason == now.reason => Some(format!("the same: {is}{}", because(now))),
        true => Some(format!("{is}, as recorded{}, now{}", because(recorded), because(now))),
        false => Some(format!(
            "another: {was}{} is recorded, now it is {is}{}",
            because(recorded),
            because(now)
        )),
    }
}

fn figures(comparison: &Comparison, recorded: &Export) -> String {
    let (same, all) = (comparison.same, comparison.values);
    let compared = match all {
        0 if recorded.has_curves() => {
            "none compared: the sweep has none of the recorded ones now".into()
        }
        0 => "none compared: the file holds none".into(),
        _ if same == all => format!("all {all} agree bit for bit"),
        _ => format!("{same} of {all} agree bit for bit"),
    };
    match comparison.unrecorded {
        0 => compared,
        more => format!("{compared}; of {more} more nothing is recorded"),
    }
}

fn farthest(largest: &ValueDifference) -> String {
    let ValueDifference { arm, seed, metric, epoch, recorded, now, .. } = largest;
    let told = |metric: &Option<Metric>| match metric {
        Some(Metric::Finite(value)) => value.to_string(),
        Some(Metric::Diverged) => "diverged".into(),
        None => "nothing".into(),
    };
    let apart = match largest.difference {
        Some(difference) => format!("{difference:e}"),
        None => "one diverged".into(),
    };
    let (metric, recorded, now) = (escaped(metric), told(recorded), told(now));
    format!(
        "{apart}: {metric} of {arm}, seed {seed}, epoch {epoch}: {recorded} is recorded, now {now}"
    )
}

/// What may be behind it.
fn why(comparison: &Comparison, recorded: &Export) -> Option<String> {
    if !comparison.differs() {
        return None;
    }
    if recorded.spec.scheduler.kind.depends_on_arrival() {
        let scheduler = recorded.spec.scheduler.kind.as_str();
        return Some(format!(
            "what {scheduler} decides depends on the order in which results arrive"
        ));
    }
    if comparison.end.as_ref().is_some_and(|end| !end.same) && comparison.same == comparison.values
    {
        return None;
    }
    let words = match comparison.same < comparison.values {
        true => {
            "bits agree on machines of the same kind alone; `floodgauge logs` names those that trained"
        }
        false => {
            "a sweep that was extended is run again as a whole; another version of its scheduler may \
             decide otherwise"
        }
    };
    Some(words.into())
}

fn table(arms: &[ArmComparison]) -> Vec<Vec<String>> {
    let decays: BTreeSet<u64> = arms.iter().map(|arm| arm.weight_decay.to_bits()).collect();
    let header = ["ARM", "FIGURES", "THE SAME", "LARGEST DIFFERENCE"];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(arms.iter().map(|arm| {
        let decay = match decays.len() {
            0 | 1 => String::new(),
            _ => format!(" decay {}", Shown(arm.weight_decay)),
        };
        let largest = match (arm.largest_difference, arm.same == arm.values) {
            (_, true) => String::new(),
            (Some(difference), _) => format!("{difference:e}"),
            (None, _) => "one diverged".into(),
        };
        let otherwise = match arm.length_mismatches {
            0 => largest,
            runs if largest.is_empty() => {
                format!("{} of another length", count_is(runs as usize, "run"))
            }
            runs => format!("{largest}; {} of another length", count_is(runs as usize, "run")),
        };
        let name = format!("{}{decay}", arm.arm);
        vec![name, arm.values.to_string(), arm.same.to_string(), otherwise]
    }));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recorded(scheduler: &str) -> Export {
        let file = json!({
            "spec": { "name": "x", "recipe": { "dataset": { "name": "digits" } },
                      "scheduler": { "kind": scheduler } },
            "arms": [{ "method": "plain" }], "runs": []
        });
        Export::read(file.to_string().as_bytes()).unwrap()
    }

    fn arm(name: &str, same: u64, largest_difference: Option<f64>) -> ArmComparison {
        ArmComparison {
            arm: name.into(),
            weight_decay: 0.0,
            values: 12,
            same,
            length_mismatches: 0,
            largest_difference,
        }
    }

    fn ends(recorded: SweepStatus, now: SweepStatus) -> Ends {
        let end = |status| {
            let reason = (status == SweepStatus::Failed).then(|| "no such file".to_owned());
            End { status, reason }
        };
        Ends { same: recorded == now, recorded: end(recorded), now: end(now) }
    }

    fn same() -> Comparison {
        let name = Some("flood b=0.2".to_owned());
        Comparison {
            winner: Some(Winners { same: true, recorded: name.clone(), now: name }),
            end: Some(ends(SweepStatus::Completed, SweepStatus::Completed)),
            values: 24,
            same: 24,
            unrecorded: 0,
            length_mismatches: 0,
            largest_difference: None,
            arms: vec![arm("plain", 12, Some(0.0)), arm("flood b=0.2", 12, Some(0.0))],
        }
    }

    fn shown(comparison: &Comparison, scheduler: &str) -> String {
        console::strip_ansi_codes(&card(comparison, &recorded(scheduler))).into_owned()
    }

    #[test]
    fn the_same_again_is_told_in_two_lines_and_a_table() {
        let text = shown(&same(), "grid");
        let start = "      winner  the same: flood b=0.2
     figures  all 24 agree bit for bit

ARM ";
        assert!(text.starts_with(start), "{text}");
        assert!(!text.contains("note"), "{text}");
    }

    #[test]
    fn what_differs_is_told_with_the_largest_and_why() {
        let mut other = same();
        (other.same, other.arms[1]) = (20, arm("flood b=0.2", 8, Some(0.25)));
        other.winner = Some(Winners {
            same: false,
            recorded: Some("flood b=0.2".into()),
            now: Some("plain".into()),
        });
        other.largest_difference = Some(ValueDifference {
            arm: "flood b=0.2".into(),
            weight_decay: 0.0,
            seed: 1,
            metric: "val_loss".into(),
            epoch: 2,
            recorded: Some(Metric::Finite(1.75)),
            now: Some(Metric::Finite(1.5)),
            difference: Some(0.25),
        });
        let text = shown(&other, "grid");
        for said in [
            "      winner  another: flood b=0.2 is recorded, now it is plain\n",
            "     figures  20 of 24 agree bit for bit\n",
            "     largest  2.5e-1: val_loss of flood b=0.2, seed 1, epoch 2: 1.75 is recorded, now 1.5\n",
            "        note  bits agree on machines of the same kind alone",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
        }
        assert!(text.lines().last().unwrap().contains("2.5e-1"), "{text}");
        assert!(shown(&other, "asha").contains("asha decides depends on the order"));
    }

    #[test]
    fn runs_of_other_lengths_and_what_diverged_are_told() {
        let mut other = same();
        (other.length_mismatches, other.arms[0].length_mismatches, other.winner) = (2, 2, None);
        let text = shown(&other, "halving");
        assert!(text.contains("winner  not compared"), "{text}");
        assert!(text.contains("lengths  2 runs ended at another epoch"), "{text}");
        assert!(text.contains("2 runs are of another length"), "{text}");
        assert!(text.contains("note  a sweep that was extended"), "{text}");
        (other.same, other.arms[1]) = (23, arm("flood b=0.2", 11, None));
        assert!(shown(&other, "halving").contains("one diverged"));
    }

    #[test]
    fn of_a_sweep_that_failed_its_end_is_told_and_that_nothing_else_was_compared() {
        let (failed, completed) = (SweepStatus::Failed, SweepStatus::Completed);
        let nothing = |end: Option<Ends>, unrecorded| Comparison {
            winner: None,
            end,
            values: 0,
            same: 0,
            unrecorded,
            length_mismatches: 0,
            largest_difference: None,
            arms: vec![],
        };
        let text = shown(&nothing(Some(ends(failed, failed)), 0), "grid");
        assert!(text.contains("         end  the same: failed (no such file)\n"), "{text}");
        assert!(text.ends_with("     figures  none compared: the file holds none"), "{text}");
        assert!(!text.contains("agree") && !text.contains("note"), "{text}");
        let text = shown(&nothing(Some(ends(failed, completed)), 24), "grid");
        let said = "another: failed (no such file) is recorded, now it is completed\n";
        assert!(text.contains(said), "{text}");
        assert!(text.ends_with("none; of 24 more nothing is recorded"), "{text}");
        let text = shown(&nothing(None, 24), "grid");
        assert!(text.contains("end  not compared: the file doesn't tell how"), "{text}");
        let mut other = ends(failed, failed);
        other.now.reason = Some("no\u{1b} room".into());
        let text = shown(&nothing(Some(other), 0), "grid");
        assert!(
            text.contains("failed, as recorded (no such file), now (no\\u{1b} room)\n"),
            "{text}"
        );
    }

    #[test]
    fn names_from_a_file_do_nothing_to_a_terminal() {
        let mut other = same();
        let name = Some("\u{1b}[2J".to_owned());
        other.winner = Some(Winners { same: false, recorded: name.clone(), now: name });
        assert!(!card(&other, &recorded("grid")).contains("\u{1b}[2J"));
    }
}
