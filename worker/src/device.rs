//! Where the arithmetic runs, and what its bits depend on.

use burn::tensor::Device;
use std::{num::NonZeroUsize, thread::available_parallelism};

/// The CPU with burn's `flex` backend, and how much of it to use.
#[derive(Clone, Debug)]
pub struct Machine {
    device: Device,
    threads: usize,
}

impl Machine {
    /// At most `threads` threads at a time; results don't depend on their number.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { device: Device::flex(), threads: threads.get() }
    }

    /// Where tensors live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many threads to use.
    pub fn threads(&self) -> usize {
        self.threads
    }
}

impl Default for Machine {
    /// A thread for each processor.
    fn default() -> Self {
        Self::new(available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// The most characters of a fingerprint.
const MOST: usize = 200;

/// What the bits of a training run depend on beside its recipe and seed: build, architecture,
/// instruction set, cache sizes (they set the block sizes of matrix products), device.
/// At most 200 characters; equal fingerprints give equal bits.
pub fn fingerprint() -> String {
    let mut text = format!(
        "floodgauge {} {} {} cache {} flex",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        instruction_set(),
        caches(),
    );
    text.truncate(MOST);
    text
}

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

/// The data caches of the first processor, `48K/2048K/…`; `unknown` where the system doesn't say.
fn caches() -> String {
    let read = |index: usize, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
        std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
    };
    let sizes: Vec<_> = (0..8)
        .filter(|&index| read(index, "type").is_some_and(|kind| kind != "Instruction"))
        .filter_map(|index| read(index, "size"))
        .collect();
    if sizes.is_empty() { "unknown".into() } else { sizes.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_repeats_and_fits_its_field() {
        let text = fingerprint();
        assert_eq!(text, fingerprint());
        assert!(text.is_ascii() && text.len() <= MOST, "{text}");
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    }
}
