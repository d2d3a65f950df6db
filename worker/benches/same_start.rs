//! Trains recipes and writes down where each began, for PyTorch to begin there too:
//! `make check-torch`.
//!
//! `same_start FOLDER [SEEDS]` writes a safetensors file for each case and seed: training samples, initial
//! weights, and the losses of plain and of each flooded arm at every step. All steps see the whole
//! training set, so that no order of samples needs to be told.

#![allow(clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Recorder, World};
use floodgauge_protocol::{ArmIx, Branch, Method, Recipe, segment::Start};
use floodgauge_worker::models::{Architecture, Task};
use safetensors::{Dtype, tensor::TensorView};
use std::{collections::HashMap, env::args, path::Path};

const SEEDS: u32 = 5;

/// A name, the recipe, a weight decay, and levels from the highest on.
const CASES: [(&str, &str, f64, &[f64]); 5] = [
    (
        "spiral",
        r#"{"dataset": {"name": "spiral", "n_train": 100, "n_val": 100, "label_noise": 0.05},
            "model": {"kind": "mlp", "hidden": [500, 500, 500, 500], "batch_norm": true},
            "optimizer": {"kind": "adam", "lr": 0.001}, "batch_size": 100, "epochs": 80}"#,
        0.0,
        &[0.2, 0.1, 0.05],
    ),
    (
        "two-gaussians",
        r#"{"dataset": {"name": "two_gaussians", "n_train": 100, "n_val": 100, "label_noise": 0.1},
            "model": {"kind": "mlp", "hidden": [500, 500, 500, 500], "batch_norm": true},
            "optimizer": {"kind": "adam", "lr": 0.001}, "batch_size": 100, "epochs": 40}"#,
        0.0,
        &[0.2, 0.1, 0.05],
    ),
    (
        "digits-mlp",
        r#"{"dataset": {"name": "digits", "n_train": 500, "n_val": 100, "label_noise": 0.2},
            "model": {"kind": "mlp", "hidden": [128, 128]},
            "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": true},
            "batch_size": 500, "epochs": 240}"#,
        0.0005,
        &[1.0, 0.5, 0.2],
    ),
    (
        "digits-cnn",
        r#"{"dataset": {"name": "digits", "n_train": 300, "n_val": 100, "label_noise": 0.1},
            "model": {"kind": "cnn", "channels": [8, 16], "hidden": [32]},
            "optimizer": {"kind": "sgd", "lr": 0.05, "momentum": 0.9},
            "batch_size": 300, "epochs": 300}"#,
        0.0,
        &[1.0, 0.5, 0.2],
    ),
    (
        "digits-cnn-norm",
        r#"{"dataset": {"name": "digits", "n_train": 300, "n_val": 100, "label_noise": 0.1},
            "model": {"kind": "cnn", "channels": [8, 16], "hidden": [32], "batch_norm": true},
            "optimizer": {"kind": "adamw", "lr": 0.002}, "batch_size": 300, "epochs": 120}"#,
        0.1,
        &[1.0, 0.5, 0.2],
    ),
];

fn main() {
    let mut args = args().skip(1).filter(|arg| arg != "--bench");
    let folder = args.next().expect("a folder to write to");
    let seeds = args.next().map_or(SEEDS, |seeds| seeds.parse().expect("a number of seeds"));
    for (name, recipe, weight_decay, levels) in CASES {
        for seed in 0..seeds {
            let file = Path::new(&folder).join(format!("{name}-{seed}.safetensors"));
            write(&file, recipe, seed, weight_decay, levels);
        }
        eprintln!("{name}: {seeds} seeds trained");
    }
}

fn write(file: &Path, text: &str, seed: u32, weight_decay: f64, levels: &[f64]) {
    let recipe: Recipe = serde_json::from_str(text).unwrap();
    let flooded = levels.iter().map(|&b| Method::Flood { b });
    let arms: Vec<_> = std::iter::once(Method::Plain).chain(flooded).collect();
    let mut world = World::new(&recipe, seed, &arms);
    world.family.weight_decay = weight_decay;
    let mut arrays = begins(&world, seed);
    for (arm, losses) in trained(&mut world).into_iter().enumerate() {
        arrays.push((format!("losses.{arm}"), vec![losses.len()], losses));
    }
    let views = arrays.iter().map(|(name, shape, values)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(values)).unwrap())
    });
    let about = HashMap::from([
        ("recipe".to_owned(), text.to_owned()),
        ("weight_decay".to_owned(), weight_decay.to_string()),
        ("levels".to_owned(), serde_json::to_string(levels).unwrap()),
    ]);
    safetensors::serialize_to_file(views, Some(about), file).unwrap();
}

/// Names, shapes and values of the training samples and the initial weights.
fn begins(world: &World, seed: u32) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let data = &world.data;
    let task = Task { dim: data.dim, image: data.image, classes: data.classes };
    let start = Architecture::new(&world.recipe.model, task).unwrap().init(seed);
    let samples = data.train.len();
    let labels = data.train.labels.iter().map(|&label| f32::from(label)).collect();
    let samples = [
        (
            "features".to_owned(),
            vec![samples, data.dim],
            data.train.features.numbers(0..samples * data.dim),
        ),
        ("labels".to_owned(), vec![samples], labels),
    ];
    let start = start.into_iter().map(|(name, array)| (name, array.shape, array.values));
    samples.into_iter().chain(start).collect()
}

/// The training losses of each arm, all in one sweep.
fn trained(world: &mut World) -> Vec<Vec<f32>> {
    let arms: Vec<_> = (0..world.arms.len()).map(|arm| ArmIx(arm as u16)).collect();
    let mut recorder = Recorder::default();
    let steps = 0..world.steps();
    world.run(steps, vec![Branch::new(arms.clone(), Start::Init)], &mut recorder);
    let losses = |arm: &ArmIx| {
        let rows = recorder.rows.iter().filter(|row| row.arms.contains(arm));
        rows.map(|row| row.train_loss.finite().unwrap() as f32).collect()
    };
    arms.iter().map(losses).collect()
}
