//! Names this build by what the bits of its arithmetic depend on: the compiler and how it was
//! asked to compile, the locked versions of all libraries, and the sources of the trainer.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

/// Beside `Cargo.toml`: the trainer, the recipes and data sets that it reads, the data that it holds.
const SOURCES: [&str; 5] = ["src", "protocol/src", "datasets/src", "data", "build.rs"];

/// How the compiler was asked to compile this crate. What the profile asks of other crates
/// stands in the workspace's manifest.
const SETTINGS: [&str; 5] =
    ["TARGET", "PROFILE", "OPT_LEVEL", "CARGO_CFG_TARGET_FEATURE", "CARGO_ENCODED_RUSTFLAGS"];

fn main() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    // The standard hasher may change with the compiler, which is part of what is hashed.
    let mut hasher = DefaultHasher::new();
    Command::new(env::var("RUSTC")?).arg("-vV").output()?.stdout.hash(&mut hasher);
    for name in SETTINGS {
        (name, env::var(name).ok()).hash(&mut hasher);
    }
    let mut files = BTreeSet::from([package.join("Cargo.toml")]);
    // The lock lies in the workspace's root, or in the package itself once it is packed.
    if let Some(root) = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file()) {
        files.extend([root.join("Cargo.lock"), root.join("Cargo.toml")]);
    }
    // A packed trainer comes without the protocol, which the lock then names.
    for source in SOURCES.map(|source| package.join(source)).iter().filter(|path| path.exists()) {
        watch(source);
        collect(source, &mut files)?;
    }
    for file in files {
        watch(&file);
        // Where the checkout lies makes no difference.
        file.strip_prefix(&package).ok().hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    println!("cargo::rustc-env=FLOODGAUGE_BUILD={:016x}", hasher.finish());
    Ok(())
}

/// Makes cargo run this again when `path`, or what lies in it, has changed.
fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// The files in `path`, or the file that it is.
fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
