//! How many members a stack may have, so that it fits in the memory.

mod groups;

use crate::{
    checkpoint::{Array, Layout, State, Tally},
    evaluate,
    models::{Architecture, Network},
};
use burn::tensor::Device;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Half of the memory that this process may have, in bytes: of the machine's, or of what a control group
/// leaves it, such as a container's, a systemd unit's or a Slurm job's.
pub fn half() -> u64 {
    system().total_memory().min(groups::limits().most) / 2
}

/// Bytes of memory that this process may still have, as far as the system tells.
pub fn available() -> u64 {
    system().available_memory().min(groups::limits().left)
}

fn system() -> System {
    let memory = MemoryRefreshKind::everything();
    System::new_with_specifics(RefreshKind::nothing().with_memory(memory))
}

/// Bytes that training takes, by upper bounds: what the allocator keeps for later is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// A member between two steps: weights, running statistics and what the optimiser keeps.
    state: u64,
    /// What a member has beside its state during a step or an evaluation.
    step: u64,
}

/// What there may be states of while a segment is trained.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// How many branches it starts from.
    pub branches: usize,
    /// Arms, each of which may end in a state of its own.
    pub arms: usize,
    /// Levels that may be woken, each from a state of its own.
    pub dormant: usize,
}

impl Footprint {
    /// That of a member with the arrays of `layout` in mini-batches of `batch` samples of `dim`
    /// features. `blocks` says whether losses are read after several steps, which may be taken back.
    pub fn of(
        architecture: &Architecture,
        layout: &Layout,
        dim: usize,
        batch: usize,
        blocks: bool,
    ) -> Self {
        let size = |shape: &Vec<usize>| shape.iter().product::<usize>();
        let state: usize = layout.values().map(size).sum();
        let parameters: usize =
            architecture.parameters().iter().map(|(_, shape)| size(shape)).sum();
        // One sample goes through one member, on the CPU; its weights don't matter.
        let device = Device::flex();
        let zeros =
            |shape: &Vec<usize>| Array { values: vec![0.0; size(shape)], shape: shape.clone() };
        let arrays = layout.iter().map(|(name, shape)| (name.clone(), zeros(shape))).collect();
        let member = State { arrays, step: 0, tally: Tally::default() };
        let model = Network::stack(architecture, &[member], &device);
        let between = model.numbers(evaluate::batch(vec![0.0; dim], dim, &device));
        // Each comes out of its array, goes on through a ReLU or the like, and has two gradients.
        let training = 4 * batch * between + 3 * parameters + if blocks { state } else { 0 };
        // Two layers are there at once, at most.
        let evaluating = 2 * model.chunk() * between;
        let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
        Self { state: bytes(state), step: bytes(training.max(evaluating)) }
    }

    /// How many members fit in `memory` bytes at once, beside what the segment keeps until its end;
    /// at least one, even if it doesn't.
    pub fn width(self, memory: u64, holding: Holding) -> usize {
        let Holding { branches, arms, dormant } = holding;
        // Starts; then the last and the best state of each arm; those to wake levels from, each
        // with the best one until then.
        let states = (branches + 2 * arms + 2 * dormant) as u64;
        let rest = memory.saturating_sub(states.saturating_mul(self.state));
        // A member has its state, that at the end of its last epoch and its best one.
        let member = 3 * self.state + self.step;
        usize::try_from(rest / member.max(1)).unwrap_or(usize::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Task;
    use floodgauge_protocol::{Image, Model};

    fn footprint(model: &str, dim: usize, batch: usize) -> Footprint {
        let model: Model = serde_json::from_str(model).unwrap();
        let image = (dim == 784).then_some(Image { channels: 1, height: 28, width: 28 });
        let architecture = Architecture::new(&model, Task { dim, image, classes: 10 }).unwrap();
        Footprint::of(&architecture, &architecture.layout(), dim, batch, false)
    }

    const ALONE: Holding = Holding { branches: 1, arms: 1, dormant: 0 };

    #[test]
    fn there_is_memory_to_use() {
        assert!(half() > 1 << 26);
        assert!(available() > 0);
    }

    #[test]
    fn a_perceptron_takes_its_weights_and_what_lies_between_its_layers() {
        let found = footprint(r#"{"kind": "mlp", "hidden": [100]}"#, 50, 1_000);
        let weights = 50 * 100 + 100 + 100 * 10 + 10;
        assert_eq!(
            found,
            Footprint { state: 4 * weights, step: 4 * (4 * 1_000 * (100 + 10) + 3 * weights) }
        );
    }

    #[test]
    fn images_between_layers_outweigh_the_weights() {
        let model = r#"{"kind": "cnn", "channels": [16, 32], "hidden": [128]}"#;
        let found = footprint(model, 784, 64);
        // At least both convolutions' results and their gradients.
        assert!(found.step > 4 * 64 * 2 * (16 * 784 + 32 * 196));
        assert!(found.step > 10 * found.state);
    }

    #[test]
    fn more_memory_takes_more_members_and_none_still_takes_one() {
        let found = Footprint { state: 10, step: 70 };
        let width = |memory| found.width(memory, ALONE);
        assert_eq!([0, 100, 130, 229, 230, 1_030].map(width), [1, 1, 1, 1, 2, 10]);
        let many = Holding { branches: 5, arms: 20, dormant: 10 };
        assert_eq!(found.width(1_030, many), 3);
    }
}
