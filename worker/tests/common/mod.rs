//! What the tests of the trainer share.
// Each test binary uses a part of this, and a failure here is a failed test.
#![allow(dead_code, clippy::unwrap_used)]

pub mod grid;

use bytes::Bytes;
use floodgauge_protocol::{
    ArmIx, Branch, Digest, Direction, Family, FamilyIx, Image, Method, Recipe, Segment, SegmentId,
    SegmentKind,
    segment::Start,
    work::{ReportRow, Stop},
};
use floodgauge_worker::{
    cohort::{self, Ended, Job, Progress, TrainError},
    data::{self, Data, Samples},
    device::Machine,
};
use proptest::prelude::*;
use std::collections::HashMap;

/// One of each kind, but for its schedule.
pub const OPTIMIZERS: [&str; 5] = [
    r#""kind": "sgd", "lr": 0.5"#,
    r#""kind": "sgd", "lr": 0.1, "momentum": 0.9"#,
    r#""kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": true"#,
    r#""kind": "adam", "lr": 0.02"#,
    r#""kind": "adamw", "lr": 0.02"#,
];

/// Of each kind, with and without warm-up, for four epochs.
pub const SCHEDULES: [&str; 4] = [
    r#"{"kind": "constant"}"#,
    r#"{"kind": "constant", "warmup": 1}"#,
    r#"{"kind": "step", "every": 1, "factor": 0.7}"#,
    r#"{"kind": "cosine", "warmup": 1}"#,
];

/// An optimiser with its schedule, as a recipe has it.
pub fn with_schedule(optimizer: &str, schedule: &str) -> String {
    format!(r#"{{{optimizer}, "schedule": {schedule}}}"#)
}

/// Any optimiser with any schedule.
pub fn optimizers() -> impl Strategy<Value = String> {
    use proptest::sample::select;
    (select(&OPTIMIZERS[..]), select(&SCHEDULES[..]))
        .prop_map(|(optimizer, schedule)| with_schedule(optimizer, schedule))
}

pub const CNN: &str = r#"{"kind": "cnn", "channels": [6, 9], "hidden": [20]}"#;
pub const CNN_NORM: &str =
    r#"{"kind": "cnn", "channels": [5], "kernel": 5, "hidden": [17], "batch_norm": true}"#;
pub const RESNET: &str = r#"{"kind": "resnet", "depth": 8, "width": 4}"#;

/// Plain first, then 20 arms of every other method in turn, levels falling from 1.8 in steps of
/// 0.09, so that most are reached early.
pub fn every_method() -> Vec<Method> {
    let swept = (0..20).map(|i| {
        let x = f64::from(i);
        let b = 1.8 - 0.09 * x;
        match i % 5 {
            0 => Method::Flood { b },
            1 => Method::Iflood { b },
            2 => Method::Softad { b },
            3 => Method::Alternating { descent: 0.1, ascent: 0.005 * x },
            _ => Method::GradientPenalty { lambda: 0.01 * x, rho: 0.05 },
        }
    });
    std::iter::once(Method::Plain).chain(swept).collect()
}

/// Keeps all rows and orders stops.
#[derive(Default)]
pub struct Recorder {
    pub rows: Vec<ReportRow>,
    /// What to answer when the rows of an epoch come.
    pub stops: HashMap<u32, Vec<Stop>>,
    pub abandoned: bool,
    /// How often rows came.
    pub calls: usize,
}

impl Progress for Recorder {
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop> {
        let stops = rows.first().and_then(|row| self.stops.remove(&row.epoch));
        self.rows.extend(rows);
        self.calls += 1;
        stops.unwrap_or_default()
    }

    fn abandoned(&self) -> bool {
        self.abandoned
    }
}

/// One family's arms under one recipe, and the checkpoints met so far.
pub struct World {
    pub recipe: Recipe,
    pub family: Family,
    pub arms: Vec<Method>,
    pub data: Data,
    pub machine: Machine,
    pub checkpoints: HashMap<Digest, Bytes>,
    /// Which way the metric is better whose best epochs are kept.
    pub direction: Direction,
}

impl World {
    pub fn new(recipe: &Recipe, seed: u32, arms: &[Method]) -> Self {
        Self::with_data(recipe, seed, arms, data::load(&recipe.dataset, seed, None).unwrap())
    }

    pub fn with_data(recipe: &Recipe, seed: u32, arms: &[Method], data: Data) -> Self {
        Self {
            family: Family { family: FamilyIx(0), seed, weight_decay: 0.0 },
            arms: arms.to_vec(),
            data,
            recipe: recipe.clone(),
            machine: Machine::default(),
            checkpoints: HashMap::new(),
            direction: Direction::Min,
        }
    }

    /// The same with pictures of so many channels, each a shade of what was the only one.
    pub fn coloured(mut self, channels: usize) -> Self {
        let data = &mut self.data;
        let dim = data.dim;
        let shades = |pixels: &[f32]| -> Vec<f32> {
            (1..=channels).flat_map(|c| pixels.iter().map(move |p| p / c as f32)).collect()
        };
        for Samples { features, .. } in [&mut data.train, &mut data.val, &mut data.test] {
            let features = features.to_floats();
            *features = features.chunks(dim).flat_map(shades).collect();
        }
        data.dim *= channels;
        data.image = data.image.map(|image| Image { channels: channels as u32, ..image });
        self
    }

    /// Steps of a whole run.
    pub fn steps(&self) -> u64 {
        self.recipe.steps_per_epoch() * u64::from(self.recipe.epochs)
    }

    /// A branch at the initial weights for each of `arms`.
    pub fn fresh(&self, arms: &[usize]) -> Vec<Branch> {
        let branch = |&arm| Branch::new(vec![ArmIx(arm as u16)], Start::Init);
        arms.iter().map(branch).collect()
    }

    pub fn try_run(
        &mut self,
        kind: SegmentKind,
        steps: std::ops::Range<u64>,
        branches: Vec<Branch>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Ended>, TrainError> {
        let segment = Segment {
            segment: SegmentId(0),
            family: FamilyIx(0),
            kind,
            from_step: steps.start,
            to_step: steps.end,
            metric: Default::default(),
            direction: self.direction,
            branches,
        };
        let job =
            Job { recipe: &self.recipe, family: &self.family, arms: &self.arms, segment: &segment };
        let ended = cohort::train(&self.machine, job, &self.data, &self.checkpoints, progress)?;
        for end in &ended {
            assert!(end.branch.checkpoints().all(|digest| end.blobs.contains_key(&digest)));
            self.checkpoints.extend(end.blobs.clone());
        }
        Ok(ended)
    }

    /// Trains `branches` over `steps`.
    pub fn run(
        &mut self,
        steps: std::ops::Range<u64>,
        branches: Vec<Branch>,
        progress: &mut dyn Progress,
    ) -> Vec<Ended> {
        self.try_run(SegmentKind::Train, steps, branches, progress).unwrap()
    }
}

/// The branches that resume where `ended` left off.
pub fn resume(ended: &[Ended]) -> Vec<Branch> {
    ended
        .iter()
        .map(|end| Branch {
            arms: end.branch.arms.clone(),
            start: Start::Checkpoint { digest: end.branch.checkpoint.unwrap() },
            onset_step: end.branch.onset_step,
            exposure: None,
            best: None,
            watch: vec![],
        })
        .collect()
}

/// Trains every arm from its initial weights to the end.
pub fn train(
    recipe: &Recipe,
    seed: u32,
    arms: &[Method],
    progress: &mut dyn Progress,
) -> Vec<Ended> {
    let mut world = World::new(recipe, seed, arms);
    let branches = world.fresh(&(0..arms.len()).collect::<Vec<_>>());
    world.run(0..world.steps(), branches, progress)
}
