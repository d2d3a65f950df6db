//! How far a stage of a sweep has got, as the terminal shows it.

/// A stage of a sweep, as a bar shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageBar {
    /// What it is called.
    pub name: String,
    /// Epochs of trials that are done.
    pub done: u64,
    /// Epochs of trials that are to do; none while nothing was sent to it.
    pub total: u64,
    /// What it waits for while nothing was sent to it.
    pub waits: String,
    /// Of what the counts are.
    pub words: String,
}
