//! Trains recipes that an independent trainer recorded, and compares: `make check-grids`.
//!
//! `recorded_grids [NAME…]` prints a line of Markdown for each figure, and fails if one lies too far
//! from the recorded one. Files of data sets lie in the folder that `FLOODGAUGE_DATA` names, or in
//! `../shared/data` beside the checkout.
//!
//! `--draws` trains on eight draws of each synthetic set instead, and compares onsets as if the
//! recorded seeds shared their training samples.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::grid::{BOUND, Recorded};
use std::{env::args, path::PathBuf, process::ExitCode, time::Instant};

/// The recordings by their names.
const GRIDS: [(&str, &str); 4] = [
    ("digits-mlp-noise20", include_str!("../tests/data/digits-mlp-noise20.json")),
    ("mnist4k-mlp", include_str!("../tests/data/mnist4k-mlp.json")),
    ("spiral-noise5", include_str!("../tests/data/spiral-noise5.json")),
    ("two-gaussians-noise10", include_str!("../tests/data/two-gaussians-noise10.json")),
];

/// Draws of samples for `--draws`.
const DRAWS: u32 = 8;

fn main() -> ExitCode {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("FLOODGAUGE_DATA").map_or(beside, PathBuf::from);
    let asked: Vec<String> = args().skip(1).filter(|arg| arg != "--bench").collect();
    let (flags, asked): (Vec<_>, Vec<_>) = asked.into_iter().partition(|arg| arg == "--draws");
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let (mut figures, mut apart) = (0, 0);
    println!(
        "| recording | figure | ours | recorded | standard errors apart | spread over seeds, ours and recorded |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, text) in GRIDS.into_iter().filter(|(name, _)| is_asked(name)) {
        let began = Instant::now();
        let recorded = Recorded::read(text);
        let compared = match flags.is_empty() {
            true => recorded.compare(Some(&folder)),
            false => recorded.compare_with_draws(DRAWS),
        };
        for compared in compared {
            figures += 1;
            apart += usize::from(!compared.agrees());
            let (ours, theirs, z) = (compared.ours, compared.theirs, compared.apart());
            let [spread, recorded] = compared.spreads;
            println!(
                "| `{name}` | {} | {:.4} ± {:.4} | {:.4} ± {:.4} | {z:+.2} | {spread:.3}, {recorded:.3} |",
                compared.what, ours.mean, ours.error, theirs.mean, theirs.error
            );
        }
        eprintln!("{name}: {:.0} s", began.elapsed().as_secs_f64());
    }
    eprintln!("{apart} of {figures} figures are {BOUND} standard errors or more apart");
    if figures == 0 || apart > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
