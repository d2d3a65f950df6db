//! What no model can do better than, and what each does that has learned nothing.

use floodgauge_protocol::SweepSpec;

/// The [`noise_floor`] of a sweep's `val_loss`, in nats; none where its labels aren't noisy, its data is yet unknown, or
/// its metrics are its own.
pub fn noise_floor_of(spec: &SweepSpec) -> Option<f64> {
    let dataset = &spec.recipe.dataset;
    let is_built_in = spec.search.metrics.is_empty();
    dataset
        .facts()
        .filter(|_| is_built_in)
        .and_then(|facts| noise_floor(dataset.label_noise, facts.classes))
}

/// What guessing has of a sweep's `val_loss`, in nats: `ln K` for K classes, by a model that calls all of them as
/// likely. None where the data is yet unknown, and where the metrics are the sweep's own.
pub fn guessing_of(spec: &SweepSpec) -> Option<f64> {
    let facts = spec.recipe.dataset.facts().filter(|_| spec.search.metrics.is_empty())?;
    (facts.classes > 1).then(|| f64::from(facts.classes).ln())
}

/// The irreducible cross-entropy, in nats, of labels of `classes` classes each of which was flipped
/// to another class, any of them alike, at `rate`: `−(1−p) ln(1−p) − p ln(p/(K−1))`. None without
/// noise.
///
/// It bounds the mean validation loss from below where validation labels are as noisy. It does not
/// bound the training loss, which falls under it once labels are memorised.
fn noise_floor(rate: f64, classes: u32) -> Option<f64> {
    let others = f64::from(classes.checked_sub(1).filter(|others| *others > 0)?);
    let term = |p: f64, q: f64| if p > 0.0 { -p * q.ln() } else { 0.0 };
    let floor = term(1.0 - rate, 1.0 - rate) + term(rate, rate / others);
    (rate > 0.0 && rate <= 1.0).then_some(floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"{"metrics": {"val_loss": "max"}, "objective": {"metric": "val_loss"}}"#;

    fn spec(search: &str) -> SweepSpec {
        let text = format!(
            r#"{{"name": "x", "recipe": {{"dataset": {{"name": "digits", "label_noise": 0.2}}}}, "search": {search}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_the_built_in_loss_has_a_floor() {
        assert!((noise_floor_of(&spec("{}")).unwrap() - 0.940).abs() < 5e-4);
        assert_eq!(noise_floor_of(&spec(OWN)), None);
    }

    #[test]
    fn guessing_is_known_of_the_built_in_loss_by_its_classes() {
        assert_eq!(guessing_of(&spec("{}")), Some(10f64.ln()));
        assert_eq!(guessing_of(&spec(OWN)), None);
    }

    #[test]
    fn the_floor_of_noisy_labels_is_their_entropy() {
        let near = |rate, classes, floor: f64| {
            assert!((noise_floor(rate, classes).unwrap() - floor).abs() < 5e-4, "{rate} {classes}");
        };
        near(0.01, 2, 0.056);
        near(0.05, 2, 0.199);
        near(0.10, 2, 0.325);
        near(0.20, 10, 0.940);
        near(1.0, 2, 0.0);
        assert_eq!(noise_floor(0.0, 10), None);
        assert_eq!(noise_floor(0.1, 1), None, "one class can't be flipped to another");
    }
}
