//! What arms are compared by.

use super::Point;
use floodgauge_protocol::{At, Direction, Metric, MetricName, Metrics, Search};

/// A metric that arms are compared by, and where on the curve it is read. Decisions see it *minimised*:
/// as its negative where higher is better, so that lower is always better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Criterion {
    /// The metric.
    pub metric: MetricName,
    /// Where on the curve it is read.
    pub at: At,
    /// Its place among the sweep's metrics.
    place: usize,
    direction: Direction,
}

impl Criterion {
    /// The metric of an epoch, minimised.
    pub fn of(&self, point: &Point) -> Metric {
        self.direction.minimised(point.value(self.place))
    }

    /// Whether the worker told it of an epoch.
    pub fn is_in(&self, point: &Point) -> bool {
        point.has(self.place)
    }

    /// A minimised value as it was measured.
    pub fn as_measured(&self, minimised: Metric) -> Metric {
        self.direction.minimised(minimised)
    }

    /// Which way it is better, as it was measured.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The same metric, read elsewhere on the curve.
    pub fn read(self, at: At) -> Self {
        Self { at, ..self }
    }
}

/// The metrics of a sweep, and those that arms are compared by.
#[derive(Clone, Debug, PartialEq)]
pub struct Criteria {
    /// Every metric that runs report.
    pub metrics: Metrics,
    /// What makes an arm the best.
    pub objective: Criterion,
    /// What says where plain training turns to memorising, and counts beside the objective where runs
    /// are compared early; often the objective itself.
    pub evidence: Criterion,
    /// Whether another metric agrees: the first that has a direction and isn't the objective.
    pub other: Option<Criterion>,
}

impl Criteria {
    /// Those of a search. A metric that isn't declared, which no search that was checked has, counts as
    /// one that diverged in every run.
    pub fn of(search: &Search) -> Self {
        let (metrics, at) = (search.metrics(), search.objective.at);
        let criterion = |metric| Criterion {
            metric,
            at,
            place: metrics.position(metric).unwrap_or(usize::MAX),
            direction: metrics.direction(metric).unwrap_or_default(),
        };
        let objective = search.objective.metric;
        let compared = metrics.compared();
        let other = compared.map(|metric| metric.name).find(|name| *name != objective);
        Self {
            objective: criterion(objective),
            evidence: criterion(search.evidence()),
            other: other.map(criterion),
            metrics,
        }
    }

    /// A metric by which arms can be compared, read as the objective is; none without a direction.
    pub fn criterion(&self, metric: MetricName) -> Option<Criterion> {
        let direction = self.metrics.direction(metric)?;
        let place = self.metrics.position(metric)?;
        Some(Criterion { metric, at: self.objective.at, place, direction })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria(search: &str) -> Criteria {
        Criteria::of(&serde_json::from_str(search).unwrap())
    }

    #[test]
    fn the_built_in_evidence_is_the_validation_loss_whatever_the_objective() {
        let by_loss = criteria("{}");
        assert_eq!(by_loss.evidence, by_loss.objective);
        assert_eq!(by_loss.other.unwrap().metric.as_str(), "val_error");
        let by_error = criteria(r#"{"objective": {"metric": "val_error"}}"#);
        assert_eq!(by_error.evidence.metric.as_str(), "val_loss");
        assert_eq!(by_error.other.unwrap().metric.as_str(), "val_loss");
    }

    #[test]
    fn of_declared_metrics_the_objective_is_the_evidence_unless_one_is_named() {
        let metrics = r#""metrics": {"f1": "max", "loss": "min"}, "objective": {"metric": "f1"}"#;
        let alone = criteria(&format!("{{{metrics}}}"));
        assert_eq!(alone.evidence, alone.objective);
        let named = criteria(&format!(r#"{{{metrics}, "evidence": "loss"}}"#));
        assert_eq!(named.evidence.metric.as_str(), "loss");
        let one = criteria(r#"{"metrics": {"f1": "max"}, "objective": {"metric": "f1"}}"#);
        assert_eq!(one.other, None);
    }

    #[test]
    fn what_is_better_when_higher_is_minimised_as_its_negative() {
        let of = criteria(r#"{"metrics": {"f1": "max"}, "objective": {"metric": "f1"}}"#);
        let row = serde_json::from_str(
            r#"{"arms": [0], "epoch": 1, "step": 1, "train_loss": 1, "metrics": {"f1": 0.75}}"#,
        );
        let point = Point::new(&row.unwrap(), &of.metrics);
        assert_eq!(of.objective.of(&point), Metric::Finite(-0.75));
        assert_eq!(of.objective.as_measured(of.objective.of(&point)), Metric::Finite(0.75));
    }
}
