//! One branch as bytes: all that an exact resume needs.
//!
//! A safetensors file without metadata whose tensors are sorted by type and name, so that the same
//! state has the same bytes and the same digest.

use bytes::Bytes;
use floodgauge_protocol::Digest;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, collections::BTreeMap};

/// An array of 32-bit floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// `[rows, columns]` or `[columns]`; without the axis of members.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub values: Vec<f32>,
}

/// The names and shapes of a branch's arrays.
pub type Layout = BTreeMap<String, Vec<usize>>;

/// The whole state of one branch between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Weights, running statistics and optimiser state, by name.
    pub arrays: BTreeMap<String, Array>,
    /// Optimiser steps done.
    pub step: u64,
    /// What it has met on the way.
    pub tally: Tally,
}

/// What a run has met so far, for its reports.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// The sum of the mini-batch losses of an unfinished epoch, in nats.
    pub loss_sum: f64,
    /// Ascending steps done.
    pub flooded_steps: u64,
    /// Those of an unfinished epoch.
    pub flooded_in_epoch: u64,
}

impl Tally {
    /// The tally once the epoch is over and reported.
    pub fn after_epoch(self) -> Self {
        Self { flooded_steps: self.flooded_steps, ..Self::default() }
    }
}

/// Why bytes aren't a usable checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It isn't, or can't be made, a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(String),
    /// A tensor is absent.
    #[error("tensor {0} is missing")]
    Missing(String),
    /// A tensor is there that the recipe's model and optimiser don't have.
    #[error("tensor {0} is not expected")]
    Unexpected(String),
    /// A tensor has another type or shape.
    #[error("tensor {name} is {found}, not {expected}")]
    Shape {
        /// The array's name in the file.
        name: String,
        /// The type or shape that the file has.
        found: String,
        /// The type or shape that the recipe asks for.
        expected: String,
    },
}

const STEP: &str = "progress.step";
const LOSS_SUM: &str = "progress.loss_sum";
const FLOODED_STEPS: &str = "progress.flooded_steps";
const FLOODED_IN_EPOCH: &str = "progress.flooded_in_epoch";

impl State {
    /// The state as a file, and its digest.
    ///
    /// # Errors
    /// When an array's values don't fill its shape.
    pub fn to_bytes(&self) -> Result<(Bytes, Digest), CheckpointError> {
        let count = |value: u64| (Dtype::U64, &[][..], value.to_le_bytes().to_vec().into());
        let loss_sum = self.tally.loss_sum.to_le_bytes().to_vec().into();
        let mut tensors = BTreeMap::from([
            (STEP, count(self.step)),
            (LOSS_SUM, (Dtype::F64, &[][..], loss_sum)),
            (FLOODED_STEPS, count(self.tally.flooded_steps)),
            (FLOODED_IN_EPOCH, count(self.tally.flooded_in_epoch)),
        ]);
        for (name, array) in &self.arrays {
            tensors.insert(name, (Dtype::F32, &array.shape, little_endian(&array.values)));
        }
        let format = |e: safetensors::SafeTensorError| CheckpointError::Format(e.to_string());
        let views = tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                Ok((*name, TensorView::new(*dtype, shape.to_vec(), bytes).map_err(format)?))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let bytes = safetensors::serialize(views, None).map_err(format)?;
        let digest = Digest(Sha256::digest(&bytes).into());
        Ok((bytes.into(), digest))
    }

    /// Reads a file that must hold exactly the arrays of `layout`.
    ///
    /// # Errors
    /// When the bytes are anything else; never panics.
    pub fn from_bytes(bytes: &[u8], layout: &Layout) -> Result<Self, CheckpointError> {
        let file = open(bytes)?;
        refuse_unexpected(&file, layout)?;
        let arrays = layout
            .iter()
            .map(|(name, shape)| {
                let words = read::<4>(&file, name, Dtype::F32, shape)?;
                let values = words.iter().copied().map(f32::from_le_bytes).collect();
                Ok((name.clone(), Array { shape: shape.clone(), values }))
            })
            .collect::<Result<_, CheckpointError>>()?;
        let (step, tally) = progress(&file)?;
        Ok(Self { arrays, step, tally })
    }
}

/// Checks that a file holds exactly the arrays of `layout`, and copies none of them; answers the optimiser
/// steps done.
///
/// # Errors
/// When the bytes are anything else; never panics.
pub fn check(bytes: &[u8], layout: &Layout) -> Result<u64, CheckpointError> {
    let file = open(bytes)?;
    refuse_unexpected(&file, layout)?;
    for (name, shape) in layout {
        read::<4>(&file, name, Dtype::F32, shape)?;
    }
    progress(&file).map(|(step, _)| step)
}

/// The same where nobody knows which arrays there should be: that it is a file of arrays that tells how
/// far its run has got.
///
/// # Errors
/// When the bytes are anything else; never panics.
pub fn check_format(bytes: &[u8]) -> Result<u64, CheckpointError> {
    progress(&open(bytes)?).map(|(step, _)| step)
}

/// The longest beginning of a file, which lists its tensors, in bytes: the deepest model has a few hundred
/// arrays, each told in about a hundred bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;

fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, CheckpointError> {
    let header = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    if let Some(header) = header.filter(|header| *header > MAX_HEADER_BYTES) {
        let why = format!("its header of {header} bytes is longer than {MAX_HEADER_BYTES}");
        return Err(CheckpointError::Format(why));
    }
    SafeTensors::deserialize(bytes).map_err(|e| CheckpointError::Format(e.to_string()))
}

fn refuse_unexpected(file: &SafeTensors<'_>, layout: &Layout) -> Result<(), CheckpointError> {
    let progress = [STEP, LOSS_SUM, FLOODED_STEPS, FLOODED_IN_EPOCH];
    let known = |name: &str| layout.contains_key(name) || progress.contains(&name);
    match file.names().into_iter().filter(|name| !known(name)).min() {
        Some(name) => Err(CheckpointError::Unexpected(name.to_owned())),
        None => Ok(()),
    }
}

/// How far the run of a file has got.
fn progress(file: &SafeTensors<'_>) -> Result<(u64, Tally), CheckpointError> {
    let scalar = |name, dtype| {
        let words = read::<8>(file, name, dtype, &[])?;
        words.first().copied().ok_or_else(|| CheckpointError::Missing(name.to_owned()))
    };
    // Files from before steps were counted lack these.
    let count = |name| match scalar(name, Dtype::U64) {
        Err(CheckpointError::Missing(_)) => Ok(0),
        word => word.map(u64::from_le_bytes),
    };
    let tally = Tally {
        loss_sum: f64::from_le_bytes(scalar(LOSS_SUM, Dtype::F64)?),
        flooded_steps: count(FLOODED_STEPS)?,
        flooded_in_epoch: count(FLOODED_IN_EPOCH)?,
    };
    Ok((u64::from_le_bytes(scalar(STEP, Dtype::U64)?), tally))
}

/// The values in their order, each in 4 bytes; those in memory where they are so already.
fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytemuck::cast_slice(values));
    }
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The values of tensor `name`, each in `N` bytes.
fn read<'a, const N: usize>(
    file: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<&'a [[u8; N]], CheckpointError> {
    let view = file.tensor(name).map_err(|_| CheckpointError::Missing(name.to_owned()))?;
    if view.dtype() != dtype || view.shape() != shape {
        return Err(CheckpointError::Shape {
            name: name.to_owned(),
            found: format!("{:?} {:?}", view.dtype(), view.shape()),
            expected: format!("{dtype:?} {shape:?}"),
        });
    }
    Ok(view.data().as_chunks::<N>().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> State {
        let array = |n: usize| Array { shape: vec![n], values: vec![0.5; n] };
        State {
            arrays: [("b".into(), array(2)), ("a".into(), array(3))].into(),
            step: 7,
            tally: Tally { loss_sum: 1.25, flooded_steps: 5, flooded_in_epoch: 2 },
        }
    }

    fn layout(state: &State) -> Layout {
        state.arrays.iter().map(|(name, array)| (name.clone(), array.shape.clone())).collect()
    }

    #[test]
    fn a_state_survives_its_file_and_its_digest_repeats() {
        let state = state();
        let (bytes, digest) = state.to_bytes().unwrap();
        assert_eq!(State::from_bytes(&bytes, &layout(&state)).unwrap(), state);
        assert_eq!(state.clone().to_bytes().unwrap(), (bytes, digest));
        let later = State { step: 8, ..state };
        assert_ne!(later.to_bytes().unwrap().1, digest);
    }

    #[test]
    fn the_format_is_pinned_by_its_digest() {
        assert_eq!(
            state().to_bytes().unwrap().1.to_string(),
            "47a9fe09b17e18286b15b60eff603224958fdafeca3f2041ac2a29ecadce407b"
        );
    }

    #[test]
    fn files_without_counts_are_read_as_not_flooded_yet() {
        let state = state();
        let (bytes, _) = state.to_bytes().unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let counted = |name: &str| name == FLOODED_STEPS || name == FLOODED_IN_EPOCH;
        let older = file.tensors().into_iter().filter(|(name, _)| !counted(name));
        let older = safetensors::serialize(older, None).unwrap();
        let read = State::from_bytes(&older, &layout(&state)).unwrap();
        assert_eq!(read, State { tally: Tally { loss_sum: 1.25, ..Tally::default() }, ..state });
    }

    #[test]
    fn values_that_do_not_fill_their_shape_are_an_error() {
        let mut state = state();
        state.arrays.insert("c".into(), Array { shape: vec![2], values: vec![1.0] });
        assert!(matches!(state.to_bytes(), Err(CheckpointError::Format(_))));
    }

    #[test]
    fn a_check_tells_the_step_and_what_reading_tells() {
        let state = state();
        let (bytes, _) = state.to_bytes().unwrap();
        assert_eq!(check(&bytes, &layout(&state)).unwrap(), 7);
        assert_eq!(check_format(&bytes).unwrap(), 7);
        let mut other = layout(&state);
        other.insert("a".into(), vec![3, 1]);
        assert!(matches!(check(&bytes, &other), Err(CheckpointError::Shape { .. })));
        other.remove("a");
        assert!(matches!(check(&bytes, &other), Err(CheckpointError::Unexpected(_))));
        assert!(matches!(check_format(b"not one"), Err(CheckpointError::Format(_))));
        // A list of tensors that would take long to read is not begun with.
        let long = [&(2u64 << 20).to_le_bytes()[..], &vec![b' '; 2 << 20]].concat();
        let refused = check_format(&long).unwrap_err().to_string();
        assert!(refused.contains("2097152 bytes is longer than 1048576"), "{refused}");
    }

    #[test]
    fn other_names_and_shapes_are_refused() {
        let state = state();
        let (bytes, _) = state.to_bytes().unwrap();
        let mut more = layout(&state);
        more.insert("c".into(), vec![1]);
        assert!(matches!(State::from_bytes(&bytes, &more), Err(CheckpointError::Missing(_))));
        let mut fewer = layout(&state);
        fewer.remove("a");
        assert!(matches!(State::from_bytes(&bytes, &fewer), Err(CheckpointError::Unexpected(_))));
        let mut other = layout(&state);
        other.insert("a".into(), vec![3, 1]);
        assert!(matches!(State::from_bytes(&bytes, &other), Err(CheckpointError::Shape { .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, header: Vec<u8>) {
            let layout = layout(&state());
            let _ = State::from_bytes(&bytes, &layout);
            let _ = (check(&bytes, &layout), check_format(&bytes));
            // Behind a length that fits, and one that doesn't.
            for length in [header.len() as u64, u64::MAX, u64::from(u32::MAX)] {
                let bytes = [&length.to_le_bytes()[..], &header, &bytes].concat();
                let _ = State::from_bytes(&bytes, &layout);
            }
        }

        #[test]
        fn damaged_files_never_panic(at in 0usize..200, byte: u8, keep in 0usize..400) {
            let state = state();
            let mut bytes = state.to_bytes().unwrap().0.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(keep);
            let _ = State::from_bytes(&bytes, &layout(&state));
        }
    }
}
