//! Trains recipes that an independent trainer recorded, and compares: `make check-grids`.
//!
//! `recorded_grids [NAME…] [--seeds N]` prints a line of Markdown for each figure, and fails if one lies
//! too far from the recorded one. As many seeds are trained as were recorded, five, unless it is
//! told how many. Files of data sets lie in the folder that `FLOODGAUGE_DATA` names, or in
//! `data` in the checkout.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::grid::{BOUND, Recorded, words};
use std::{env::args, path::PathBuf, process::ExitCode, time::Instant};

/// The recordings by their names.
const GRIDS: [(&str, &str); 4] = [
    ("digits-mlp-noise20", include_str!("../tests/data/digits-mlp-noise20.json")),
    ("mnist4k-mlp", include_str!("../tests/data/mnist4k-mlp.json")),
    ("spiral-noise5", include_str!("../tests/data/spiral-noise5.json")),
    ("two-gaussians-noise10", include_str!("../tests/data/two-gaussians-noise10.json")),
];

fn main() -> ExitCode {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../data");
    let folder = std::env::var_os("FLOODGAUGE_DATA").map_or(beside, PathBuf::from);
    let mut asked: Vec<String> = args().skip(1).filter(|arg| arg != "--bench").collect();
    let seeds = asked.iter().position(|arg| arg == "--seeds").map(|at| {
        asked.remove(at);
        let number = (at < asked.len()).then(|| asked.remove(at).parse().ok()).flatten();
        number.filter(|&seeds: &u32| seeds > 1).expect("two seeds or more behind --seeds")
    });
    let known = |asked: &String| GRIDS.iter().any(|(name, _)| name == asked);
    assert!(asked.iter().all(known), "no such recording among {asked:?}");
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let (mut figures, mut apart) = (0, 0);
    println!("| recording | figure | ours | recorded | standard errors apart |");
    println!("|---|---|---|---|---|");
    for (name, text) in GRIDS.into_iter().filter(|(name, _)| is_asked(name)) {
        let began = Instant::now();
        for compared in Recorded::read(text).compare(Some(&folder), seeds) {
            figures += 1;
            apart += usize::from(!compared.agrees());
            let (ours, theirs) = (words(&compared.ours), words(&compared.theirs));
            let (what, z) = (&compared.what, compared.apart());
            println!("| `{name}` | {what} | {ours} | {theirs} | {z:+.2} |");
        }
        eprintln!("{name}: {:.0} s", began.elapsed().as_secs_f64());
    }
    eprintln!("{apart} of {figures} figures are {BOUND} standard errors or more apart");
    if figures == 0 || apart > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
