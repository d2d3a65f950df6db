//! What a training step costs: `cargo run --release -p floodgauge-worker --example step_cost`.
//!
//! Trains cohorts of 1, 7 and 21 members of a 64-128-128-10 MLP on the built-in digits in batches
//! of 50 and prints milliseconds per step and member-steps per second, evaluation included.

use floodgauge_protocol::{
    ArmIx, Branch, Family, FamilyIx, Method, Recipe, Segment, SegmentId, SegmentKind,
    segment::Start,
    work::{ReportRow, Stop},
};
use floodgauge_worker::{
    cohort::{Job, Progress, train},
    data,
    device::Machine,
};
use std::{collections::HashMap, num::NonZeroUsize, time::Instant};

struct Silent;

impl Progress for Silent {
    fn epoch(&mut self, _: Vec<ReportRow>) -> Vec<Stop> {
        Vec::new()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let default = r#"{"dataset": {"name": "digits", "label_noise": 0.2}}"#.to_owned();
    let recipe: Recipe = serde_json::from_str(args.first().unwrap_or(&default))?;
    let data = data::load(&recipe.dataset, 0, None)?;
    let family = Family { family: FamilyIx(0), seed: 0, weight_decay: 0.0 };
    let arms: Vec<_> = std::iter::once(Method::Plain)
        .chain((1..21).map(|i| Method::Flood { b: 0.01 * f64::from(i) }))
        .collect();
    let steps = recipe.steps_per_epoch() * u64::from(recipe.epochs.min(20));
    for threads in [1, 2] {
        let Some(count) = NonZeroUsize::new(threads) else { continue };
        let machine = Machine::new(count);
        for members in [1, 2, 7, 21] {
            let branch = |arm| Branch::new(vec![ArmIx(arm)], Start::Init);
            let segment = Segment {
                segment: SegmentId(0),
                family: FamilyIx(0),
                kind: SegmentKind::Train,
                from_step: 0,
                to_step: steps,
                metric: Default::default(),
                direction: Default::default(),
                branches: (0..members).map(branch).collect(),
            };
            let job = Job { recipe: &recipe, family: &family, arms: &arms, segment: &segment };
            let start = Instant::now();
            train(&machine, job, &data, &HashMap::new(), &mut Silent)?;
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{threads} threads, {members:2} members: {:.3} ms per step, {:.0} member-steps/s",
                1e3 * seconds / steps as f64,
                f64::from(members) * steps as f64 / seconds
            );
        }
    }
    Ok(())
}
