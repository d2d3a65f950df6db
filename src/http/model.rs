//! The model that a trial arrived at.
//!
//! A checkpoint is a safetensors file that holds all that an exact resume needs. Whoever wants to
//! use the model needs its weights and running statistics; the state of the optimiser and the
//! place in the run stay behind, and the file says instead what it is of.

use super::{
    access::Asker,
    blobs::Octets,
    extract::TrialPath,
    openapi::{BadModel, NoModel},
    problem::Problem,
    state::AppState,
    stored, sweeps,
};
use crate::{blobs::BlobError, driver::DriverError, scheduler::Trial, store::SweepRow};
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use floodgauge_protocol::{Arm, At, Digest, SweepSpec};
use futures::StreamExt as _;
use safetensors::SafeTensors;
use serde_json::json;
use std::{
    collections::HashMap,
    fmt,
    io::{Seek as _, Write as _},
};
use tokio_util::io::ReaderStream;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(model))
}

/// Beginnings of the names of arrays that are no part of the model.
const NOT_THE_MODEL: [&str; 2] = ["optimizer.", "progress."];

/// The longest file that is held in memory while it is sent, in bytes.
const MAX_HELD_BYTES: usize = 1 << 20;

/// The key of the file's metadata under which it says what it is of, as JSON.
const METADATA: &str = "floodgauge";

/// Take a trial's model
///
/// A safetensors file with the model's weights and running statistics as they were at the epoch at
/// which the sweep's objective is read: the best, or the newest that there is a checkpoint of.
#[utoipa::path(
    get,
    path = "/v1/trials/{id}/model",
    operation_id = "getModel",
    tag = "sweeps",
    params(("id" = String, Path, description = "The trial: the sweep's id, the family and the arm",
            example = "019b76da-a800-7000-8000-000000000000.0.7")),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Octets,
         description = "The model",
         headers(("content-disposition" = String, description = "A name for the file"))),
        NoModel, BadModel,
    )
)]
async fn model(
    State(state): State<AppState>,
    Asker(asker): Asker,
    TrialPath { sweep, trial: key }: TrialPath,
) -> Result<Response, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    let spec = stored::spec(&row)?;
    let id = format!("{sweep}.{key}");
    let absent = |what: &str| Problem::NotFound(format!("{what} of trial {id}"));
    if row.checkpoints_dropped {
        // The log knows of it still, and its blob is there until the next collection.
        return Err(absent("checkpoint"));
    }
    let trials = state.driver.store().trials(sweep).await?;
    let stored = trials.iter().find(|row| row.trial == key).ok_or_else(|| absent("row"))?;
    let replayed = stored::replayed(&state.driver, sweep).await?;
    let read = match replayed.as_ref().and_then(|replayed| replayed.facts().trial(key)) {
        Some(trial) => read_out(trial, spec.search.objective.at, spec.recipe.steps_per_epoch()),
        // Another version's decisions: the newest checkpoint is known all the same.
        None => stored.checkpoint.map(|digest| (stored.epochs.into(), digest)),
    };
    let (epoch, digest) = read.ok_or_else(|| absent("checkpoint"))?;
    let unreadable = |why: &dyn fmt::Display| {
        tracing::warn!(%sweep, trial = %key, %digest, error = %why, "a checkpoint can't be read");
        Problem::Conflict(format!("the checkpoint of trial {id} can't be read: {why}"))
    };
    let place = state.places.exports.take(asker).await;
    let checkpoint = match state.driver.blobs().get(digest).await {
        Ok(Some(checkpoint)) => checkpoint,
        Ok(None) | Err(BlobError::Damaged(_)) => {
            tracing::warn!(%sweep, trial = %key, %digest, "a checkpoint is lost or damaged");
            let why = format!("the checkpoint of trial {id} is lost or damaged on the server");
            return Err(Problem::CheckpointDamaged(why));
        }
        Err(error) => return Err(error.into()),
    };
    let space = stored::space(&row)?;
    let family = space.families.get(key.family.ix()).ok_or_else(|| absent("family"))?;
    let arm = space.arms.get(key.arm.ix()).ok_or_else(|| absent("arm"))?;
    let arm = Arm::new(key.arm, *arm);
    // The fields of 0.1.0, which called the name `arm`: a model has the same bytes for ever.
    let of = json!({
        "trial": id,
        "sweep": row.name,
        "arm": arm.name,
        "method": arm.method,
        "b": arm.b,
        "seed": family.seed,
        "weight_decay": family.weight_decay,
        "epoch": epoch,
        "dataset": spec.recipe.dataset.name,
        "model": spec.recipe.model,
    });
    let file = only_the_model(&checkpoint, of.to_string());
    let file = file.map_err(|error| unreadable(&error))?;
    drop(checkpoint);
    let length = file.len();
    let body =
        if length > MAX_HELD_BYTES { aside_of_memory(file, place).await? } else { file.into() };
    let name = format!("{}-{key}.safetensors", file_name(&row, &spec));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, body).into_response())
}

/// A file that is sent from a nameless one of `TMPDIR`, so that slow clients keep none in memory; `kept`
/// is dropped once it is sent.
async fn aside_of_memory(file: Vec<u8>, kept: impl Send + 'static) -> Result<Body, Problem> {
    let written = tokio::task::spawn_blocking(move || {
        let mut written = tempfile::tempfile()?;
        written.write_all(&file)?;
        written.rewind()?;
        Ok(written)
    });
    let written: std::io::Result<_> = written.await.unwrap_or_else(|error| Err(error.into()));
    let fault = |error| Problem::from(DriverError::Fault(anyhow::Error::new(error)));
    let file = tokio::fs::File::from_std(written.map_err(fault)?);
    let chunks = ReaderStream::new(file).map(move |chunk| {
        let _ = &kept;
        chunk
    });
    Ok(Body::from_stream(chunks))
}

/// The epochs done at the checkpoint that an objective read `at` this moment is of, and its digest.
fn read_out(trial: &Trial, at: At, steps_per_epoch: u64) -> Option<(u64, Digest)> {
    let newest = trial.checkpoint.map(|digest| (trial.saved_step / steps_per_epoch.max(1), digest));
    let best = trial.best.map(|best| (u64::from(best.epoch), best.checkpoint));
    match at {
        At::Last => newest,
        At::Best => best.or(newest),
    }
}

/// The arrays of a checkpoint that are the model's, as a file that says `of` what it is.
fn only_the_model(checkpoint: &[u8], of: String) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let all = SafeTensors::deserialize(checkpoint)?;
    let others = |name: &str| NOT_THE_MODEL.iter().any(|other| name.starts_with(other));
    let kept = all.iter().filter(|(name, _)| !others(name));
    safetensors::serialize(kept, Some(HashMap::from([(METADATA.into(), of)])))
}

/// The sweep's name as far as every file system and header takes it, else that of its data set.
fn file_name(row: &SweepRow, spec: &SweepSpec) -> String {
    let words = |text: &str| {
        let parts =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("-").chars().take(80).collect::<String>()
    };
    Some(words(&row.name))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| words(&spec.recipe.dataset.name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::work::BestEpoch;
    use safetensors::{Dtype, tensor::TensorView};

    #[test]
    fn the_state_of_the_optimiser_and_the_place_in_the_run_stay_behind() {
        let data = 0.5f32.to_le_bytes();
        let view = || TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        let names = ["layers.0.weight", "optimizer.momentum.layers.0.weight", "progress.step"];
        let checkpoint = safetensors::serialize(names.map(|name| (name, view())), None).unwrap();
        let file = only_the_model(&checkpoint, "{}".into()).unwrap();
        let read = SafeTensors::deserialize(&file).unwrap();
        assert_eq!(read.names(), ["layers.0.weight"]);
        assert_eq!(read.tensor("layers.0.weight").unwrap().data(), data);
        let (_, header) = SafeTensors::read_metadata(&file).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()[METADATA], "{}");
    }

    #[test]
    fn what_is_no_checkpoint_is_an_error() {
        assert!(only_the_model(b"not one", "{}".into()).is_err());
    }

    #[test]
    fn the_checkpoint_is_that_at_which_the_objective_is_read() {
        let digest = |byte| Digest([byte; 32]);
        let blank = || Trial { saved_step: 80, checkpoint: Some(digest(1)), ..Trial::new() };
        let best = BestEpoch { epoch: 2, checkpoint: digest(2) };
        let with_best = Trial { best: Some(best), ..blank() };
        assert_eq!(read_out(&with_best, At::Last, 20), Some((4, digest(1))));
        assert_eq!(read_out(&with_best, At::Best, 20), Some((2, digest(2))));
        assert_eq!(read_out(&blank(), At::Best, 20), Some((4, digest(1))));
        assert_eq!(read_out(&Trial::new(), At::Last, 20), None);
    }
}
