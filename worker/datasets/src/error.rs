//! Why a data set can't be read. Variants are what its reader may do about it.

use floodgauge_protocol::DatasetName;
use std::{
    io,
    path::{Path, PathBuf},
};

/// A data set that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// Files are not where they are looked for: put them there.
    #[error("{name} needs files that aren't there: {}{}", list(.files), spellings(.name))]
    Missing {
        /// As a recipe names it.
        name: DatasetName,
        /// The files to put there, as looked for.
        files: Vec<PathBuf>,
    },
    /// A file can't be read.
    #[error("{} can't be read", .path.display())]
    Read {
        /// The file that can't be used.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was read can't be put by: its writer's trouble.
    #[error("a data set can't be put by")]
    Write(#[source] io::Error),
    /// A file lies elsewhere, and a link leads there: copy it.
    #[error("{} leads out of the data folder {}; copy the file, or link the whole folder", .path.display(), .folder.display())]
    Outside {
        /// The file, as looked for.
        path: PathBuf,
        /// The data folder, as it was given.
        folder: PathBuf,
    },
    /// A file isn't what its name says: replace it.
    #[error("{} is not usable: {what}", .path.display())]
    Malformed {
        /// The file that can't be used.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// What can be read isn't what the set needs.
    #[error("{place} doesn't fit: {what}")]
    Mismatch {
        /// The file, or the part of it.
        place: String,
        /// What it holds, and what was expected.
        what: String,
    },
}

impl SetError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.into(), source }
    }

    pub(crate) fn malformed(path: &Path, what: impl ToString) -> Self {
        Self::Malformed { path: path.into(), what: what.to_string() }
    }
}

fn list(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// How else the files may come.
fn spellings(name: &DatasetName) -> &'static str {
    match name {
        DatasetName::Mnist | DatasetName::FashionMnist | DatasetName::Kmnist => {
            " (packed, .gz, or not)"
        }
        DatasetName::Cifar10 | DatasetName::Cifar100 => " (or the batches in it)",
        _ => "",
    }
}
