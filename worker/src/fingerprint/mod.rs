//! What the bits of a training run depend on beside its recipe and seed.
//!
//! It names what computes, not what was written: a build whose arithmetic gives the same bits has
//! the same fingerprint, so that sweeps that an earlier one began go on with it. `sample` trains a little
//! of everything and looks at the bits.

mod sample;

use crate::device::Machine;
use floodgauge_protocol::Digest;
use sha2::{Digest as _, Sha256};
use std::hint::black_box;

/// The most characters of a fingerprint.
const MAX_CHARS: usize = 200;

/// The revision of our own arithmetic: one more whenever results change in a way that what is trained
/// here as a sample may not show, such as how a data set's file is read, or how a large matrix is cut.
const ARITHMETIC: u32 = 1;

/// What the bits of a training run depend on beside its recipe and seed: the bits of a small sample of
/// everything, the versions of the libraries that compute (see `build.rs`), platform, the C library's
/// mathematics, instruction set, cache sizes (they set the block sizes of matrix products), device. At most
/// 200 characters of ASCII; equal fingerprints give equal bits, if they end with `flex`. The number of
/// threads and the memory are not in it: no sum depends on how many members are trained at once, or where.
///
/// The first call of a process takes about as long as 100 mini-batches do.
pub fn fingerprint(machine: &Machine) -> String {
    // Elsewhere rounding depends on what is trained together: there it is the libraries alone.
    let (computed, devices) = match machine.is_exact() {
        true => (sample::bits(), ""),
        false => ("", env!("FLOODGAUGE_DEVICE_LIBRARIES")),
    };
    let mut build = Sha256::new();
    for part in [&ARITHMETIC.to_string(), env!("FLOODGAUGE_LIBRARIES"), devices, computed] {
        build.update(part);
        build.update("\n");
    }
    let build = Digest(build.finalize().into()).to_string();
    let text = format!(
        "floodgauge bits {} {}-{}{} libm {} {} cache {} {}",
        &build[..16],
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(target_env = "musl") { "-musl" } else { "" },
        mathematics(),
        instruction_set(),
        caches().unwrap_or_else(processor),
        machine.words(),
    );
    text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).take(MAX_CHARS).collect()
}

/// Tells one C library's mathematics from another's by what it computes.
///
/// Losses and their gradients go through `exp` and `ln`, synthetic data through more. IEEE 754
/// leaves the last bit of these to the library, Rust calls the system's, which is bound when the
/// program starts, and that chooses among its versions by the processor: neither the build nor a
/// version number would tell.
fn mathematics() -> String {
    let mut sum = Sha256::new();
    for step in 0..ARGUMENTS {
        // From e^-20 to e^20, unevenly, so that all bits of the argument vary.
        let exponent = (f64::from(step) / f64::from(ARGUMENTS) - 0.5) * 40.0;
        let x = black_box(exponent);
        let power = black_box(x.exp());
        for value in [power, power.ln(), x.sin(), x.cos()] {
            sum.update(value.to_bits().to_le_bytes());
        }
        let x = black_box(exponent as f32);
        let power = black_box(x.exp());
        for value in [power, power.ln()] {
            sum.update(value.to_bits().to_le_bytes());
        }
    }
    Digest(sum.finalize().into()).to_string()[..8].to_owned()
}

/// How many arguments each function is tried on.
const ARGUMENTS: u32 = 10_007;

#[cfg(target_arch = "x86_64")]
fn instruction_set() -> String {
    let found = [
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
    ];
    let names: Vec<_> = found.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    if names.is_empty() { "sse2".into() } else { names.join("+") }
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_set() -> String {
    "baseline".into()
}

/// The data caches of the first processor and how many processors share each, `48K:1/2048K:1/…`.
fn caches() -> Option<String> {
    let sizes: Vec<_> = (0..8)
        .filter_map(|index| {
            let read = |file| {
                let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
                std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
            };
            let shared = read("shared_cpu_list").map_or(1, |list| processors(&list));
            (read("type")? != "Instruction").then_some(format!("{}:{shared}", read("size")?))
        })
        .collect();
    (!sizes.is_empty()).then(|| sizes.join("/"))
}

/// How many processors a list such as `0-3,8` names.
fn processors(list: &str) -> usize {
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()?.saturating_sub(first.parse().ok()?) + 1)
    };
    list.split(',').filter_map(count).sum()
}

/// The processor's name, which implies its caches; `unknown` where the system doesn't say.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("unknown", |(_, name)| name.trim()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_repeats_and_fits_its_field() {
        let text = fingerprint(&Machine::default());
        assert_eq!(text, fingerprint(&Machine::default()));
        assert!(text.is_ascii() && text.len() <= MAX_CHARS, "{text}");
        assert!(!text.contains(env!("CARGO_PKG_VERSION")), "a release isn't an arithmetic: {text}");
        assert!(text.ends_with(" flex"), "nothing was cut off: {text}");
    }

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(["0", "0-3", "0-3,8", "0,32"].map(processors), [1, 4, 5, 2]);
    }
}
