//! What is to be trained.

use floodgauge_protocol::{Family, Method, Recipe, Segment, work::Assignment};

/// A leased segment with all that training it takes, beside data and checkpoints.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The recipe, its split filled in.
    pub recipe: &'a Recipe,
    /// The family of the segment.
    pub family: &'a Family,
    /// The sweep's arms, by index.
    pub arms: &'a [Method],
    /// The branches, and from where to where.
    pub segment: &'a Segment,
}

impl<'a> From<&'a Assignment> for Job<'a> {
    fn from(assignment: &'a Assignment) -> Self {
        Self {
            recipe: &assignment.recipe,
            family: &assignment.family,
            arms: &assignment.arms,
            segment: &assignment.segment,
        }
    }
}
