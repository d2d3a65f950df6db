//! What checkpoints should hold, looked at before they are kept: what is no checkpoint of the recipe
//! could neither be trained on nor taken away as a model.

use super::{Driver, DriverError};
use crate::{blobs::verify, store::LeasedSegment};
use anyhow::Context as _;
use bytes::Bytes;
use floodgauge_protocol::{Digest, Recipe};

/// The longest account of what is wrong that is told, in characters: it may quote the file.
const MAX_WHY_CHARS: usize = 300;

impl Driver {
    /// Looks at what was sent as a checkpoint under a lease.
    ///
    /// # Errors
    /// [`DriverError::BadCheckpoint`] if it isn't one of the recipe;
    /// [`BlobError::Mismatch`](crate::blobs::BlobError::Mismatch) if it isn't even what its digest says.
    pub(super) async fn check_checkpoint(
        &self,
        leased: &LeasedSegment,
        digest: Digest,
        bytes: Bytes,
    ) -> Result<(), DriverError> {
        let sweep = self.sweep(leased.sweep).await;
        let sweep = sweep.map_err(|error| self.as_lease_error(leased.lease, error))?;
        let looked = tokio::task::spawn_blocking(move || {
            let Err(why) = check(&sweep.facts().spec().recipe, &bytes) else { return Ok(()) };
            verify(digest, &bytes).map_err(DriverError::Blob)?;
            Err(DriverError::BadCheckpoint(why.chars().take(MAX_WHY_CHARS).collect()))
        });
        looked.await.context("looking at a checkpoint ended").map_err(DriverError::Fault)?
    }
}

/// Checks that bytes are a checkpoint of a recipe, as far as this build and what is known of the
/// recipe's data tell.
#[cfg(feature = "worker")]
fn check(recipe: &Recipe, bytes: &[u8]) -> Result<(), String> {
    use floodgauge_worker::{checkpoint, cohort};
    let step = match cohort::layout_of(recipe) {
        Some(layout) => checkpoint::check(bytes, &layout).map_err(|error| error.to_string())?,
        None => checkpoint::check_format(bytes).map_err(|error| error.to_string())?,
    };
    check_step(recipe, step)
}

/// The same without the training library: that it is a file of arrays that tells its step.
#[cfg(not(feature = "worker"))]
fn check(recipe: &Recipe, bytes: &[u8]) -> Result<(), String> {
    /// As the training library has it.
    const MAX_HEADER_BYTES: u64 = 1 << 20;
    let header = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    if header.is_some_and(|header| header > MAX_HEADER_BYTES) {
        return Err(format!(
            "not a safetensors file: its header is beyond {MAX_HEADER_BYTES} bytes"
        ));
    }
    let file = safetensors::SafeTensors::deserialize(bytes)
        .map_err(|error| format!("not a safetensors file: {error}"))?;
    let step = file.tensor("progress.step").map_err(|error| error.to_string())?;
    let step: [u8; 8] = step.data().try_into().map_err(|_| "progress.step is not a number")?;
    check_step(recipe, u64::from_le_bytes(step))
}

/// Checks that a step is one of the recipe's. An extended sweep has more of them, never fewer.
fn check_step(recipe: &Recipe, step: u64) -> Result<(), String> {
    let steps = recipe.steps_per_epoch().saturating_mul(recipe.epochs.into());
    if steps > 0 && step > steps {
        return Err(format!("progress.step {step} is beyond the recipe's {steps}"));
    }
    Ok(())
}
