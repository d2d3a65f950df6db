//! Checks on the metrics that a search names.

use super::Problems;
use crate::{
    metric::{MetricName, Metrics},
    sweep::SweepSpec,
};

impl SweepSpec {
    pub(super) fn check_metrics(&self, problems: &mut Problems) {
        let search = &self.search;
        let built_in = Metrics::built_in();
        if !search.metrics.is_empty() {
            problems.unless(false, "/search/metrics", || {
                format!(
                    "the built-in recipe's metrics are known, {}: leave `metrics` out",
                    built_in.names()
                )
            });
            // However many there are, nothing more is said of them.
            return;
        }
        let declared = search.metrics();
        let mut compared = |metric: MetricName, at: &str| {
            problems.unless(declared.direction(metric).is_some(), at, || {
                let with = declared.compared();
                let names: Vec<_> = with.map(|metric| metric.name.as_str()).collect();
                format!("no metric `{metric}` can be compared; there are {}", names.join(", "))
            });
        };
        compared(search.objective.metric, "/search/objective/metric");
        if let Some(evidence) = search.evidence {
            compared(evidence, "/search/evidence");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(search: &str) -> Vec<(String, String)> {
        let text = format!(
            r#"{{"name": "x", "recipe": {{"dataset": {{"name": "digits"}}}}, "search": {search}}}"#
        );
        let spec: SweepSpec = serde_json::from_str(&text).unwrap();
        spec.problems().into_iter().map(|problem| (problem.pointer, problem.message)).collect()
    }

    #[test]
    fn a_search_is_for_a_metric_that_there_is_and_that_has_a_direction() {
        assert_eq!(
            problems(r#"{"objective": {"metric": "val_error"}, "evidence": "val_loss"}"#),
            []
        );
        let wrong = problems(r#"{"objective": {"metric": "f1"}, "evidence": "auc"}"#);
        assert_eq!(
            wrong,
            [("/search/objective/metric", "f1"), ("/search/evidence", "auc")].map(|(at, name)| {
                let words =
                    format!("no metric `{name}` can be compared; there are val_loss, val_error");
                (at.to_string(), words)
            })
        );
    }

    #[test]
    fn the_metrics_of_the_built_in_recipe_are_not_declared() {
        let wrong = problems(r#"{"metrics": {"val_loss": "max"}}"#);
        assert_eq!(wrong[0].0, "/search/metrics");
        assert!(wrong[0].1.ends_with("leave `metrics` out"), "{}", wrong[0].1);
    }
}
