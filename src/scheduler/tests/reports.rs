//! What workers report and hand in.

use super::*;
use floodgauge_protocol::work::{BestEpoch, Minimum, Waypoint};

#[test]
fn work_done_again_is_counted_apart_and_changes_no_curve() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    world.claim(segment, 1);
    world.report(segment, 1, &rows[..30]);
    world.event(Event::Lost { segment, attempt: 1 });
    world.claim(segment, 2);
    world.report(segment, 2, &rows);
    world.finish(segment, 2);
    world.run(|_| 0);
    let cost = world.sweep.run_equivalents();
    assert_eq!(cost.spent, 21.0 - 20.0 / 27.0);
    assert_eq!(cost.redone, 30.0 / 27.0);
}

#[test]
fn two_gradients_a_mini_batch_count_twice_again_too() {
    let text = r#""search": {"methods": [{"kind": "gradient_penalty", "lambda": [0.01]}]},
        "scheduler": {"kind": "grid"}"#;
    let mut world = World::new(spec(text), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    world.claim(segment, 1);
    world.report(segment, 1, &rows);
    world.report(segment, 1, &rows);
    let epochs = rows.len() as f64 / 2.0;
    let cost = world.sweep.run_equivalents();
    assert_eq!((cost.spent, cost.redone), (3.0 * epochs / 27.0, 3.0 * epochs / 27.0));
    assert_eq!((cost.full_grid, cost.saved_by_sharing), (3.0, 0.0));
    world.event(Event::Nondeterminism { segment, attempt: 1, rows: rows[..2].to_vec() });
    assert_eq!(world.sweep.run_equivalents().redone, 3.0 * (epochs + 1.0) / 27.0);
}

#[test]
fn an_epoch_reported_again_with_other_bits_is_told_apart() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let mut rows = world.rows(&world.open[&segment]);
    world.claim(segment, 1);
    world.report(segment, 1, &rows[..30]);
    let loss = rows[3].metric(MetricName::val_loss()).finite().unwrap();
    rows[3].metrics.insert(MetricName::val_loss(), Metric::Finite(loss.next_up()));
    let sifted = world.sweep.facts().sift(segment, &rows[..31]).unwrap();
    assert_eq!((sifted.redone, sifted.new.len()), (29, 1));
    assert_eq!(sifted.contradicting, [rows[3].clone()]);
}

#[test]
fn reports_that_cannot_come_from_their_segment_are_refused() {
    let world = World::new(spec(r#""scheduler": {"kind": "sha"}"#), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    let refused = |change: fn(&mut ReportRow)| {
        let mut row = rows[0].clone();
        change(&mut row);
        world.sweep.facts().sift(segment, &[row]).unwrap_err().to_string()
    };
    assert!(refused(|row| row.arms = vec![ArmIx(21)]).contains("no branch"));
    assert!(refused(|row| row.arms = vec![ArmIx(2), ArmIx(1)]).contains("no branch"));
    assert!(refused(|row| row.arms.clear()).contains("no branch"));
    assert!(refused(|row| (row.epoch, row.step) = (0, 0)).contains("count from 1"));
    assert!(refused(|row| (row.epoch, row.step) = (2, 40)).contains("epoch 2 follows epoch 0"));
    assert!(refused(|row| row.step = 19).contains("does not end at step"));
    assert!(refused(|row| (row.epoch, row.step) = (4, 80)).contains("not in the segment"));
    for beyond in [20, 21, 540, u64::MAX] {
        let row = ReportRow { onset_step: Some(beyond), ..rows[0].clone() };
        let refusal = world.sweep.facts().sift(segment, &[row]).unwrap_err().to_string();
        assert!(refusal.contains("is not among the first 20 steps"), "{refusal}");
    }
    let row = ReportRow { onset_step: Some(19), ..rows[0].clone() };
    assert_eq!(world.sweep.facts().sift(segment, std::slice::from_ref(&row)).unwrap().new, [row]);
    assert!(world.sweep.facts().sift(SegmentId(99), &rows).is_err());
}

#[test]
fn epochs_beyond_a_stop_are_dropped_arm_by_arm() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    let rows = world.rows(&world.open[&segment]);
    let stop = |arm, at_epoch| floodgauge_protocol::work::Stop { arms: vec![ArmIx(arm)], at_epoch };
    world.sweep.facts_mut().stop(segment, vec![stop(2, 1), stop(3, 0)]);
    let sifted = world.sweep.facts().sift(segment, &rows[..22]).unwrap();
    let epochs = |arm: u16| sifted.new.iter().filter(|row| row.arms.contains(&ArmIx(arm))).count();
    assert_eq!((epochs(1), epochs(2)), (2, 1));
    assert_eq!(epochs(3), 2, "the epoch at hand is taken, whichever it is");
    assert_eq!(sifted.new.len(), 1 + 20, "the first epoch is still one row");
}

#[test]
fn a_finish_with_arms_missing_twice_or_of_several_branches_is_refused() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    world.claim(segment, 1);
    world.report(segment, 1, &world.rows(&world.open[&segment]));
    let run = |arms: &[u16]| {
        let arms = arms.iter().copied().map(ArmIx).collect();
        let checkpoint = Some(Digest([1; 32]));
        FinishedBranch { checkpoint, ..FinishedBranch::new(arms, BranchEnd::Reached, 60) }
    };
    let all: Vec<u16> = (0..=20).collect();
    let refused =
        |runs: &[FinishedBranch]| world.sweep.facts().check_finish(segment, runs).unwrap_err();
    assert!(refused(&[run(&all[1..])]).contains("arm 0 must be handed in once"));
    assert!(refused(&[run(&all), run(&[20])]).contains("arm 20 must be handed in once"));
    assert!(refused(&[run(&all), run(&[21])]).contains("arms of no branch"));
    assert!(refused(&[FinishedBranch { step: 40, ..run(&all) }]).contains("last step"));
    assert!(refused(&[FinishedBranch { checkpoint: None, ..run(&all) }]).contains("checkpoint"));
    let (digest, whole) = (Digest([1; 32]), || run(&all));
    let best = |epoch| Some(BestEpoch { epoch, checkpoint: digest });
    let at = |step, best| vec![Waypoint { step, checkpoint: digest, best }];
    let low = |step| vec![Minimum { step, loss: 0.5 }];
    for (beyond, told) in [
        (FinishedBranch { onset_step: Some(60), ..whole() }, "onset step 60"),
        (FinishedBranch { onset_step: Some(u64::MAX), ..whole() }, "onset step"),
        (FinishedBranch { minima: low(60), ..whole() }, "minimum at step 60"),
        (FinishedBranch { waypoints: at(61, None), ..whole() }, "waypoint after step 61"),
        (FinishedBranch { waypoints: at(60, best(4)), ..whole() }, "best epoch 4"),
        (FinishedBranch { best: best(u32::MAX), ..whole() }, "best epoch"),
    ] {
        let refusal = refused(std::slice::from_ref(&beyond));
        assert!(refusal.contains(told), "{refusal}");
        let saved = world.sweep.facts().check_saved(segment, &[beyond]);
        assert_eq!(saved, Err(refusal));
    }
    let inside = FinishedBranch {
        onset_step: Some(59),
        minima: low(59),
        waypoints: at(60, best(3)),
        best: best(3),
        ..whole()
    };
    world.sweep.facts().check_finish(segment, &[inside]).unwrap();
    world.sweep.facts().check_finish(segment, &[run(&all[..5]), run(&all[5..])]).unwrap();
}

#[test]
fn what_a_run_tells_lies_before_the_step_that_it_ended_at() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    let segment = SegmentId(0);
    world.claim(segment, 1);
    world.report(segment, 1, &world.rows(&world.open[&segment]));
    let digest = Digest([1; 32]);
    let run = |end, step| FinishedBranch {
        checkpoint: (end != BranchEnd::Diverged).then_some(digest),
        ..FinishedBranch::new((0..=20).map(ArmIx).collect(), end, step)
    };
    let low = |step| vec![Minimum { step, loss: 0.5 }];
    let waypoint = |step| vec![Waypoint { step, checkpoint: digest, best: None }];
    let best = |epoch| Some(BestEpoch { epoch, checkpoint: digest });
    let check = |run: FinishedBranch| world.sweep.facts().check_finish(segment, &[run]);
    let (stopped, diverged) = (|| run(BranchEnd::Stopped, 20), || run(BranchEnd::Diverged, 20));
    for (late, told) in [
        (FinishedBranch { onset_step: Some(20), ..stopped() }, "onset step 20"),
        (FinishedBranch { minima: low(59), ..stopped() }, "minimum at step 59"),
        (FinishedBranch { minima: low(20), ..stopped() }, "minimum at step 20"),
        (FinishedBranch { waypoints: waypoint(40), ..stopped() }, "waypoint after step 40"),
        (FinishedBranch { best: best(2), ..stopped() }, "best epoch 2"),
        (FinishedBranch { minima: low(21), ..diverged() }, "minimum at step 21"),
        (run(BranchEnd::Diverged, 61), "step 61 lies beyond step 60"),
        (run(BranchEnd::Diverged, u64::MAX), "lies beyond step 60"),
    ] {
        let refusal = check(late).unwrap_err();
        assert!(refusal.contains(told), "{refusal}");
    }
    let inside = |run| FinishedBranch {
        minima: low(19),
        waypoints: waypoint(20),
        best: best(1),
        onset_step: Some(19),
        ..run
    };
    check(inside(stopped())).unwrap();
    check(inside(diverged())).unwrap();
    // The step that it diverged in may be its onset too.
    check(FinishedBranch { onset_step: Some(20), minima: low(20), ..diverged() }).unwrap();
    check(run(BranchEnd::Diverged, 60)).unwrap();
}

#[test]
fn events_about_segments_that_are_over_change_nothing() {
    let mut world = World::new(spec(r#""scheduler": {"kind": "grid"}"#), smooth);
    world.train(SegmentId(0));
    let before = world.sweep.clone();
    for event in [
        Event::Lost { segment: SegmentId(0), attempt: 1 },
        Event::Failed { segment: SegmentId(0), attempt: 1, message: "late".into() },
        Event::Finished { segment: SegmentId(0), attempt: 1, branches: vec![] },
    ] {
        assert_eq!(world.event(event), []);
    }
    assert_eq!(world.sweep, before);
}
