//! The answer as a line of a training script, in PyTorch's spelling.
//!
//! Each line has the gradient that training here has. At the very level `abs` has none in PyTorch, where
//! a step here still descends: a loss that is the level in all of its 32 bits is as good as never met.

use super::{Best, Finding, Paste};
use crate::counting::count;
use floodgauge_protocol::{At, Method, Schedule, Shown, SweepSpec};

/// Each sample's loss, of which `reduction` would else make the mean before the level is taken off.
const OF_SAMPLES: &str = r#"torch.nn.functional.cross_entropy(output, target, reduction="none")"#;

/// What trains as the best of a sweep's arms does; none where that is plain, where nothing is best, where
/// training failed, and where it takes more than a line.
pub fn paste(best: &Best, spec: &SweepSpec, arms: &[Method]) -> Option<Paste> {
    let arm = best.best.as_ref().filter(|_| best.finding != Finding::TrainingFailed)?;
    let line = line(*arms.get(arm.arm.ix.ix())?)?;
    Some(Paste {
        line,
        learning_rate: spec.recipe.optimizer.lr(),
        weight_decay: arm.weight_decay,
        epochs: spec.recipe.epochs,
        words: beside(best, spec, arm.weight_decay),
    })
}

/// The line of a method. A gradient penalty's has the gradient of what its arm minimises; the arm itself
/// takes it by a finite difference.
fn line(method: Method) -> Option<String> {
    match method {
        // Alternating steps are two of the optimiser's.
        Method::Plain | Method::Alternating { .. } => None,
        Method::Flood { b } => {
            let b = number(b);
            Some(format!("loss = (loss - {b}).abs() + {b}"))
        }
        Method::Iflood { b } => {
            let b = number(b);
            Some(format!("loss = (({OF_SAMPLES} - {b}).abs() + {b}).mean()"))
        }
        // The derivative of √(1 + x²) is the weight x / √(1 + x²). What else is added has none: at the
        // level the loss is the level, as of the others.
        Method::Softad { b } => {
            let b = number(b);
            Some(format!("loss = ((({OF_SAMPLES} - {b}).square() + 1).sqrt() - 1 + {b}).mean()"))
        }
        Method::GradientPenalty { lambda, .. } => {
            let gradients = "torch.autograd.grad(loss, model.parameters(), create_graph=True)";
            let lambda = number(lambda);
            Some(format!("loss = loss + {lambda} / 2 * sum(g.square().sum() for g in {gradients})"))
        }
    }
}

/// A number as Python reads it: as the same 64 bits, and never as a whole one, which could be too large for a
/// tensor.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// What of the recipe belongs beside the line.
fn beside(best: &Best, spec: &SweepSpec, weight_decay: f64) -> String {
    let optimizer = &spec.recipe.optimizer;
    let mut words = format!("at learning rate {}", Shown(optimizer.lr()));
    if let Some(schedule) = schedule(optimizer.schedule()) {
        words += &format!(" ({schedule})");
    }
    if weight_decay != 0.0 {
        words += &format!(", weight decay {}", Shown(weight_decay));
    }
    words += &format!(", for {}", count(spec.recipe.epochs as usize, "epoch"));
    match best.at {
        At::Last => words,
        At::Best => format!("{words}, keeping the epoch with the best {}", best.metric),
    }
}

/// How the rate changes, where it does.
fn schedule(schedule: &Schedule) -> Option<String> {
    let changes = match schedule {
        Schedule::Constant { .. } => None,
        Schedule::Step { every, factor, .. } => {
            let factor = Shown(*factor);
            Some(format!("times {factor} every {}", count(*every as usize, "epoch")))
        }
        Schedule::Cosine { .. } => Some("cosine schedule".into()),
    };
    let warmup = match schedule.warmup() {
        0 => None,
        epochs => Some(format!("{} of warm-up", count(epochs as usize, "epoch"))),
    };
    let parts: Vec<String> = changes.into_iter().chain(warmup).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::SearchSpace;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ARMS: &str = r#"["flood", "iflood", "softad", {"kind": "alternating", "lr": [[0.1, 0.05]]},
                           {"kind": "gradient_penalty", "lambda": [0.01]}]"#;

    /// The answer of a sweep of every method, whose best arm is this one.
    fn answer(arm: usize, optimizer: Value, at: &str, weight_decay: f64) -> Option<Paste> {
        let methods: Value = serde_json::from_str(ARMS).unwrap();
        let spec: SweepSpec = serde_json::from_value(json!({
            "name": "x",
            "recipe": { "dataset": { "name": "digits" }, "optimizer": optimizer, "epochs": 100 },
            "search": { "levels": [0.2], "methods": methods }
        }))
        .unwrap();
        let arms = SearchSpace::of(&spec).arms;
        let best: Best = serde_json::from_value(json!({
            "metric": "val_loss", "at": at,
            "best": { "arm": arm, "name": "", "method": "", "b": null, "parameter": null,
                      "weight_decay": weight_decay, "objective": 1.0, "probability": null, "test": null },
            "baseline": null, "difference": null,
            "run_equivalents": { "spent": 1.0, "full_grid": 2.0, "saved_by_sharing": 0.0,
                                 "saved_by_pruning": 0.0, "redone": 0.0 },
            "verdict": ""
        }))
        .unwrap();
        paste(&best, &spec, &arms)
    }

    fn of_arm(arm: usize) -> Option<Paste> {
        answer(arm, json!({ "kind": "sgd", "lr": 0.1 }), "last", 0.0)
    }

    #[test]
    fn every_method_has_its_line_or_none() {
        let lines: Vec<_> = (0..7).map(|arm| of_arm(arm).map(|paste| paste.line)).collect();
        let of_samples = r#"torch.nn.functional.cross_entropy(output, target, reduction="none")"#;
        let expected = [
            None,
            Some("loss = (loss - 0.2).abs() + 0.2".to_owned()),
            Some(format!("loss = (({of_samples} - 0.2).abs() + 0.2).mean()")),
            Some(format!("loss = ((({of_samples} - 0.2).square() + 1).sqrt() - 1 + 0.2).mean()")),
            None,
            Some(
                "loss = loss + 0.01 / 2 * sum(g.square().sum() for g in \
                 torch.autograd.grad(loss, model.parameters(), create_graph=True))"
                    .to_owned(),
            ),
            None,
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_recipes_rate_and_epochs_stand_beside_it() {
        let Paste { learning_rate, weight_decay, epochs, words, .. } = of_arm(1).unwrap();
        assert_eq!((learning_rate, weight_decay, epochs), (0.1, 0.0, 100));
        assert_eq!(words, "at learning rate 0.1, for 100 epochs");
        let words = |schedule: Value, at| {
            let optimizer = json!({ "kind": "adam", "lr": 0.001, "schedule": schedule });
            answer(1, optimizer, at, 1e-4).unwrap().words
        };
        assert_eq!(
            words(json!({ "kind": "cosine", "warmup": 5 }), "best"),
            "at learning rate 0.001 (cosine schedule, 5 epochs of warm-up), weight decay 0.0001, \
             for 100 epochs, keeping the epoch with the best val_loss"
        );
        assert_eq!(
            words(json!({ "kind": "step", "every": 30, "factor": 0.1 }), "last"),
            "at learning rate 0.001 (times 0.1 every 30 epochs), weight decay 0.0001, for 100 epochs"
        );
    }

    /// Whether Python reads a text as a float, not as a whole number or a name (The Python Language
    /// Reference, 2.4.6).
    fn is_python_float(text: &str) -> bool {
        let (mantissa, exponent) = match text.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        digits(whole)
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|exponent| digits(exponent.trim_start_matches('-')))
            && (fraction.is_some() || exponent.is_some())
    }

    #[test]
    fn whole_large_and_tiny_levels_are_floats_to_python() {
        let written = [1.0, 0.07, 1e-7, 1e21, 100_000.0].map(number);
        assert_eq!(written, ["1.0", "0.07", "1e-7", "1e21", "100000.0"]);
        assert!(written.iter().all(|text| is_python_float(text)));
        assert!(["1", "inf", "NaN", "1.", "e5", ""].iter().all(|text| !is_python_float(text)));
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_the_same_bits(bits in any::<u64>()) {
            let value = f64::from_bits(bits & !(1 << 63));
            prop_assume!(value.is_finite());
            let text = number(value);
            prop_assert!(is_python_float(&text), "{}", text);
            // Rust and Python both round to the nearest, so what one reads the other does.
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    /// What the lines for single samples compute has the slope that training weighs a sample's gradient by.
    #[cfg(feature = "worker")]
    #[test]
    fn the_slopes_of_the_lines_are_the_weights_that_training_has() {
        use floodgauge_worker::flood::weight;
        let b = 0.2;
        type Slope = fn(f64) -> f64;
        let lines: [(Method, Slope); 2] = [
            (Method::Iflood { b }, |loss| (loss - 0.2).abs() + 0.2),
            (Method::Softad { b }, |loss| ((loss - 0.2f64).powi(2) + 1.0).sqrt() - 1.0 + 0.2),
        ];
        for (method, line) in lines {
            assert!((line(b) - b).abs() < 1e-12, "{method}: at its level the loss is the level");
            for loss in [0.0, 0.1, 0.19, 0.21, 0.5, 2.3] {
                let slope = (line(loss + 1e-6) - line(loss - 1e-6)) / 2e-6;
                let trained = f64::from(weight(method, 9.0, loss as f32));
                assert!((slope - trained).abs() < 1e-5, "{method} at {loss}: {slope}, {trained}");
            }
        }
    }
}
