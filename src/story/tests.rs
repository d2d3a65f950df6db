use super::*;
use crate::scheduler::{Sweep, facts::Facts};
use floodgauge_protocol::{Arm, ArmIx, Method, SearchSpace, SweepSpec};
use serde_json::{Value, json};

/// Plain and two levels with two weight decays, by a full grid: segment 0 begins to train all three
/// arms with the first, segment 1 with the second.
fn spec() -> SweepSpec {
    serde_json::from_value(json!({
        "name": "x",
        "recipe": { "dataset": { "name": "digits", "n_train": 1000, "n_val": 397 },
                    "epochs": 9, "batch_size": 50 },
        "search": { "levels": [0.1, 0.2], "weight_decay": [0.0, 0.001] },
        "scheduler": { "kind": "grid" }
    }))
    .unwrap()
}

fn submitted() -> Sweep {
    let mut sweep = Sweep::new(spec());
    sweep.step(&Event::Submitted { spec: Box::new(spec()) });
    sweep
}

fn lines_of(facts: &Facts, event: Value, decisions: Value) -> Vec<LogLine> {
    let event = serde_json::from_value(event).unwrap();
    let decisions: Vec<_> = serde_json::from_value(decisions).unwrap();
    let named = named_segments(&event, &decisions);
    let segments: Vec<_> = named.filter_map(|id| facts.segments().get(id).cloned()).collect();
    lines(Names::new(facts.spec(), facts.space(), &segments), &event, &decisions)
}

fn words(lines: &[LogLine]) -> Vec<String> {
    let words = |line: &LogLine| match line.reason.as_str() {
        "" => format!("{}: {}", line.kind, line.text),
        reason => format!("{}: {} ({reason})", line.kind, line.text),
    };
    lines.iter().map(words).collect()
}

fn news(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().filter(|line| line.news).map(|line| line.text.as_str()).collect()
}

fn trial(arm: u16) -> Value {
    json!({ "family": 0, "arm": arm })
}

fn end(arm: u16, end: &str, reason: &str) -> Value {
    json!({ "action": "end", "trial": trial(arm), "end": end, "reason": reason })
}

fn lost() -> Value {
    json!({ "type": "lost", "segment": 0, "attempt": 1 })
}

#[test]
fn a_segment_is_told_with_its_arms_family_and_epochs_long_after_it_was_queued() {
    let sweep = submitted();
    let claimed = json!({ "type": "claimed", "segment": 1, "attempt": 2, "worker": "w",
                          "fingerprint": "f" });
    let tests = json!({ "action": "enqueue", "reason": "next", "segment": {
        "segment": 7, "family": 1, "kind": "test", "from_step": 180, "to_step": 180,
        "branches": [{ "arms": [0, 2], "start": { "from": "init" } }] } });
    let lines = lines_of(sweep.facts(), claimed, json!([tests]));
    let family = "seed 0, weight decay 0.001";
    assert_eq!(
        words(&lines),
        [
            format!("claimed: w took segment 1: {family}, 3 arms, epoch 1, attempt 2"),
            format!("queued: segment 7: {family}, test metrics of plain and flood b=0.2 (next)"),
        ]
    );
    assert_eq!(lines[0].arms, [ArmIx(0), ArmIx(1), ArmIx(2)]);
    assert_eq!(lines[1].arms, [ArmIx(0), ArmIx(2)]);
    assert_eq!(news(&lines).len(), 1, "it was claimed again");
}

#[test]
fn a_segment_that_nobody_knows_goes_by_its_number() {
    let (spec, event) = (spec(), serde_json::from_value(lost()).unwrap());
    let space = SearchSpace::of(&spec);
    let lines = lines(Names::new(&spec, &space, &[]), &event, &[]);
    assert_eq!(words(&lines), ["lost: segment 0: its worker's lease expired"]);
    assert_eq!(lines[0].arms, []);
}

#[test]
fn a_report_is_told_only_if_work_was_done_again() {
    let sweep = submitted();
    let reported = |redone: u32| json!({ "type": "reported", "segment": 0, "attempt": 1, "redone": redone, "rows": [] });
    assert_eq!(lines_of(sweep.facts(), reported(0), json!([])), []);
    let lines = lines_of(sweep.facts(), reported(1), json!([]));
    assert_eq!(words(&lines), ["redone: 1 row of segment 0 trained again"]);
}

#[test]
fn decisions_are_told_with_their_reasons_and_many_ends_alike_as_one() {
    let sweep = submitted();
    let finished = json!({ "type": "finished", "segment": 0, "attempt": 1, "branches": [
        { "arms": [0], "end": "reached", "step": 60 },
        { "arms": [1], "end": "diverged", "step": 9 }] });
    let all = |arm| end(arm, "completed", "all done");
    let prune = json!({ "action": "prune", "trial": trial(1), "rung": 0, "reason": "rank 2 of 2" });
    let lines = lines_of(sweep.facts(), finished, json!([prune, all(0), all(1), all(2)]));
    assert_eq!(
        words(&lines),
        [
            "finished: segment 0: 1 reached the end, 1 diverged",
            "pruned: flood b=0.1, seed 0, weight decay 0 (rank 2 of 2)",
            "completed: 3 trials (all done)",
        ]
    );
    assert_eq!(lines[2].arms.len(), 3);
    assert_eq!(lines[2].tone, Tone::Good);
    let two = lines_of(sweep.facts(), lost(), json!([all(0), all(1), end(2, "failed", "no data")]));
    assert_eq!(two.len(), 4, "each by itself");
    assert_eq!(news(&two).len(), 2, "that a worker was lost, and what failed");
}

#[test]
fn what_was_compared_together_is_told_in_one_line_before_the_rest() {
    let sweep = submitted();
    let at_rung = |arm: u16, fate: &str, action: &str| {
        json!({ "action": action, "trial": trial(arm), "rung": 0, "reason": "its rank", "why": {
            "kind": "at_rung", "fate": fate, "rung": { "rung": 0, "count": 2, "epoch": 3 },
            "comparison": { "metric": "val_loss", "value": 0.5, "from_epoch": 3, "to_epoch": 3,
                            "seeds": 1, "rank": 1, "count": 2 },
            "kept": 1, "tied": 1, "exposure": 1.0 } })
    };
    let probed = |arm: u16, fate: &str, action: &str| {
        let mut probed = at_rung(arm, fate, action);
        probed["why"]["kind"] = json!("probed");
        let flood = Method::Flood { b: 0.1 };
        probed["why"]["chosen"] = json!(Arm::new(ArmIx(1), flood));
        probed
    };
    let kept = at_rung(1, "promoted", "promote");
    let lines = lines_of(sweep.facts(), lost(), json!([kept, at_rung(2, "pruned", "prune")]));
    assert_eq!(
        words(&lines)[1..],
        [
            "compared: rung 1 of 2 (epoch 3): 1 of 2 trials continues; the other is pruned",
            "kept: flood b=0.1, seed 0, weight decay 0 (its rank)",
            "pruned: flood b=0.2, seed 0, weight decay 0 (its rank)",
        ]
    );
    assert_eq!(lines[1].arms, [ArmIx(1), ArmIx(2)]);
    assert_eq!(news(&lines).len(), 2);
    let pruned = [0, 1, 2].map(|arm| probed(arm, "pruned", "prune"));
    let lines = lines_of(sweep.facts(), lost(), json!(pruned));
    assert_eq!(lines[1].text, "0 of 3 probes continue; the rest are pruned");
    let alone = lines_of(sweep.facts(), lost(), json!([kept]));
    assert_eq!(alone[1].kind, "kept", "one alone was compared with nobody at hand");
}

#[test]
fn a_failure_of_the_sweep_gives_its_reason_once() {
    let sweep = submitted();
    let failed = json!({ "type": "failed", "segment": 0, "attempt": 3, "message": "no data" });
    let lines = lines_of(
        sweep.facts(),
        failed,
        json!([{ "action": "fail", "reason": "every segment failed: no data" }]),
    );
    let family = "seed 0, weight decay 0";
    assert_eq!(
        words(&lines),
        [
            format!("failed: segment 0: {family}, 3 arms, epoch 1"),
            "failed: the sweep (every segment failed: no data)".into(),
        ]
    );
    assert!(lines.iter().all(|line| line.tone == Tone::Bad));
}

#[test]
fn what_stops_wherever_it_is_names_no_epoch() {
    let sweep = submitted();
    let stop = |arms: &[u16], at_epoch: u32| {
        json!({ "action": "stop", "segment": 0, "reason": "by a user",
                "stop": { "arms": arms, "at_epoch": at_epoch } })
    };
    let asked = json!({ "type": "cancel_requested" });
    let lines = lines_of(sweep.facts(), asked, json!([stop(&[0, 1, 2], 0), stop(&[1], 5)]));
    assert_eq!(
        words(&lines),
        [
            "cancelling: a user asked to end the sweep",
            "stopped: 3 arms in segment 0, at once (by a user)",
            "stopped: flood b=0.1 after epoch 5 (by a user)",
        ]
    );
}

#[test]
fn an_extension_is_told_by_what_it_adds() {
    let sweep = submitted();
    let more = json!({ "type": "extended", "seeds": [3, 4], "levels": [0.15], "epochs": 20 });
    let lines = lines_of(sweep.facts(), more, json!([]));
    let text = "extended: a user added seeds 3, 4; levels 0.15; epochs up to 20";
    assert_eq!(words(&lines), [text]);
    let again = json!({ "type": "extended", "finish": [2] });
    let lines = lines_of(sweep.facts(), again, json!([]));
    let text = "extended: a user asked for flood b=0.2 to the end with every seed";
    assert_eq!(words(&lines), [text]);
    let both = json!({ "type": "extended", "levels": [0.15], "finish": [1, 2] });
    let lines = lines_of(sweep.facts(), both, json!([]));
    let text = "extended: a user added levels 0.15, and asked for flood b=0.1 and flood b=0.2 \
                to the end with every seed";
    assert_eq!(words(&lines), [text]);
}

#[test]
fn a_hand_back_names_the_worker_its_trouble_and_its_next_try() {
    let sweep = submitted();
    let back = json!({ "type": "handed_back", "segment": 0, "attempt": 1, "worker": "w",
                       "message": "its disk is full", "retry_in_s": 4 });
    let lines = lines_of(sweep.facts(), back, json!([]));
    let [line] = &words(&lines)[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("handed back: w handed back segment 0: "), "{line}");
    assert!(line.ends_with("(its disk is full; next try in 4 s)"), "{line}");
    assert_eq!(news(&lines).len(), 1);
}

#[test]
fn a_segment_that_rests_says_for_how_long_and_one_that_does_not_says_nothing_of_it() {
    let sweep = submitted();
    let told = |waits: u32| {
        let back = json!({ "type": "handed_back", "segment": 0, "attempt": 9, "worker": "w",
                           "message": "its disk is full", "retry_in_s": 4, "waits_s": waits });
        words(&lines_of(sweep.facts(), back, json!([]))).remove(0)
    };
    assert!(told(0).ends_with("(its disk is full; next try in 4 s)"), "{}", told(0));
    assert!(told(16).contains("nobody is given it for 16 s"), "{}", told(16));
}

#[test]
fn a_lease_that_ran_out_names_its_worker() {
    let sweep = submitted();
    let expired = json!({ "type": "expired", "segment": 0, "attempt": 1, "worker": "w" });
    let lines = lines_of(sweep.facts(), expired, json!([]));
    let [line] = &words(&lines)[..] else { panic!("{lines:?}") };
    assert_eq!(line, "expired: the lease of worker w expired; segment 0 waits for another");
    assert_eq!(news(&lines).len(), 1);
}
