//! Training that failed, and what only looks like it.

use super::*;

/// A sweep of three classes with the plain run's validation loss and error, its training loss, and a level
/// that has 1.0 and 0.6 of these.
fn three_classes(val_loss: f64, val_error: f64, train_loss: f64) -> Standing {
    let arm = |arm, b, loss: f64, error: f64| {
        let candidate = candidate(arm, b, &[loss, loss + 0.01, loss - 0.01]);
        but(candidate, |trial| {
            trial.other = Some(Metric::Finite(error));
            trial.train_loss = Some(train_loss);
        })
    };
    Standing {
        guessing: Some(3f64.ln()),
        validation_samples: Some(100),
        ..standing(vec![arm(0, None, val_loss, val_error), arm(1, Some(0.9), 1.0, 0.6)])
    }
}

#[test]
fn a_plain_run_that_only_guesses_is_told_first_with_what_usually_helps() {
    for (val_loss, val_error, train_loss) in [(1.5, 0.4, 1.4), (1.09, 0.62, 1.09)] {
        let best = judge(&three_classes(val_loss, val_error, train_loss));
        assert_eq!(best.finding, Finding::TrainingFailed);
        assert!(
            best.verdict.starts_with("Training failed: plain does no better"),
            "{}",
            best.verdict
        );
        assert!(best.verdict.contains("standardize = true"), "{}", best.verdict);
        assert_eq!(best.advice, None, "no level is advised");
    }
}

#[test]
fn a_loss_beyond_guessing_of_a_run_that_memorised_its_labels_is_no_failure() {
    let best = judge(&three_classes(2.9, 0.64, 0.01));
    assert_ne!(best.finding, Finding::TrainingFailed, "{}", best.verdict);
    assert!(best.verdict.contains("flood b=0.9 has the lowest val_loss"), "{}", best.verdict);
}

#[test]
fn an_error_that_guessing_would_hardly_have_is_no_failure() {
    // Two standard errors of a guess on 100 samples are 0.094.
    let finding = |error| judge(&three_classes(1.09, error, 1.09)).finding;
    assert_ne!(finding(0.57), Finding::TrainingFailed);
    assert_eq!(finding(0.58), Finding::TrainingFailed);
    let unknown = |error| {
        let standing = three_classes(1.09, error, 1.09);
        judge(&Standing { validation_samples: None, ..standing }).finding
    };
    assert_ne!(unknown(0.63), Finding::TrainingFailed);
    assert_eq!(unknown(0.64), Finding::TrainingFailed);
}

#[test]
fn the_error_as_the_objective_tells_the_same() {
    let mut failed = three_classes(1.5, 0.66, 1.4);
    failed.objective = judged(MetricName::val_error());
    failed.other = Some(judged(MetricName::val_loss()));
    for trial in failed.candidates.iter_mut().flat_map(|arm| &mut arm.trials) {
        (trial.objective, trial.other) = (trial.other, trial.objective);
    }
    assert_eq!(judge(&failed).finding, Finding::TrainingFailed);
}

#[test]
fn nothing_fails_where_guessing_is_not_known_or_the_sweep_runs() {
    let failed = three_classes(1.5, 0.66, 1.4);
    let unknown = Standing { guessing: None, ..failed.clone() };
    assert_ne!(judge(&unknown).finding, Finding::TrainingFailed);
    let running = Standing { ended: false, ..failed };
    assert_eq!(judge(&running).finding, Finding::Pending);
}

#[test]
fn a_weight_decay_that_learned_nothing_says_nothing_of_another() {
    let mut standing = three_classes(1.5, 0.4, 1.4);
    let learned = three_classes(0.6, 0.2, 0.1).candidates.into_iter();
    let other = learned.map(|of| Candidate { bracket: 1, weight_decay: 0.1, ..of });
    standing.candidates.extend(other);
    let best = judge(&standing);
    assert_eq!(best.best.unwrap().weight_decay, 0.1);
    assert_ne!(best.finding, Finding::TrainingFailed);
}
