//! A little of everything, trained, and the bits that come of it.

use crate::{
    cohort::{self, Ended, Job, Progress},
    data,
    device::Machine,
};
use floodgauge_protocol::{
    ArmIx, Branch, Family, FamilyIx, Method, Recipe, Segment, SegmentId, SegmentKind, Start,
    work::{ReportRow, Stop},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// Each model, optimiser, schedule and built-in data set once, at sizes that don't fit what kernels are
/// unrolled by.
const RECIPES: [&str; 6] = [
    r#"{"dataset": {"name": "digits", "label_noise": 0.1, "n_train": 203, "n_val": 61},
        "model": {"kind": "mlp", "hidden": [33, 65], "batch_norm": true},
        "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": true,
                      "schedule": {"kind": "cosine", "warmup": 1}},
        "batch_size": 32, "epochs": 2}"#,
    r#"{"dataset": {"name": "two_gaussians", "n_train": 150, "n_val": 50},
        "model": {"kind": "mlp", "hidden": [17]},
        "optimizer": {"kind": "adamw", "lr": 0.02, "schedule": {"kind": "step", "every": 1, "factor": 0.7}},
        "batch_size": 32, "epochs": 2}"#,
    r#"{"dataset": {"name": "spiral", "label_noise": 0.05, "n_train": 150, "n_val": 50},
        "model": {"kind": "mlp", "hidden": [20, 9]}, "optimizer": {"kind": "adam", "lr": 0.02},
        "batch_size": 50, "epochs": 2}"#,
    r#"{"dataset": {"name": "sinusoid", "n_train": 100, "n_val": 50},
        "model": {"kind": "mlp", "hidden": []}, "optimizer": {"kind": "sgd", "lr": 0.3},
        "batch_size": 25, "epochs": 1}"#,
    r#"{"dataset": {"name": "digits", "n_train": 90, "n_val": 40},
        "model": {"kind": "cnn", "channels": [5, 9], "hidden": [17], "batch_norm": true},
        "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9}, "batch_size": 32, "epochs": 1}"#,
    r#"{"dataset": {"name": "digits", "n_train": 64, "n_val": 20},
        "model": {"kind": "resnet", "depth": 8, "width": 4},
        "optimizer": {"kind": "sgd", "lr": 0.1}, "batch_size": 32, "epochs": 1}"#,
];

/// Matrices so large that they are cut into blocks. Plain training alone goes through all of these, and takes
/// less memory.
const LARGE: &str = r#"{"dataset": {"name": "digits", "n_train": 256, "n_val": 128},
        "model": {"kind": "mlp", "hidden": [784, 512]}, "optimizer": {"kind": "sgd", "lr": 0.1},
        "batch_size": 128, "epochs": 1}"#;

/// Plain, and each method at a level that is met early.
const METHODS: [Method; 6] = [
    Method::Plain,
    Method::Flood { b: 1.5 },
    Method::Iflood { b: 1.5 },
    Method::Softad { b: 1.5 },
    Method::Alternating { descent: 0.1, ascent: 0.005 },
    Method::GradientPenalty { lambda: 0.01, rho: 0.05 },
];

/// All rows, and the digests of all checkpoints, which have the bits of everything else. They are the
/// same whenever the same program computes them on the same machine, so a process does so once.
pub(super) fn bits() -> &'static str {
    static BITS: OnceLock<String> = OnceLock::new();
    BITS.get_or_init(|| {
        let mut all = Sha256::new();
        let each = RECIPES.iter().map(|recipe| (*recipe, &METHODS[..]));
        for (recipe, methods) in each.chain([(LARGE, &METHODS[..1])]) {
            // A build that can't train these has an arithmetic of its own.
            all.update(train(recipe, methods).unwrap_or_else(|error| error));
        }
        floodgauge_protocol::Digest(all.finalize().into()).to_string()
    })
}

fn train(recipe: &str, methods: &[Method]) -> Result<String, String> {
    let recipe: Recipe = serde_json::from_str(recipe).map_err(|error| error.to_string())?;
    let family = Family { family: FamilyIx(0), seed: 3, weight_decay: 0.01 };
    let data = data::load(&recipe.dataset, family.seed, None).map_err(|error| error.to_string())?;
    let arms = (0..methods.len() as u16).map(ArmIx);
    let segment = Segment {
        segment: SegmentId(0),
        family: family.family,
        kind: SegmentKind::Train,
        from_step: 0,
        to_step: recipe.steps_per_epoch() * u64::from(recipe.epochs),
        metric: Default::default(),
        direction: Default::default(),
        branches: arms.map(|arm| Branch::new(vec![arm], Start::Init)).collect(),
    };
    let job = Job { recipe: &recipe, family: &family, arms: methods, segment: &segment };
    let rows = Rows::default();
    let machine = Machine::new(NonZeroUsize::MIN);
    let mut heard = &rows;
    let ended = cohort::train(&machine, job, &data, &HashMap::new(), &mut heard)
        .map_err(|error| error.to_string())?;
    let rows = rows.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let digests = |ended: &Ended| ended.blobs.keys().copied().collect::<Vec<_>>();
    let states: Vec<_> = ended.iter().flat_map(digests).collect();
    serde_json::to_string(&(rows, states)).map_err(|error| error.to_string())
}

/// Keeps all rows.
#[derive(Default)]
struct Rows(Mutex<Vec<ReportRow>>);

impl Progress for &Rows {
    fn epoch(&mut self, rows: Vec<ReportRow>) -> Vec<Stop> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
        vec![]
    }

    // How long it took is nobody's concern.
    fn spent(&mut self, _: Duration, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_of_the_sample_can_be_trained() {
        for recipe in RECIPES.into_iter().chain([LARGE]) {
            let trained = train(recipe, &METHODS).unwrap();
            assert!(trained.contains("train_loss"), "{recipe}");
        }
    }

    #[test]
    fn another_rate_in_its_last_digits_gives_other_bits() {
        let other = RECIPES[2].replace("0.02", "0.020000001");
        let train = |recipe| train(recipe, &METHODS);
        assert_ne!(train(RECIPES[2]), train(&other));
        assert_eq!(train(RECIPES[2]), train(RECIPES[2]));
    }
}
