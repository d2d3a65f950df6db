//! What a training step costs, as lines of JSON: `make bench-train` runs it beside PyTorch.
//!
//! `train CASE MEMBERS THREADS ROUNDS` trains a stack and prints milliseconds per member and step,
//! for each round; `train overhead THREADS ROUNDS` prints the share of an epoch that is neither
//! forward, backward, update nor the evaluation's forward.

use floodgauge_protocol::{
    ArmIx, Branch, Digest, Direction, Family, FamilyIx, Image, Method, MetricName, Recipe, Segment,
    SegmentId, SegmentKind,
    segment::Start,
    work::{ReportRow, Stop},
};
use floodgauge_worker::{
    cohort::{Ended, Job, Progress, train},
    data::{Data, Features, Samples},
    device::Machine,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::HashMap,
    env::args,
    error::Error,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps of an epoch, and so of a round.
const STEPS: usize = 20;

/// Hears how long epochs take.
#[derive(Default)]
struct Watch {
    epochs: Vec<Instant>,
    work: Duration,
    whole: Duration,
}

impl Progress for Watch {
    fn epoch(&mut self, _: Vec<ReportRow>) -> Vec<Stop> {
        self.epochs.push(Instant::now());
        Vec::new()
    }

    fn spent(&mut self, work: Duration, whole: Duration) {
        self.work += work;
        self.whole += whole;
    }
}

/// A case by its name: the recipe and its samples' size.
fn case(name: &str) -> Result<(String, usize, usize), Box<dyn Error>> {
    let sgd = r#"{"kind": "sgd", "lr": 0.01, "momentum": 0.9}"#;
    let adam = r#"{"kind": "adam", "lr": 0.001}"#;
    let (set, model, optimizer, batch, dim, classes) = match name {
        "mlp-64" => ("mnist", r#"{"kind": "mlp", "hidden": [128, 128]}"#, sgd, 50, 64, 10),
        "mlp-784" => ("mnist", r#"{"kind": "mlp", "hidden": [256, 256]}"#, sgd, 100, 784, 10),
        "mlp-norm" => (
            "spiral",
            r#"{"kind": "mlp", "hidden": [500, 500, 500, 500], "batch_norm": true}"#,
            adam,
            100,
            2,
            2,
        ),
        "cnn" => {
            ("mnist", r#"{"kind": "cnn", "channels": [16, 32], "hidden": [128]}"#, sgd, 64, 784, 10)
        }
        _ => return Err(format!("no case {name}").into()),
    };
    let n_train = STEPS * batch;
    let recipe = format!(
        r#"{{"dataset": {{"name": "{set}", "n_train": {n_train}, "n_val": 1}}, "model": {model},
            "optimizer": {optimizer}, "batch_size": {batch}, "epochs": 100000}}"#
    );
    Ok((recipe, dim, classes))
}

fn samples(n: usize, dim: usize, classes: usize, seed: u64) -> Samples {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Samples {
        features: Features::Floats((0..n * dim).map(|_| rng.random()).collect()),
        labels: (0..n).map(|_| rng.random_range(0..classes) as u8).collect(),
    }
}

/// Trains `members` arms over `steps` from where `branches` left off; gives where they are then.
fn advance(
    machine: &Machine,
    recipe: &Recipe,
    data: &Data,
    members: u16,
    from: (u64, Vec<(Digest, bytes::Bytes)>),
    to_step: u64,
    watch: &mut Watch,
) -> Result<Vec<(Digest, bytes::Bytes)>, Box<dyn Error>> {
    let (from_step, checkpoints) = from;
    let family = Family { family: FamilyIx(0), seed: 0, weight_decay: 0.0 };
    let levels = (0..members).map(|i| Method::Flood { b: 1e-4 * f64::from(i) });
    let arms: Vec<_> = levels.collect();
    let start = |arm: u16| match checkpoints.get(usize::from(arm)) {
        Some((digest, _)) => Start::Checkpoint { digest: *digest },
        None => Start::Init,
    };
    let branch = |arm| Branch::new(vec![ArmIx(arm)], start(arm));
    let segment = Segment {
        segment: SegmentId(0),
        family: FamilyIx(0),
        kind: SegmentKind::Train,
        metric: MetricName::default(),
        direction: Direction::default(),
        from_step,
        to_step,
        branches: (0..members).map(branch).collect(),
    };
    let job = Job { recipe, family: &family, arms: &arms, segment: &segment };
    let checkpoints: HashMap<_, _> = checkpoints.iter().cloned().collect();
    let ended = train(machine, job, data, &checkpoints, watch)?;
    let checkpoint = |end: Ended| {
        let digest = end.branch.checkpoint.ok_or("a run diverged")?;
        Ok((digest, end.blobs[&digest].clone()))
    };
    ended.into_iter().map(checkpoint).collect()
}

fn machine(threads: &str) -> Result<Machine, Box<dyn Error>> {
    Ok(Machine::new(threads.parse::<NonZeroUsize>()?))
}

fn step_cost(name: &str, members: &str, threads: &str, rounds: &str) -> Result<(), Box<dyn Error>> {
    let (recipe, dim, classes) = case(name)?;
    let recipe: Recipe = serde_json::from_str(&recipe)?;
    let (members, rounds): (u16, usize) = (members.parse()?, rounds.parse()?);
    let data = Data {
        dim,
        image: (dim == 784).then_some(Image { channels: 1, height: 28, width: 28 }),
        classes,
        train: samples(STEPS * recipe.batch_size as usize, dim, classes, 1),
        val: samples(1, dim, classes, 2),
        test: samples(1, dim, classes, 3),
    };
    let mut watch = Watch::default();
    // The first epoch warms up.
    let steps = (STEPS * (rounds + 1)) as u64;
    advance(&machine(threads)?, &recipe, &data, members, (0, vec![]), steps, &mut watch)?;
    for pair in watch.epochs.windows(2) {
        let ms = 1e3 * (pair[1] - pair[0]).as_secs_f64() / (STEPS as f64 * f64::from(members));
        println!("{}", serde_json::json!({ "case": name, "members": members, "ms": ms }));
    }
    Ok(())
}

/// Segments that each begin with their checkpoints and end with new ones: of one epoch and of ten on 4,000
/// samples with 2,000 to validate on, and of one epoch on as much as MNIST has.
fn overhead(threads: &str, rounds: &str) -> Result<(), Box<dyn Error>> {
    let (recipe, dim, classes) = case("mlp-784")?;
    let mut recipe: Recipe = serde_json::from_str(&recipe)?;
    let machine = machine(threads)?;
    for (members, epochs, [n_train, n_val]) in [
        (1, 1, [4_000, 2_000]),
        (20, 1, [4_000, 2_000]),
        (1, 10, [4_000, 2_000]),
        (20, 10, [4_000, 2_000]),
        (1, 1, [48_000, 12_000]),
        (20, 1, [48_000, 12_000]),
    ] {
        recipe.dataset.n_train = Some(n_train);
        let data = Data {
            dim,
            image: None,
            classes,
            train: samples(n_train as usize, dim, classes, 1),
            val: samples(n_val as usize, dim, classes, 2),
            test: samples(1, dim, classes, 3),
        };
        let (mut at, mut state) = (0, vec![]);
        for round in 0..=rounds.parse::<u64>()? {
            let (mut watch, to) = (Watch::default(), at + epochs * recipe.steps_per_epoch());
            state = advance(&machine, &recipe, &data, members, (at, state), to, &mut watch)?;
            at = to;
            if round > 0 {
                let share = 1.0 - watch.work.as_secs_f64() / watch.whole.as_secs_f64();
                let line = serde_json::json!({ "case": "overhead", "members": members,
                    "epochs": epochs, "samples": n_train, "share": share });
                println!("{line}");
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["overhead", threads, rounds] => overhead(threads, rounds),
        [case, members, threads, rounds] => step_cost(case, members, threads, rounds),
        _ => Err("train CASE MEMBERS THREADS ROUNDS, or train overhead THREADS ROUNDS".into()),
    }
}
