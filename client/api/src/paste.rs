//! What an answer comes to in a training script.

use serde::{Deserialize, Serialize};

/// The line of a training script that trains as the best arm does, in PyTorch's spelling, with what of the
/// recipe belongs beside it.
///
/// In it `loss` is the mean loss of the mini-batch. Where each sample counts by itself, `output` and
/// `target` are what the cross-entropy is of; `model` is what is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Paste {
    /// The line, to stand between the loss and its `backward()`.
    #[cfg_attr(feature = "openapi", schema(example = "loss = (loss - 0.2).abs() + 0.2"))]
    pub line: String,
    /// The recipe's learning rate, before its schedule.
    pub learning_rate: f64,
    /// The best arm's weight decay; the optimiser's, and no part of the loss.
    pub weight_decay: f64,
    /// Epochs of a full run.
    pub epochs: u32,
    /// What stands beside the line, in words.
    #[cfg_attr(feature = "openapi", schema(example = "at learning rate 0.1, for 100 epochs"))]
    pub words: String,
}
