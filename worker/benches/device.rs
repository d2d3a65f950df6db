//! Whether a device trains as the CPU does, and how fast: `make check-device DEVICE=cuda`.
//!
//! `device NAME` trains a sweep of small networks on the built-in digits there and on the CPU with
//! `flex`, compares losses and onsets, and prints what a step costs, as Markdown. It fails if they
//! are not alike: within what rounding does to a run, since the order of sums is the device's own.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Recorder, World};
use floodgauge_protocol::{
    ArmIx, Branch, Image, Method, MetricName, Recipe,
    segment::Start,
    work::{ReportRow, Stop},
};
use floodgauge_worker::{
    cohort::Progress,
    data::{Data, Features, Samples},
    device::{DeviceName, Machine},
    fingerprint::fingerprint,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{env::args, num::NonZeroUsize, process::ExitCode, time::Instant};

const EPOCHS: u32 = 24;
/// Epochs at the end over which losses are compared.
const CLOSING: u32 = 6;
/// Steps of an epoch whose time is taken.
const STEPS: usize = 40;

const MODELS: [(&str, &str); 2] = [
    ("mlp", r#"{"kind": "mlp", "hidden": [128, 128], "batch_norm": true}"#),
    ("cnn", r#"{"kind": "cnn", "channels": [8, 16], "hidden": [64]}"#),
];

/// Plain and the levels that share its run, then the methods that don't.
fn arms() -> Vec<Method> {
    vec![
        Method::Plain,
        Method::Flood { b: 0.8 },
        Method::Flood { b: 0.6 },
        Method::Flood { b: 0.4 },
        Method::Iflood { b: 0.3 },
        Method::Softad { b: 0.3 },
        Method::Alternating { descent: 0.1, ascent: 0.02 },
        Method::GradientPenalty { lambda: 0.01, rho: 0.05 },
    ]
}

/// Those that share it.
const SHARING: usize = 4;

/// How an arm did.
struct DeviceRun {
    method: Method,
    /// Validation losses of its epochs.
    losses: Vec<f64>,
    onset: Option<f64>,
}

impl DeviceRun {
    fn closing(&self) -> f64 {
        self.losses[self.losses.len() - CLOSING as usize..].iter().sum::<f64>() / f64::from(CLOSING)
    }
}

/// Trains a sweep; says too how often an arm left the trunk.
fn sweep(model: &str, machine: &Machine) -> Vec<DeviceRun> {
    let recipe: Recipe = serde_json::from_str(&format!(
        r#"{{"dataset": {{"name": "digits", "label_noise": 0.1}}, "model": {model},
            "optimizer": {{"kind": "sgd", "lr": 0.05, "momentum": 0.9}},
            "batch_size": 50, "epochs": {EPOCHS}}}"#
    ))
    .unwrap();
    let arms = arms();
    let mut world = World::new(&recipe, 0, &arms);
    world.machine = machine.clone();
    let ids = (0..SHARING).map(|arm| ArmIx(arm as u16)).collect();
    let alone: Vec<_> = (SHARING..arms.len()).collect();
    let branches = [Branch::new(ids, Start::Init)].into_iter().chain(world.fresh(&alone)).collect();
    let mut recorder = Recorder::default();
    let ended = world.run(0..world.steps(), branches, &mut recorder);
    let run = |(arm, method): (usize, &Method)| {
        let arm = ArmIx(arm as u16);
        let rows = recorder.rows.iter().filter(|row| row.arms.contains(&arm));
        let end = ended.iter().find(|end| end.branch.arms.contains(&arm)).unwrap();
        let onset = end.branch.onset_step;
        DeviceRun {
            method: *method,
            losses: rows
                .map(|row| row.metric(MetricName::val_loss()).finite().unwrap_or(f64::INFINITY))
                .collect(),
            onset: onset.map(|step| step as f64 / recipe.steps_per_epoch() as f64),
        }
    };
    arms.iter().enumerate().map(run).collect()
}

/// Prints two sweeps side by side, and counts where they aren't alike.
fn compare(what: &str, ours: &[DeviceRun], theirs: &[DeviceRun]) -> usize {
    let mut unlike = 0;
    for (ours, theirs) in ours.iter().zip(theirs) {
        let first = (ours.losses[0] - theirs.losses[0]).abs() / theirs.losses[0];
        let (closing, expected) = (ours.closing(), theirs.closing());
        let whole = ours.losses.len() == EPOCHS as usize;
        let early = match (ours.onset, theirs.onset) {
            (Some(a), Some(b)) => (a - b).abs() < 1.5,
            (a, b) => a.is_none() && b.is_none(),
        };
        // An epoch of rounding; then runs that go their own ways to the same place.
        let alike = whole && early && first < 0.02 && (closing - expected).abs() < 0.2 * expected;
        unlike += usize::from(!alike);
        println!(
            "| {what} | {} | {:.4} / {:.4} | {closing:.4} / {expected:.4} | {} / {} | {} |",
            ours.method,
            ours.losses[0],
            theirs.losses[0],
            epochs(ours.onset),
            epochs(theirs.onset),
            if alike { "alike" } else { "**unlike**" }
        );
    }
    unlike
}

fn epochs(onset: Option<f64>) -> String {
    onset.map_or("–".into(), |onset| format!("{onset:.2}"))
}

/// Hears when epochs end.
#[derive(Default)]
struct Clock(Vec<Instant>);

impl Progress for Clock {
    fn epoch(&mut self, _: Vec<ReportRow>) -> Vec<Stop> {
        self.0.push(Instant::now());
        Vec::new()
    }
}

/// Milliseconds of a step of `members` on random images; the first epoch warms up.
fn step_ms(model: &str, batch: usize, members: u16, machine: &Machine) -> f64 {
    let n = STEPS * batch;
    let recipe: Recipe = serde_json::from_str(&format!(
        r#"{{"dataset": {{"name": "mnist", "n_train": {n}, "n_val": 1}}, "model": {model},
            "optimizer": {{"kind": "sgd", "lr": 0.01, "momentum": 0.9}},
            "batch_size": {batch}, "epochs": 4}}"#
    ))
    .unwrap();
    let samples = |n: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
        Samples {
            features: Features::Floats((0..n * 784).map(|_| rng.random()).collect()),
            labels: (0..n).map(|_| rng.random_range(0..10)).collect(),
        }
    };
    let data = Data {
        dim: 784,
        image: Some(Image { channels: 1, height: 28, width: 28 }),
        classes: 10,
        train: samples(n),
        val: samples(1),
        test: samples(1),
    };
    let arms: Vec<_> = (0..members).map(|i| Method::Flood { b: 1e-4 * f64::from(i) }).collect();
    let mut world = World::with_data(&recipe, 0, &arms, data);
    world.machine = machine.clone();
    let branches = world.fresh(&(0..usize::from(members)).collect::<Vec<_>>());
    let mut clock = Clock::default();
    world.run(0..world.steps(), branches, &mut clock);
    let mut times: Vec<_> =
        clock.0.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    1e3 * times[times.len() / 2] / STEPS as f64
}

fn main() -> ExitCode {
    let name = args().skip(1).find(|arg| arg != "--bench").unwrap_or_else(|| "flex".into());
    let cpu = Machine::default();
    let opened = name.parse::<DeviceName>().and_then(|name| cpu.clone().on(name));
    let device = match opened {
        Ok(device) => device,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let blocks = |steps: usize| device.clone().in_blocks_of(NonZeroUsize::new(steps).unwrap());
    println!("{}\n", fingerprint(&device));

    println!("Losses in nats and onsets in epochs, there / with `flex`.\n");
    println!("| model, steps read at once | method | first epoch | closing | onset | |");
    println!("|---|---|---|---|---|---|");
    let mut unlike = 0;
    for (name, model) in MODELS {
        let expected = sweep(model, &cpu);
        for steps in [1, 16] {
            let began = Instant::now();
            let found = sweep(model, &blocks(steps));
            unlike += compare(&format!("{name}, {steps}"), &found, &expected);
            eprintln!("{name}, {steps} at once: {:.1} s", began.elapsed().as_secs_f64());
        }
    }

    println!("\nMilliseconds a step, of all members together.\n");
    println!("| model | members | flex | there, 1 read at once | there, 16 read at once |");
    println!("|---|---|---|---|---|");
    for (name, model, batch, members) in [
        ("784-256-256-10, batch 100", r#"{"kind": "mlp", "hidden": [256, 256]}"#, 100, 1),
        ("784-256-256-10, batch 100", r#"{"kind": "mlp", "hidden": [256, 256]}"#, 100, 20),
        ("784-2048-2048-10, batch 200", r#"{"kind": "mlp", "hidden": [2048, 2048]}"#, 200, 5),
        (
            "cnn 16, 32 on 28×28, batch 64",
            r#"{"kind": "cnn", "channels": [16, 32], "hidden": [128]}"#,
            64,
            5,
        ),
    ] {
        let flex = step_ms(model, batch, members, &cpu);
        let [one, many] = [1, 16].map(|steps| step_ms(model, batch, members, &blocks(steps)));
        println!("| {name} | {members} | {flex:.2} | {one:.2} | {many:.2} |");
    }
    println!("\n{unlike} of {} runs are unlike", 2 * MODELS.len() * arms().len());
    if unlike > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
