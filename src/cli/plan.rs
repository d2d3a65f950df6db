//! The plan of a sweep in words: the same figures as `POST /v1/plans`, for people.

use super::words::{self, figure, line, seeds};
use crate::{
    client::api::{Phase, PlannedTime, SweepPlan},
    counting::{count, count_of},
};

/// The whole plan, a line a figure.
pub fn card(plan: &SweepPlan) -> String {
    let decays = plan.families.iter().map(|family| family.weight_decay.to_bits());
    let decays = decays.collect::<std::collections::BTreeSet<_>>().len();
    let decays = if decays > 1 { format!(", {decays} weight decays") } else { String::new() };
    let mut lines = vec![
        ("plan", format!("{}: nothing was submitted", plan.name)),
        (
            "trains",
            format!(
                "{} arms over {}{decays}, {} each; scheduler {}",
                plan.arms,
                seeds(plan.seeds),
                words::epochs(plan.epochs),
                plan.scheduler.as_str()
            ),
        ),
    ];
    let cost = &plan.run_equivalents;
    for (i, phase) in cost.phases.iter().enumerate() {
        lines.push((if i == 0 { "phases" } else { "" }, phase_words(phase)));
    }
    lines.push((
        "costs",
        format!(
            "{:.1} to {:.1} of the full grid's {:.0} run-equivalents",
            cost.low, cost.high, cost.full_grid
        ),
    ));
    lines.push(("takes", plan.time.as_ref().map_or_else(unknown, takes)));
    if let Some(floor) = plan.noise_floor {
        lines.push((
            "noise floor",
            format!("{} of val_loss: the labels' own entropy", figure(floor)),
        ));
    }
    for (i, warning) in plan.warnings.iter().enumerate() {
        lines.push((if i == 0 { "warnings" } else { "" }, warning.clone()));
    }
    lines.iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>().join("\n")
}

fn phase_words(phase: &Phase) -> String {
    format!(
        "{}: up to {} beside plain, {}, in {}",
        phase.words,
        count(phase.arms, "arm"),
        words::epochs(phase.epochs),
        count_of(phase.families, "family", "families"),
    )
}

fn unknown() -> String {
    "not known before a worker has trained this recipe".into()
}

fn takes(time: &PlannedTime) -> String {
    format!("{} to {} of one worker", duration(time.low_s), duration(time.high_s))
}

/// A time as people say it.
/// How long something takes, with the digits that matter.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plan_says_what_it_costs_and_takes() {
        let plan = serde_json::from_value(json!({
            "name": "digits", "scheduler": "halving", "scheduler_version": 3, "arms": 21, "seeds": 3,
            "epochs": 100, "steps_per_epoch": 20, "rungs": [100],
            "arms_list": [{ "arm": 0, "name": "plain", "method": "plain", "b": null, "parameter": null }],
            "families": [{ "family": 0, "seed": 0, "weight_decay": 0.0 }],
            "run_equivalents": { "low": 5.4, "high": 9.5, "full_grid": 63.0, "phases": [
                { "words": "probes", "epochs": 15, "arms": 4, "families": 1 }
            ] },
            "time": { "low_s": 50.4, "high_s": 6000.0, "epoch_s": 0.1,
                      "measured_on": "01970000-0000-7000-8000-000000000000" },
            "noise_floor": 0.94, "warnings": ["Features are large.", "Labels carry no signal."],
            "spec": { "name": "digits", "recipe": { "dataset": { "name": "digits" } } }
        }));
        let card = console::strip_ansi_codes(&card(&plan.unwrap())).into_owned();
        for expected in [
            "21 arms over 3 seeds, 100 epochs each; scheduler halving",
            "phases  probes: up to 4 arms beside plain, 15 epochs, in 1 family",
            "costs  5.4 to 9.5 of the full grid's 63 run-equivalents",
            "takes  50 s to 1.7 h of one worker",
            "noise floor  0.940 of val_loss",
            "   warnings  Features are large.\n",
            "             Labels carry no signal.",
        ] {
            assert!(card.contains(expected), "{card}");
        }
    }
}
