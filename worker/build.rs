//! Names the libraries that compute, by their locked versions. What our own code gives shows in what it
//! trains as a sample (`src/fingerprint`); what libraries do at other sizes may not.

use std::{env, error::Error, fs, path::PathBuf};

/// What computes on the CPU, and draws random numbers.
const CPU: [&str; 19] = [
    "burn",
    "burn-autodiff",
    "burn-backend",
    "burn-core",
    "burn-flex",
    "burn-nn",
    "burn-std",
    "burn-tensor",
    "gemm",
    "gemm-common",
    "gemm-f32",
    "gemm-f64",
    "half",
    "libm",
    "macerator",
    "pulp",
    "rand",
    "rand_chacha",
    "rand_distr",
];

/// Beginnings of the names of what computes elsewhere.
const DEVICES: [&str; 7] =
    ["burn-cpu", "burn-cubecl", "burn-cuda", "burn-fusion", "burn-wgpu", "cubecl", "cubek"];

fn main() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    let target = format!("{} {}", env::var("TARGET")?, env::var("CARGO_CFG_TARGET_FEATURE")?);
    let (mut cpu, mut devices) = (vec![target], vec![]);
    // The lock lies in the workspace's root, or in the package itself once it is packed.
    if let Some(root) = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file()) {
        let lock = root.join("Cargo.lock");
        println!("cargo::rerun-if-changed={}", lock.display());
        let lock = fs::read_to_string(lock)?;
        for (name, version) in packages(&lock) {
            let library = format!("{name} {version}");
            if CPU.contains(&name) {
                cpu.push(library);
            } else if DEVICES.iter().any(|begins| name.starts_with(begins)) {
                devices.push(library);
            }
        }
    }
    println!("cargo::rustc-env=FLOODGAUGE_LIBRARIES={}", cpu.join(", "));
    println!("cargo::rustc-env=FLOODGAUGE_DEVICE_LIBRARIES={}", devices.join(", "));
    Ok(())
}

/// The names and versions of a lock's packages, in its order.
fn packages(lock: &str) -> impl Iterator<Item = (&str, &str)> {
    lock.split("[[package]]").filter_map(|package| {
        let value = |key: &str| {
            let mut values = package.lines().filter_map(|line| line.strip_prefix(key));
            values.next()?.strip_prefix(" = \"")?.strip_suffix('"')
        };
        Some((value("name")?, value("version")?))
    })
}
